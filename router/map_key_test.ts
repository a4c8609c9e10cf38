import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { mapKey } from "./map_key.ts";
import { newSeed, randomFrom } from "./testdata/random_topics.ts";

/** Whether V8 could take a text for a numeral. */
function mayBeNumeral(text: string): boolean {
  return /^[0-9]/.test(text);
}

Deno.test("mapKey() leaves alone what is no numeral", () => {
  for (const text of ["", "a", "a/7", "-1", "+", "$share/7/8", ".5", ":", "é7", "__proto__"]) {
    assertStrictEquals(mapKey(text), text);
  }
});

Deno.test("mapKey() never gives a numeral, nor the same key to two texts", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const texts = new Map<string, string>();
  for (let round = 0; round < 50_000; round++) {
    const text = Array.from({ length: random(5) }, () => "/09a:."[random(6)]).join("");
    const key = mapKey(text);
    assert(!mayBeNumeral(key), `seed ${seed}: ${key}`);
    assertEquals(texts.get(key) ?? text, text, `seed ${seed}`);
    texts.set(key, text);
  }
});
