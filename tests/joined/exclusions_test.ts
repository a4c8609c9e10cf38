import { assert, assertRejects } from "@std/assert";
import { EXCLUSIONS, runUnlessExcluded } from "./exclusions.ts";

const TESTS = new URL("../", import.meta.url);
const FOLDERS = ["both", "traps", "v311", "v5"].map((name) => `spec/${name}`);
/** What tests in a loop put into their names. */
const VARIABLE = /changeLimits: (\w+) .*|^refuse-publisher: (.*) \(\d+ \w+\)$|one of \d+ (.*)/;

Deno.test("every exclusion is of a test that there is", async () => {
  const texts: string[] = [];
  for (const folder of [...FOLDERS, "limits", "resilience"]) {
    for await (const { name } of Deno.readDir(new URL(folder, TESTS))) {
      texts.push(await Deno.readTextFile(new URL(`${folder}/${name}`, TESTS)));
    }
  }
  for (const name of EXCLUSIONS.keys()) {
    const part = VARIABLE.exec(name)?.slice(1).find((one) => one !== undefined);
    const text = part ?? `"${name}"`;
    assert(texts.some((source) => source.includes(text)), name);
  }
});

Deno.test("an exclusion whose reason does not hold any more fails", async () => {
  const [name] = EXCLUSIONS.keys();
  await runUnlessExcluded(`${name} (TCP)`, () => Promise.reject(new Error("as the reason says")));
  await assertRejects(
    () => runUnlessExcluded(`${name} (TCP)`, () => Promise.resolve()),
    Error,
    "exclusions.ts",
  );
});
