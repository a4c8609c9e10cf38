import { assert, assertEquals } from "@std/assert";
import { LruTable } from "./lru_table.ts";

/** What an entry of the tables here costs beside its name, in bytes. */
const VALUE_BYTES = 100;

const makeTable = (max: number) => new LruTable(max, VALUE_BYTES, () => ({ count: 0 }));

Deno.test("get() gives the same again, and peek() keeps nothing", () => {
  const table = makeTable(10);
  assertEquals(table.peek("a"), undefined);
  assertEquals([table.size, table.bytes], [0, 0]);
  table.get("a").count = 7;
  assertEquals(table.get("a").count, 7);
  assertEquals(table.peek("a")!.count, 7);
  assertEquals([table.size, table.bytes], [1, VALUE_BYTES + 1]);
});

Deno.test("a table never holds more than it may, and keeps those that come again", () => {
  const table = makeTable(100);
  table.get("regular").count = 1;
  for (let i = 0; i < 10_000; i++) {
    table.get(`${i * 65_536}`);
    if (i % 20 === 0) table.get("regular");
    assert(table.size <= 100, `${table.size} after ${i}`);
  }
  assertEquals(table.get("regular").count, 1);
  assertEquals(table.peek("0"), undefined);
});

Deno.test("names of 64 KB take up no more bytes than they may, and the regular one is kept", () => {
  const table = makeTable(10_000);
  table.limitBytes(1_000_000);
  table.get("regular").count = 1;
  for (let i = 0; i < 1000; i++) {
    table.get(`${i}`.padEnd(65_000, "x"));
    if (i % 5 === 0) table.get("regular");
    assert(table.bytes <= 1_000_000, `${table.bytes} bytes after ${i}`);
  }
  assertEquals(table.get("regular").count, 1);
  assert(table.size > 5, "the room there is goes unused");
});

Deno.test("a name with characters beyond ISO 8859-1 counts two bytes for each", () => {
  const table = makeTable(10);
  table.get("水".repeat(1000));
  assertEquals(table.bytes, VALUE_BYTES + 2000);
});

Deno.test("limitBytes() forgets at once what is beyond: first those not heard of lately", () => {
  const table = makeTable(100);
  for (let i = 0; i < 51; i++) table.get(`${i}`);
  // The first fifty are old by now.
  assertEquals(table.size, 51);
  table.limitBytes(10 * VALUE_BYTES);
  assertEquals(table.size, 1);
  assert(table.peek("50") !== undefined);
  table.limitBytes(10);
  assertEquals([table.size, table.bytes], [0, 0]);
});

Deno.test("a name that alone is more than half of what there may be is not kept", () => {
  const table = makeTable(100);
  table.limitBytes(1000);
  table.get("small").count = 1;
  table.get("x".repeat(600)).count = 1;
  assertEquals(table.peek("x".repeat(600)), undefined);
  assertEquals(table.peek("small")!.count, 1);
});
