import { assert, assertRejects } from "@std/assert";
import { EXCLUSIONS, runUnlessExcluded } from "./exclusions.ts";

const SPEC = new URL("../", import.meta.url);

Deno.test("every exclusion is of a test that there is", async () => {
  const texts: string[] = [];
  for (const folder of ["both", "traps", "v311", "v5"]) {
    for await (const { name } of Deno.readDir(new URL(folder, SPEC))) {
      texts.push(await Deno.readTextFile(new URL(`${folder}/${name}`, SPEC)));
    }
  }
  for (const name of Object.keys(EXCLUSIONS)) {
    assert(texts.some((text) => text.includes(`"${name}"`)), name);
  }
});

Deno.test("an exclusion whose reason does not hold any more fails", async () => {
  const [name] = Object.keys(EXCLUSIONS);
  await runUnlessExcluded(`${name} (TCP)`, () => Promise.reject(new Error("as the reason says")));
  await assertRejects(
    () => runUnlessExcluded(`${name} (TCP)`, () => Promise.resolve()),
    Error,
    "exclusions.ts",
  );
});
