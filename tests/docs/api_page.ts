/** The page `docs/api.md`: every exported name, from the docstrings. */
import config from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

/** A symbol as `deno doc` tells it, as far as it matters here. */
interface Symbol {
  readonly name: string;
  readonly declarations: readonly { readonly kind: string; readonly jsDoc?: { doc?: string } }[];
}

interface Documentation {
  readonly nodes: Record<string, { module_doc?: { doc?: string }; symbols: Symbol[] }>;
}

const HEAD = `<!-- deno-fmt-ignore-file -->

# The API

Every name that the package exports, with the first sentence of its documentation. \`deno task docs\`
writes this page. \`deno doc mod.ts\` prints all of the documentation, and so does an editor.
[Embedding](embedding.md) and [the client](client.md) explain how the names belong together.

Names that are not here are not part of the API, and may change.
`;

/** The whole page. */
export async function apiPage(): Promise<string> {
  const entries = Object.entries(config.exports);
  const paths = entries.map(([, path]) => new URL(path, ROOT));
  const { nodes } = await documentation(paths.map(({ pathname }) => pathname));
  const home = new Map(
    Object.values(nodes).flatMap(({ symbols }) => symbols)
      .filter(({ declarations }) => declarations[0]!.kind !== "reference")
      .map((symbol) => [symbol.name, symbol]),
  );
  const sections = entries.map(([entry], i) => {
    const { module_doc: doc, symbols } = nodes[paths[i]!.href]!;
    return section(
      `@fairway/mqtt${entry.slice(1)}`,
      doc?.doc ?? "",
      symbols.map((one) => home.get(one.name) ?? one),
    );
  });
  return [HEAD, ...sections].join("\n");
}

async function documentation(paths: string[]): Promise<Documentation> {
  const args = ["doc", "--json", ...paths];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

function section(title: string, doc: string, symbols: Symbol[]): string {
  const rows = symbols.filter(({ name }) => name !== "").map(({ name, declarations }) => {
    const { kind } = declarations[0]!;
    const text = declarations.map(({ jsDoc }) => jsDoc?.doc ?? "").find((doc) => doc !== "") ?? "";
    return `| \`${name}\` | ${KINDS[kind] ?? kind} | ${firstSentence(text)} |`;
  });
  return [
    `## ${title}`,
    "",
    firstParagraph(doc),
    "",
    "| name | kind | what it is |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ]
    .join("\n");
}

const KINDS: Record<string, string> = { typeAlias: "type", variable: "value" };

function firstParagraph(doc: string): string {
  return plain(doc.split(/\n\s*\n/)[0]!);
}

function firstSentence(doc: string): string {
  return plain(/^[^]*?\.(?=\s|$)/.exec(doc)?.[0] ?? doc).replaceAll("|", "\\|");
}

function plain(doc: string): string {
  return doc.replace(/\{@link(?:code)? ([^}]+)\}/g, "`$1`").replace(/\s+/g, " ").trim();
}
