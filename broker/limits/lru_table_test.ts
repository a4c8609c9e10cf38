import { assert, assertEquals } from "@std/assert";
import { LruTable } from "./lru_table.ts";

Deno.test("get() gives the same again, and peek() keeps nothing", () => {
  const table = new LruTable(10, () => ({ count: 0 }));
  assertEquals(table.peek("a"), undefined);
  assertEquals(table.size, 0);
  table.get("a").count = 7;
  assertEquals(table.get("a").count, 7);
  assertEquals(table.peek("a")!.count, 7);
});

Deno.test("a table never holds more than it may, and keeps those that come again", () => {
  const table = new LruTable(100, () => ({ count: 0 }));
  table.get("regular").count = 1;
  for (let i = 0; i < 10_000; i++) {
    table.get(`${i * 65_536}`);
    if (i % 20 === 0) table.get("regular");
    assert(table.size <= 100, `${table.size} after ${i}`);
  }
  assertEquals(table.get("regular").count, 1);
  assertEquals(table.peek("0"), undefined);
});
