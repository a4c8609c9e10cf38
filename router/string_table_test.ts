import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { StringTable } from "./_string_table.ts";
import { newSeed, randomFrom } from "./testdata/random_topics.ts";

interface Value {
  key: string;
}

Deno.test("StringTable agrees with a Map through random changes, whatever the hashes are", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  for (const hashes of [1, 7, 2 ** 31 - 1]) {
    const table = new StringTable<Value>();
    const model = new Map<string, Value>();
    const hashOf = (number: number) => Math.imul(number, 0x9e3779b1) >>> 1 % hashes;
    for (let change = 0; change < 20_000; change++) {
      const number = random(300);
      const [key, hash] = [`/${number}`, hashOf(number)];
      if (random(5) < (change % 4000 < 2000 ? 4 : 1)) {
        const value = { key };
        table.set(key, hash, value);
        model.set(key, value);
      } else {
        assertEquals(table.delete(key, hash), model.delete(key), `seed ${seed}`);
      }
      assertEquals(table.size, model.size, `seed ${seed}`);
      assertStrictEquals(table.find(`a${key}b`, 1, key.length + 1, hash), model.get(key));
    }
    assertEquals(new Map(table.entries()), model, `seed ${seed}`);
    assertEquals(new Set(table.values()), new Set(model.values()), `seed ${seed}`);
  }
});

Deno.test("StringTable.find() compares the whole part of the text, and nothing else of it", () => {
  const table = new StringTable<Value>();
  const value = { key: "/ab" };
  table.set("/ab", 5, value);
  assertStrictEquals(table.find("x/ab/c", 1, 4, 5), value);
  assertEquals(table.find("x/ab/c", 1, 3, 5), undefined);
  assertEquals(table.find("x/ac/c", 1, 4, 5), undefined);
  assertEquals(table.find("x/ab/c", 1, 4, 6), undefined);
});

Deno.test("StringTable.set() tells how many places were in the way", () => {
  const table = new StringTable<Value>();
  const passed = Array.from({ length: 20 }, (_, i) => table.set(`${i}`, 3, { key: "" }));
  assertEquals(passed, [...passed.keys()]);
  assertEquals(table.set("7", 3, { key: "" }), 0, "it was there");
  // The search goes round the end.
  for (let i = 0; i < 20; i++) assert(table.find(`${i}`, 0, `${i}`.length, 3) !== undefined);
});

Deno.test("StringTable.values() yields once what stays, while others come and go", () => {
  const table = new StringTable<Value>();
  for (let i = 0; i < 100; i++) table.set(`${i}`, i % 13, { key: `${i}` });
  const seen: string[] = [];
  for (const { key } of table.values()) {
    seen.push(key);
    for (let i = 0; i < 10; i++) {
      table.set(`new ${seen.length} ${i}`, i % 13, { key: "new" });
      table.delete(`new ${seen.length - 1} ${i}`, i % 13);
    }
    const odd = 2 * seen.length + 1;
    table.delete(`${odd}`, odd % 13);
  }
  for (let i = 0; i < 100; i += 2) assertEquals(seen.filter((key) => key === `${i}`).length, 1);
});
