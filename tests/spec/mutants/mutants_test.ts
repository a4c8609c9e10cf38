import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type Mutant, mutate } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const ROOT = new URL("../../../", import.meta.url);

for (const mutant of MUTANTS) {
  Deno.test(`mutant: "${mutant.rule}" can still be broken`, async () => {
    const source = await Deno.readTextFile(new URL(mutant.file, ROOT));
    assertNotEquals(mutate(source, mutant), source);
    const tests = [...mutant.tests.map((test) => `tests/spec/${test}`), ...mutant.others ?? []];
    assert(tests.length > 0);
    for (const test of tests) assert((await Deno.stat(new URL(test, ROOT))).isFile);
  });
}

Deno.test("mutant: there are forty at least, each for a rule of its own", () => {
  assert(MUTANTS.length >= 40);
  assertEquals(new Set(MUTANTS.map(({ rule }) => rule)).size, MUTANTS.length);
});

Deno.test("mutate() changes one place, and fails where there is not just one", () => {
  const mutant: Mutant = { rule: "a", file: "a.ts", find: "b", replace: "$&c", tests: [] };
  assertEquals(mutate("abd", mutant), "a$&cd");
  for (const source of ["ad", "abbd"]) assertThrows(() => mutate(source, mutant), Error, "times");
});
