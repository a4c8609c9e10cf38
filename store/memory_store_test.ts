import { assertEquals } from "@std/assert";
import { bytesOf, putTexts, testStore, textsIn } from "../tests/harness/store_suite.ts";
import { Batch } from "./batch.ts";
import { MemoryStore } from "./memory_store.ts";

testStore("MemoryStore", () => {
  let store: MemoryStore | undefined;
  return Promise.resolve({
    open: () => Promise.resolve(store = MemoryStore.from(store?.snapshot() ?? new Map())),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

/** A store whose answers wait until they are let go, one by one. */
function slowStore(): { store: MemoryStore; finish: () => void } {
  const waiting: (() => void)[] = [];
  const store = new MemoryStore({ defer: (done) => waiting.push(done) });
  return { store, finish: () => waiting.shift()!() };
}

function putting(key: string, value: string): Batch {
  const batch = new Batch();
  batch.put("meta", bytesOf(key), bytesOf(value));
  return batch;
}

Deno.test("MemoryStore commits when its commit is let go, not before", async () => {
  const { store, finish } = slowStore();
  const commit = store.commit(putting("a", "1"));
  const scan = textsIn(store, "meta");
  finish();
  await commit;
  finish();
  assertEquals(await scan, []);
});

Deno.test("MemoryStore.snapshot() has the commit under way wholly or not at all", async () => {
  const { store } = slowStore();
  const batch = putting("a", "1");
  batch.put("meta", bytesOf("b"), bytesOf("2"));
  store.commit(batch);
  assertEquals(await textsIn(MemoryStore.from(store.snapshot()), "meta"), []);
  const kept = MemoryStore.from(store.snapshot("kept"));
  assertEquals(await textsIn(kept, "meta"), [["a", "1"], ["b", "2"]]);
});

Deno.test("MemoryStore.snapshot() does not change with the store", async () => {
  const store = new MemoryStore();
  await putTexts(store, "meta", ["a", "1"]);
  const snapshot = store.snapshot();
  await putTexts(store, "meta", ["a", "2"], ["b", "2"]);
  const earlier = MemoryStore.from(snapshot);
  assertEquals(await textsIn(earlier, "meta"), [["a", "1"]]);
  await putTexts(earlier, "meta", ["c", "3"]);
  assertEquals(await textsIn(MemoryStore.from(snapshot), "meta"), [["a", "1"]]);
});
