/**
 * Writes the pages of `docs/` that are made from the code. With `--check` it writes nothing, and
 * fails if one is not up to date:
 *
 *     deno task docs
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "@std/cli";
import { limitTextsOf, referencePage } from "../../config/reference/reference.ts";
import { apiPage } from "./api_page.ts";

const ROOT = new URL("../../", import.meta.url);

/** The pages, and what has to be in them. */
export const PAGES: Readonly<Record<string, () => Promise<string>>> = {
  "docs/configuration-reference.md": async () => {
    const source = await Deno.readTextFile(new URL("broker/base/limits.ts", ROOT));
    return referencePage(limitTextsOf(source));
  },
  "docs/api.md": apiPage,
};

if (import.meta.main) {
  const { check } = parseArgs(Deno.args, {
    boolean: ["check"],
    unknown: (argument) => {
      console.error(`Unknown argument: ${argument}: there is only --check`);
      Deno.exit(2);
    },
  });
  for (const [path, wanted] of Object.entries(PAGES)) {
    const page = new URL(path, ROOT);
    if (!check) await Deno.writeTextFile(page, await wanted());
    else if (await Deno.readTextFile(page) !== await wanted()) {
      console.error(`${path} is not up to date: run \`deno task docs\``);
      Deno.exit(1);
    }
  }
}
