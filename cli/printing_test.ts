/**
 * Everything that the server and the commands print goes through `terminal.ts` or the operator's
 * log, which escape it: nothing else in these rooms writes to a terminal.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);
/** Every room that can be part of a server or a command. */
const ROOMS = [
  ...["admin", "auth", "broker", "cli", "client", "codec", "config"],
  ...["flow", "log", "router", "server", "store", "stream", "transport"],
];

/** Ways to a terminal. */
const WAYS_REGEXP =
  /\bconsole\b|\bDeno\.std(?:out|err)\b|\bprocess\.std(?:out|err)\b|\b(?:alert|confirm|prompt)\(|\bstd(?:out|err)\s*\}\s*=\s*(?:Deno|process)\b|\bDeno\s*\[|\/dev\/(?:std|tty)/g;

/** Those that there are, each with what sees to it that nothing is printed as it came. */
const KNOWN: Record<string, string[]> = {
  // The one that escapes.
  "cli/terminal.ts": ["console", "console", "console", "Deno.stderr", "Deno.stderr"],
  // Lines of OperatorLog, which has escaped them.
  "server/log_outputs.ts": ["Deno.stdout", "Deno.stderr"],
  // The messages themselves, as whoever reads them wants them.
  "cli/sub.ts": ["Deno.stdout"],
};

async function* sources(folder: URL): AsyncGenerator<[string, string]> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const url = new URL(name, folder);
    if (isDirectory) yield* sources(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) {
      yield [url.pathname.slice(ROOT.pathname.length), await code(url)];
    }
  }
}

/** A source without its comments. */
async function code(file: URL): Promise<string> {
  const text = await Deno.readTextFile(file);
  return text.replaceAll(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
}

async function everySource(): Promise<[string, string][]> {
  const rooms = ROOMS.map((room) => Array.fromAsync(sources(new URL(`${room}/`, ROOT))));
  const all = (await Promise.all(rooms)).flat();
  for (const name of ["server.ts", "mod.ts"]) all.push([name, await code(new URL(name, ROOT))]);
  return all;
}

Deno.test("nothing is printed past the one place that escapes what comes from outside", async () => {
  const found: Record<string, string[]> = {};
  for (const [name, text] of await everySource()) {
    const ways = [...text.matchAll(WAYS_REGEXP)].map(([way]) => way);
    if (ways.length > 0) found[name] = ways;
  }
  assertEquals(found, KNOWN);
});

Deno.test("sayPage() prints the text of a help, or what a configuration comes to, and nothing else", async () => {
  const pages: string[] = [];
  for (const [name, text] of await everySource()) {
    if (name === "cli/terminal.ts") continue;
    for (const [, page] of text.matchAll(/\bsayPage\(([^]*?)\);/g)) pages.push(page!);
  }
  assertEquals(new Set(pages), new Set(["HELP", "PUB_HELP", "SUB_HELP", "PASSWD_HELP", "effect"]));
});

Deno.test("a line is made of a text by its escape only", async () => {
  for (const [name, text] of await everySource()) {
    if (name === "admin/visible.ts") continue;
    const made = [...text.matchAll(/\bLine\.fill\(|\bas (?:unknown as )?Line\b|\bline\(\[/g)];
    assertEquals(made.map(([way]) => way), [], name);
  }
});
