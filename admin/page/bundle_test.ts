import { assertEquals, assertThrows } from "@std/assert";
import { bundle, type BundleOptions } from "./bundle.ts";
import { CLIENT_SOURCES } from "./client_sources.ts";
import { WEB_MODULES } from "./web_sources.ts";

function bundled(sources: Record<string, string>, more: Partial<BundleOptions> = {}): string {
  const steps = bundle({ sources: new Map(Object.entries(sources)), entry: "a.ts", ...more });
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** Runs a bundle, and returns what it exports. */
async function run(sources: Record<string, string>): Promise<Record<string, unknown>> {
  return await import(`data:text/javascript,${encodeURIComponent(bundled(sources))}`);
}

Deno.test("bundle() joins modules that import and export in every form of this project", async () => {
  const { one, two, Three, four, five } = await run({
    "a.ts": `/** What it is. */
import { b, type T, c as renamed } from "./x/b.ts";
import type { U } from "./missing.ts";
export { Three, type Four } from "./x/b.ts";
export * from "./d.ts";
const hidden: T = b; // not exported
export const one: number = hidden;
export async function two(): Promise<U> { return renamed as U; }
const four = "/* kept */";
export { four };
`,
    "x/b.ts": `import { five } from "../d.ts";
export type T = number;
export interface Four { readonly a: T; }
export const b: T = five - 4;
export function c(): T { return b; }
export class Three { readonly value: T = 3; }
`,
    "d.ts": "export const five = 5;\n",
  });
  assertEquals([one, four, five], [1, "/* kept */", 5]);
  assertEquals(typeof (two as () => Promise<unknown>)(), "object");
  assertEquals(new (Three as new () => { value: number })().value, 3);
});

Deno.test("bundle() leaves the modules that the browser loads itself", () => {
  const text = bundled(
    { "a.ts": 'import { html } from "./preact.js";\nexport const a = html;\n' },
    {
      external: ["./preact.js"],
    },
  );
  assertEquals(text.split("\n")[0], 'import { html } from "./preact.js";');
});

Deno.test("bundle() keeps the code behind a comment at the beginning of a line", async () => {
  const source = "export const one = Math.max(\n  /** @type {number} */ (1),\n  0,\n);\n";
  assertEquals((await run({ "a.ts": source })).one, 1);
});

Deno.test("bundle() makes a script of the modules of the page", async () => {
  const sources: Record<string, string> = {};
  for (const [path, load] of Object.entries(WEB_MODULES)) sources[path] = (await load()).default;
  const text = bundled(sources, {
    entry: "web/app.js",
    external: ["./preact.js", "./client.js"],
  });
  // It is parsed, not run.
  assertEquals(typeof new Function(text.replaceAll(/^import .*$/gm, "")), "function");
});

Deno.test("bundle() names what it cannot join", () => {
  const fails = (sources: Record<string, string>, words: string) => {
    assertThrows(() => bundled(sources), TypeError, words);
  };
  fails({ "a.ts": 'import { b } from "./b.ts";\n' }, "there is no b.ts");
  fails({ "a.ts": "export default 1;\n" }, "a.ts: export default 1");
  fails({ "a.ts": "export let a = 1;\n" }, "a.ts: export let a");
  const circle = {
    "a.ts": 'import { b } from "./b.ts";\nexport const a = 1;\n',
    "b.ts": 'import { a } from "./a.ts";\nexport const b = a;\n',
  };
  fails(circle, "a.ts -> b.ts -> a.ts");
});

Deno.test("the list of the client's sources has every file that it imports, and no other", async () => {
  const sources = new Map<string, string>();
  for (const [path, load] of Object.entries(CLIENT_SOURCES)) {
    sources.set(path, (await load()).default);
    assertEquals(
      sources.get(path),
      await Deno.readTextFile(new URL(`../../${path}`, import.meta.url)),
    );
  }
  // If not: the message names the file that is missing, or that is too many.
  const steps = bundle({ sources, entry: "client/mod.ts" });
  let step = steps.next();
  while (!step.done) step = steps.next();
  const joined = [...step.value.matchAll(/^\/\/ (\S+\.ts)$/gm)].map(([, path]) => path);
  assertEquals(joined.sort(), [...sources.keys()].sort());
});
