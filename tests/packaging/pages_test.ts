/**
 * Pages that are made from the code are up to date, and leave nothing out.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { SUBJECTS } from "../../config/reference/reference.ts";
import { LIMIT_OPTIONS } from "../../config/options/options.ts";
import { knownWords } from "../../config/options/words.ts";
import { PAGES } from "../docs/write.ts";

const ROOT = new URL("../../", import.meta.url);

const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

Deno.test("docs/configuration-reference.md is what `deno task docs` writes", async () => {
  const path = "docs/configuration-reference.md";
  const isUpToDate = await read(path) === await PAGES[path]!();
  assert(isUpToDate, `${path} is not up to date: run \`deno task docs\``);
});

Deno.test("docs/api.md has every exported name, where it belongs, and no other", async () => {
  const path = "docs/api.md";
  // The sentences may be older than the code: whoever changes a name has them written again.
  const names = (page: string) => page.match(/^## .*$|^\| `[^`]+` \|/gm);
  assertEquals(names(await read(path)), names(await PAGES[path]!()), "run `deno task docs`");
});

Deno.test("the reference has each word of the configuration once, and no other", () => {
  const told = SUBJECTS.flatMap(({ words }) => Object.keys(words));
  const known = knownWords().filter((word) => !Object.hasOwn(LIMIT_OPTIONS, word));
  assertEquals(told.toSorted(), known.toSorted());
});

Deno.test("each limit and each exported name is told in words", async () => {
  for (const path of Object.keys(PAGES)) {
    const page = await read(path);
    assertEquals(page.match(/^.*\| +\|$/gm), null, path);
  }
});
