import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { newSeed, randomFrom } from "./testdata/random_topics.ts";
import { WideMap } from "./wide_map.ts";

interface Value {
  key: string;
}

/** Keys of every kind: short and long, with one beginning or one end, in another alphabet. */
function keyAt(index: number): string {
  const forms = [`x${index * 65_536}`, `t/${index}/x`, "é".repeat(200) + index, `/${index}`];
  return forms[index % forms.length]!;
}

Deno.test("WideMap agrees with a Map through random changes", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const wide = new WideMap<Value>();
  const model = new Map<string, Value>();
  for (let change = 0; change < 40_000; change++) {
    const key = keyAt(random(10_000));
    if (random(4) < (change < 25_000 ? 3 : 1)) {
      const value = { key };
      wide.set(key, value);
      model.set(key, value);
    } else {
      assertEquals(wide.delete(key), model.delete(key), `seed ${seed}`);
    }
    assertEquals(wide.size, model.size, `seed ${seed}`);
    assertStrictEquals(wide.get(key), model.get(key), `seed ${seed}`);
  }
  assert(model.size > 2000, "large enough to have split");
  assertEquals(new Map(wide.entries()), model, `seed ${seed}`);
  for (const key of model.keys()) assert(wide.delete(key), `seed ${seed}`);
  assertEquals([wide.size, [...wide.values()].length], [0, 0], `seed ${seed}`);
});

Deno.test("WideMap.values() yields once what stays while the map grows and shrinks", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const wide = new WideMap<Value>();
  for (let index = 0; index < 1000; index++) wide.set(keyAt(index), { key: keyAt(index) });
  const stays = new Set(Array.from(wide.entries(), ([key]) => key));
  const seen = new Set<string>();
  let added = 1000;
  for (const { key } of wide.values()) {
    assert(!seen.has(key), `${key} twice: seed ${seed}`);
    seen.add(key);
    for (let count = added < 30_000 ? 50 : 0; count > 0; count--, added++) {
      wide.set(keyAt(added), { key: keyAt(added) });
    }
    const gone = keyAt(random(500));
    wide.delete(gone);
    stays.delete(gone);
  }
  assert(stays.size >= 500 && stays.isSubsetOf(seen), `seed ${seed}`);
});

Deno.test("WideMap is not slowed by one key that keeps coming back", () => {
  const wide = new WideMap<Value>();
  for (let index = 0; index < 100_000; index++) wide.set(`key ${index}`, { key: "" });
  const started = performance.now();
  for (let round = 0; round < 100_000; round++) {
    wide.set("the one", { key: "" });
    assert(wide.delete("the one"));
  }
  // It takes 0.1 s; a Map of that size takes 4 s and more.
  assert(performance.now() - started < 2000);
});

/**
 * Keys of 2 × `stages` characters with one hash. In each stage two pairs of characters lead to the
 * same state: the second character makes up for the difference of the first.
 */
function collidingKeys(stages: number): string[] {
  let state = 2 * stages;
  let keys = [""];
  const step = (before: number, code: number) => Math.imul(before ^ code, 0x01000193);
  for (let stage = 0; stage < stages; stage++) {
    const byHigh = new Map<number, number>();
    for (let code = 0x100;; code++) {
      const one = step(state, code);
      const other = byHigh.get(one >>> 16);
      byHigh.set(one >>> 16, code);
      if (other === undefined) continue;
      const difference = one ^ step(state, other);
      const pairs = [
        String.fromCharCode(code, 0x100),
        String.fromCharCode(other, 0x100 ^ difference),
      ];
      state = step(one, 0x100);
      keys = keys.flatMap((key) => pairs.map((pair) => key + pair));
      break;
    }
  }
  return keys;
}

Deno.test("WideMap finds keys whose hashes collide, and keys beside them", () => {
  const keys = collidingKeys(11);
  assertEquals(new Set(keys).size, 2048);
  const wide = new WideMap<Value>();
  for (let index = 0; index < 3000; index++) wide.set(keyAt(index), { key: keyAt(index) });
  const started = performance.now();
  for (const key of keys) wide.set(key, { key });
  for (let round = 0; round < 50; round++) {
    for (const key of keys) assert(wide.find(`${key}/x`, 0, key.length)?.key === key);
  }
  // It takes 50 ms; if all of them were in one table, some seconds.
  assert(performance.now() - started < 1000);
  assertEquals([wide.size, [...wide.values()].length], [5048, 5048]);
  for (const key of keys) assert(wide.delete(key) && !wide.delete(key));
  for (let index = 0; index < 3000; index++) {
    assertEquals(wide.get(keyAt(index))?.key, keyAt(index));
  }
  assertEquals(new Map(wide.entries()).size, 3000);
});
