/**
 * Tells which normative statements of MQTT a test holds, and writes the table of them to
 * `docs/conformance.md`. With `--check` it writes nothing and fails when the table is stale.
 *
 *     deno task spec [--check]
 *
 * @module
 */
// deno-lint-ignore-file no-console
import {
  parseStatements,
  reasonFor,
  type Statement,
  testsIn,
  type Version,
  VERSIONS,
} from "./statements.ts";

const DOCUMENT = new URL("../../docs/conformance.md", import.meta.url);

/** What is known of a version. */
interface Coverage {
  version: Version;
  statements: Statement[];
  /** Tests by the statement they name. */
  tests: Map<string, string[]>;
  /** Tests that name what is no statement, after what they name. */
  unknown: string[];
}

/** The sources of the tests in a folder, and in those below. */
async function* sources(folder: URL): AsyncGenerator<string> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  for (const { name, isDirectory } of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, folder));
    else if (name.endsWith("_test.ts")) yield await Deno.readTextFile(new URL(name, folder));
  }
}

async function coverageOf(version: Version): Promise<Coverage> {
  const list = await Deno.readTextFile(new URL(version.list, import.meta.url));
  const statements = parseStatements(list);
  const known = new Set(statements.map(({ id }) => id));
  const tests = new Map<string, string[]>();
  const unknown: string[] = [];
  for await (const source of sources(new URL(`${version.folder}/`, import.meta.url))) {
    for (const { title, ids } of testsIn(source)) {
      for (const id of ids) {
        if (!known.has(id)) unknown.push(`${id}: ${title}`);
        tests.set(id, [...tests.get(id) ?? [], title]);
      }
    }
  }
  return { version, statements, tests, unknown };
}

/** Testable statements, and those of them that a test names. */
function tally({ statements, tests }: Coverage): { testable: Statement[]; held: Statement[] } {
  const testable = statements.filter(({ isTestable }) => isTestable);
  return { testable, held: testable.filter(({ id }) => tests.has(id)) };
}

function printReport(coverage: Coverage): void {
  const { version, tests, unknown } = coverage;
  const { testable, held } = tally(coverage);
  console.log(`${version.name}: held ${held.length} of ${testable.length}`);
  for (const { id, text } of testable) if (!tests.has(id)) console.log(`  open: ${id}  ${text}`);
  for (const name of unknown) console.log(`  unknown statement: ${name}`);
}

/** A cell of a table: a bar would end it. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("*", "\\*");
}

function section(coverage: Coverage): string {
  const { version, statements, tests } = coverage;
  const { testable, held } = tally(coverage);
  const rows = testable.map(({ id, text }) => {
    const names = tests.get(id)?.map(cell).join("<br>") ?? "**open**";
    return `| ${id} | ${cell(text)} | ${names} |`;
  });
  const others = statements.filter(({ isTestable }) => !isTestable).map((statement) =>
    `| ${statement.id} | ${cell(statement.text)} | ${reasonFor(version, statement)} |`
  );
  return [
    `## ${version.name}`,
    `A test holds ${held.length} of ${testable.length} statements.`,
    ["| Statement | What it says | Tests |", "| --- | --- | --- |", ...rows].join("\n"),
    `### ${version.name}: what no test can tell`,
    ["| Statement | What it says | Why |", "| --- | --- | --- |", ...others].join("\n"),
  ].join("\n\n");
}

function documentOf(coverages: Coverage[]): string {
  return [
    "<!-- deno-fmt-ignore-file -->",
    "# Conformance",
    "Every normative statement of MQTT 5.0 and 3.1.1 that binds a server, in our words, and the\n" +
    "tests that fail when it is broken. They are in `tests/spec/`: bytes sent to a broker, and the\n" +
    "bytes it must answer with. `deno task spec` writes this page.",
    ...coverages.map(section),
  ].join("\n\n") + "\n";
}

async function main(args: string[]): Promise<number> {
  const coverages = await Promise.all(VERSIONS.map(coverageOf));
  coverages.forEach(printReport);
  const isFaulty = coverages.some(({ unknown }) => unknown.length > 0);
  const document = documentOf(coverages);
  if (!args.includes("--check")) {
    await Deno.writeTextFile(DOCUMENT, document);
    return isFaulty ? 1 : 0;
  }
  if (await Deno.readTextFile(DOCUMENT).catch(() => "") === document) return isFaulty ? 1 : 0;
  console.log("docs/conformance.md is stale: run `deno task spec`");
  return 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
