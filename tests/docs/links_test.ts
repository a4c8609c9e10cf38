/**
 * Links of the documents: every relative one leads to a file, and every anchor to a heading.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);
/** Folders whose documents are not ours, or are made by tests. */
const LEFT_OUT = [".git", "node_modules", "coverage", "std", "fairway-data"];

/** What is put into another document, whose links are those of that document. */
const PARTS = ["tests/spec/interpretations.md"];

/** Every document below a folder. */
async function* documents(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (LEFT_OUT.includes(name)) continue;
    if (isDirectory) yield* documents(new URL(`${name}/`, folder));
    else if (name.endsWith(".md")) yield new URL(name, folder);
  }
}

/** A document without blocks of code and what is between backticks, which have no links. */
function withoutCode(text: string): string {
  return withoutBlocks(text).replace(/`[^`\n]*`/g, "");
}

function withoutBlocks(text: string): string {
  return text.replace(/^ *(```+|~~~+)[^]*?^ *\1 *$/gm, "");
}

/** The targets of links and pictures. */
export function linksOf(text: string): string[] {
  const plain = withoutCode(text);
  const inline = plain.matchAll(/\]\(\s*<?([^()\s>]+(?:\([^()\s]*\))?)>?(?:\s+"[^"]*")?\s*\)/g);
  const named = plain.matchAll(/^\[[^\]]+\]:\s+(\S+)/gm);
  return [...inline, ...named].map(([, target]) => target!);
}

/** The anchors of a document: those GitHub makes of its headings, and those it has itself. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const plain = withoutBlocks(text);
  for (const [, title] of plain.matchAll(/^#{1,6} +(.*)$/gm)) {
    const slug = slugOf(title!);
    let anchor = slug;
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`;
    anchors.add(anchor);
  }
  for (const [, name] of plain.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(name!);
  return anchors;
}

function slugOf(title: string): string {
  const text = title.trim().replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  return text.replace(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, "").replaceAll(" ", "-");
}

/** What is wrong with the links of a document. */
async function faultsOf(document: URL): Promise<string[]> {
  const faults: string[] = [];
  const text = await Deno.readTextFile(document);
  for (const link of linksOf(text)) {
    if (/^[a-z][a-z+.-]*:/i.test(link)) continue;
    const [path, anchor] = link.split("#", 2) as [string, string | undefined];
    const target = path === "" ? document : new URL(path, document);
    try {
      const { isFile } = await Deno.stat(target);
      if (anchor === undefined || !isFile || !target.pathname.endsWith(".md")) continue;
      if (!anchorsOf(await Deno.readTextFile(target)).has(anchor)) {
        faults.push(`${link}: no such heading`);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      faults.push(`${link}: no such file`);
    }
  }
  return faults.map((fault) => `${document.pathname.slice(ROOT.pathname.length)}: ${fault}`);
}

Deno.test("anchors are those of GitHub", () => {
  const text = "# A `b_c`: d, e\n## … the disk is full\n## A\n## A\n```\n## not one\n```\n";
  assertEquals([...anchorsOf(text)], ["a-b_c-d-e", "-the-disk-is-full", "a", "a-1"]);
});

Deno.test("links in code are none, pictures are some", () => {
  const text = "[a](b.md#c) `[x](y)` ![p](img/p.svg)\n```\n[z](z)\n```\n[r]: r.md\n";
  assertEquals(linksOf(text), ["b.md#c", "img/p.svg", "r.md"]);
});

Deno.test("every relative link of the documents leads somewhere, anchors too", async () => {
  const faults: string[] = [];
  let count = 0;
  for await (const document of documents(ROOT)) {
    if (PARTS.includes(document.pathname.slice(ROOT.pathname.length))) continue;
    count++;
    faults.push(...await faultsOf(document));
  }
  assert(count >= 20, `${count} documents`);
  assertEquals(faults, []);
});

Deno.test("the index of docs/ has every page", async () => {
  const index = new URL("docs/README.md", ROOT);
  const listed = new Set(
    linksOf(await Deno.readTextFile(index)).map((link) => new URL(link, index).pathname),
  );
  for await (const page of documents(new URL("docs/", ROOT))) {
    if (page.pathname !== index.pathname) assert(listed.has(page.pathname), page.pathname);
  }
});
