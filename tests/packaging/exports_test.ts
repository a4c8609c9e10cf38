import { assert, assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { Child } from "../harness/child.ts";

const ROOT = new URL("../../", import.meta.url);

/** How many names a newcomer is shown. */
const ROOT_NAMES_MAX = 40;

/** Names that two entries have: a first program connects, and so does one that is only a client. */
const IN_TWO = ["connect"];

/** The names that an entry exports, types included. */
async function namesOf(path: string): Promise<string[]> {
  await using child = new Child(Deno.execPath(), ["doc", "--json", path], { cwd: ROOT.pathname });
  const { code, stdout, stderr } = await child.outcome(60_000);
  assertEquals(code, 0, stderr);
  const { nodes } = JSON.parse(stdout) as { nodes: Record<string, { symbols: Named[] }> };
  return Object.values(nodes).flatMap(({ symbols }) => symbols.map(({ name }) => name));
}

/** A symbol as `deno doc` tells it, as far as it matters here. */
interface Named {
  readonly name: string;
}

Deno.test("a name of the public API has one entry, and the root shows at most 40", async () => {
  const homes = new Map<string, string[]>();
  for (const [entry, path] of Object.entries(config.exports)) {
    const names = await namesOf(path);
    assert(names.length > 0, entry);
    if (entry === ".") assert(names.length <= ROOT_NAMES_MAX, `${names.length} names`);
    for (const name of names) homes.set(name, [...homes.get(name) ?? [], entry]);
  }
  const shared = [...homes].filter(([, entries]) => entries.length > 1).map(([name]) => name);
  assertEquals(shared, IN_TWO);
});

Deno.test("every entry resolves in the repository as it does for a user, and is linted", () => {
  for (const [entry, path] of Object.entries(config.exports)) {
    const specifier = `@fairway/mqtt${entry.slice(1)}` as keyof typeof config.imports;
    assertEquals(config.imports[specifier], path);
    assert(config.tasks.lint.command.includes(` ${path.slice(2)}`), path);
  }
});
