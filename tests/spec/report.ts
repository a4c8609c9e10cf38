/**
 * Tells which normative statements of MQTT a test holds, and writes the table of them to
 * `docs/conformance.md`. With `--check` it writes nothing and fails when the table is stale.
 *
 *     deno task spec [--check]
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { readCommandLine } from "../harness/command_line.ts";
import {
  BOTH_FOLDER,
  idsFor,
  openReasonFor,
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

/** A trap that brokers fall into, and the tests that see to it that Fairway does not. */
interface Trap {
  name: string;
  tests: string[];
}

/** What is told beside the statements. */
interface Prose {
  interpretations: string;
  traps: Trap[];
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
  for (const folder of [version.folder, BOTH_FOLDER]) {
    for await (const source of sources(new URL(`${folder}/`, import.meta.url))) {
      for (const test of testsIn(source)) {
        for (const id of idsFor(version, test)) {
          if (!known.has(id)) unknown.push(`${id}: ${test.title}`);
          tests.set(id, [...tests.get(id) ?? [], test.title]);
        }
      }
    }
  }
  return { version, statements, tests, unknown };
}

function readText(name: string): Promise<string> {
  return Deno.readTextFile(new URL(name, import.meta.url));
}

async function readProse(): Promise<Prose> {
  const [, ...rows] = (await readText("traps.tsv")).trimEnd().split("\n");
  const traps = rows.map((row) => row.split("\t")).map(([name, ...tests]) => ({
    name: name!,
    tests,
  }));
  return { interpretations: await readText("interpretations.md"), traps };
}

/** The tests that the prose names and that do not exist. */
async function missingTests({ interpretations, traps }: Prose): Promise<string[]> {
  const titles = new Set<string>();
  for await (const source of sources(new URL("./", import.meta.url))) {
    for (const { title } of testsIn(source)) titles.add(title.trim());
  }
  // Each item of a list is the name of a test, which may go on in the next line.
  const items = interpretations.matchAll(/^- (.*(?:\n {2}.*)*)$/gm);
  const named = [...items].map(([, item]) => item!.replaceAll(/\s+/g, " "));
  return [...named, ...traps.flatMap(({ tests }) => tests)].filter((title) => !titles.has(title));
}

/** Testable statements, those of them that a test names, and those that have to wait for one. */
function tally({ version, statements, tests }: Coverage): Record<
  "testable" | "held" | "open" | "missing",
  Statement[]
> {
  const testable = statements.filter(({ isTestable }) => isTestable);
  const held = testable.filter(({ id }) => tests.has(id));
  const others = testable.filter(({ id }) => !tests.has(id));
  const isOpen = (statement: Statement) => openReasonFor(version, statement) !== undefined;
  const missing = others.filter((statement) => !isOpen(statement));
  return { testable, held, open: others.filter(isOpen), missing };
}

function printReport(coverage: Coverage): void {
  const { version, unknown } = coverage;
  const { held, open, missing } = tally(coverage);
  console.log(`${version.name}: ${summary(coverage)}`);
  for (const statement of open) {
    console.log(`  ${openReasonFor(version, statement)}: ${statement.id}  ${statement.text}`);
  }
  for (const { id, text } of missing) console.log(`  without a test: ${id}  ${text}`);
  if (held.length === 0) console.log("  no test was found at all");
  for (const name of unknown) console.log(`  unknown statement: ${name}`);
}

/** How many statements are held. */
function summary(coverage: Coverage): string {
  const { testable, held, open } = tally(coverage);
  const due = testable.length - open.length;
  const percent = Math.floor(100 * held.length / due);
  const rest = open.length === 0 ? "" : `; ${open.length} more are open`;
  return `held ${held.length} of ${due} statements, ${percent} %${rest}`;
}

/** A cell of a table: a bar would end it. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("*", "\\*");
}

function section(coverage: Coverage): string {
  const { version, statements, tests } = coverage;
  const { testable } = tally(coverage);
  const rows = testable.map((statement) => {
    const { id, text } = statement;
    const reason = openReasonFor(version, statement) ?? "without a test";
    return `| ${id} | ${cell(text)} | ${namesOf(tests.get(id)) ?? `**${reason}**`} |`;
  });
  const others = statements.filter(({ isTestable }) => !isTestable).map((statement) =>
    `| ${statement.id} | ${cell(statement.text)} | ${reasonFor(version, statement)} |`
  );
  return [
    `## ${version.name}`,
    `Tests ${summary(coverage)}.`,
    ["| Statement | What it says | Tests |", "| --- | --- | --- |", ...rows].join("\n"),
    `### ${version.name}: what no test can tell`,
    ["| Statement | What it says | Why |", "| --- | --- | --- |", ...others].join("\n"),
  ].join("\n\n");
}

function namesOf(tests: string[] | undefined): string | undefined {
  return tests?.map(cell).join("<br>");
}

function trapsSection({ traps }: Prose): string {
  const rows = traps.map(({ name, tests }) => `| ${cell(name)} | ${namesOf(tests)} |`);
  return [
    "## Traps",
    "What brokers in use are known to get wrong, and the tests that tell.",
    ["| Trap | Tests |", "| --- | --- |", ...rows].join("\n"),
  ].join("\n\n");
}

function documentOf(coverages: Coverage[], prose: Prose): string {
  return [
    "<!-- deno-fmt-ignore-file -->",
    "# Conformance",
    "Every normative statement of MQTT 5.0 and 3.1.1 that binds a server, in our words, and the\n" +
    "tests that fail when it is broken. They are in `tests/spec/`: bytes sent to a broker, and the\n" +
    "bytes it must answer with. `deno task spec` writes this page.",
    `## Interpretations\n\n${prose.interpretations.trimEnd()}`,
    trapsSection(prose),
    ...coverages.map(section),
  ].join("\n\n") + "\n";
}

async function main(args: string[]): Promise<number> {
  const coverages = await Promise.all(VERSIONS.map(coverageOf));
  coverages.forEach(printReport);
  const prose = await readProse();
  const lost = await missingTests(prose);
  for (const title of lost) console.log(`The prose names a test that does not exist: ${title}`);
  const isFaulty = lost.length > 0 ||
    coverages.some((coverage) => coverage.unknown.length > 0 || tally(coverage).missing.length > 0);
  const document = documentOf(coverages, prose);
  if (!args.includes("--check")) {
    await Deno.writeTextFile(DOCUMENT, document);
    return isFaulty ? 1 : 0;
  }
  if (await Deno.readTextFile(DOCUMENT).catch(() => "") === document) return isFaulty ? 1 : 0;
  console.log("docs/conformance.md is stale: run `deno task spec`");
  return 1;
}

if (import.meta.main) {
  readCommandLine(Deno.args, { switches: ["check"] });
  Deno.exit(await main(Deno.args));
}
