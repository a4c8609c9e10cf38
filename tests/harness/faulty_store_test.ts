import { assertEquals, assertRejects } from "@std/assert";
import { MemoryStore } from "../../store/memory_store.ts";
import { StoreError, StoreFullError } from "../../store/store.ts";
import { FaultyStore } from "./faulty_store.ts";
import { putTexts, textsIn } from "./store_suite.ts";

Deno.test("FaultyStore fails at the call it was told, once, and nothing has changed", async () => {
  const error = () => new StoreFullError("Cannot write: the disk is full");
  const store = new FaultyStore(new MemoryStore(), { call: "commit", at: 2, error });
  await putTexts(store, "meta", ["a", "1"]);
  await assertRejects(() => putTexts(store, "meta", ["b", "2"]), StoreFullError);
  assertEquals(await textsIn(store, "meta"), [["a", "1"]]);
  await putTexts(store, "meta", ["b", "3"]);
  assertEquals(await textsIn(store, "meta"), [["a", "1"], ["b", "3"]]);
  assertEquals(store.calls, { commit: 3, scan: 2, get: 0, size: 0 });
  assertEquals(store.failures, 1);
});

Deno.test("FaultyStore goes on failing for as long as it was told", async () => {
  const error = () => new StoreError("Cannot read");
  const store = new FaultyStore(new MemoryStore(), { call: "scan", at: 1, count: 2, error });
  await assertRejects(() => textsIn(store, "meta"), StoreError);
  await assertRejects(() => textsIn(store, "meta"), StoreError);
  assertEquals(await textsIn(store, "meta"), []);
});
