/**
 * Breaks the rules of MQTT, and a few of Fairway's own, one at a time in a copy of Fairway, and
 * tells which of them the tests in `tests/spec/`, or those that a mutant names, notice. Fails unless
 * they notice all.
 *
 *     deno task spec:mutants [RULE]...
 *
 * With arguments only the mutants whose rule contains one of them are tried.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { readCommandLine } from "../../harness/command_line.ts";
import { type Mutant, mutate } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const ROOT = new URL("../../../", import.meta.url);

/** What the tests need, where there is such a thing. */
const NEEDED = [
  ...["deno.json", "mod.ts", "std", "tests/harness", "tests/spec"],
  ...["tests/limits", "tests/resilience", "tests/durability"],
  ...[
    "admin",
    "auth",
    "broker",
    "client",
    "codec",
    "config",
    "flow",
    "log",
    "router",
    "server",
    "store",
    "stream",
    "transport",
  ],
];

/** How long the tests of one mutant may take, in milliseconds: some have the broker go round. */
const TIMEOUT_MS = 60_000;
/** How long those of all mutants together may take before any is tried, in milliseconds. */
const ALL_TIMEOUT_MS = 300_000;

/** How many mutants are tried at once. */
const COPIES = 2;

/** What came of a run of the tests. */
type Outcome = "passed" | "failed" | "hangs" | "broken";

async function copy(from: URL, to: URL): Promise<void> {
  if ((await Deno.stat(from)).isFile) return Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  const entries = await Array.fromAsync(Deno.readDir(from));
  const [source, target] = [new URL(`${from}/`), new URL(`${to}/`)];
  await Promise.all(entries.map(({ name }) => copy(new URL(name, source), new URL(name, target))));
}

/** Copies what is needed to a new folder. */
async function makeCopy(): Promise<URL> {
  const folder = new URL(`file://${await Deno.makeTempDir({ prefix: "fairway_mutants_" })}/`);
  await Deno.mkdir(new URL("tests/", folder));
  for (const name of NEEDED) {
    const isThere = await Deno.stat(new URL(name, ROOT)).then(() => true, () => false);
    if (isThere) await copy(new URL(name, ROOT), new URL(name, folder));
  }
  return folder;
}

/** The tests of the specification are there twice: only those in memory are run. */
const IN_MEMORY = ["--filter", "/\\(in memory\\)$/"];

/** Runs the tests of some mutants: those of `tests/spec/`, and the others. */
async function runTests(
  folder: URL,
  mutants: readonly Mutant[],
  timeoutMs = TIMEOUT_MS,
): Promise<Outcome> {
  const ofSpec = new Set(mutants.flatMap(({ tests }) => tests.map((test) => `tests/spec/${test}`)));
  const others = new Set(mutants.flatMap(({ others = [] }) => others));
  for (const [files, filter] of [[ofSpec, IN_MEMORY], [others, []]] as const) {
    if (files.size === 0) continue;
    const mayWrite = files === others ? ["--allow-write"] : [];
    const outcome = await runFiles(folder, [...mayWrite, ...filter, ...files], timeoutMs);
    if (outcome !== "passed") return outcome;
  }
  return "passed";
}

async function runFiles(
  folder: URL,
  args: readonly string[],
  timeoutMs: number,
): Promise<Outcome> {
  const flags = ["--no-check", "--no-lock", "--no-prompt", "--allow-read"];
  const signal = AbortSignal.timeout(timeoutMs);
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", ...flags, ...args],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stderr: "null",
    signal,
  }).output();
  if (signal.aborted) return "hangs";
  const summary = /(\d+) passed.* \| (\d+) failed/.exec(new TextDecoder().decode(stdout));
  // What does not even load has not been tested, nor has what there is no test for.
  const [passed, failed] = [Number(summary?.[1]), Number(summary?.[2])];
  if (!(passed + failed > 0)) return "broken";
  return code === 0 ? "passed" : "failed";
}

/** Tries mutants from the list in one copy, until there are none. */
async function work(folder: URL, list: Iterator<Mutant>, survivors: string[]): Promise<void> {
  for (let { value, done } = list.next(); !done; { value, done } = list.next()) {
    const mutant: Mutant = value;
    const file = new URL(mutant.file, folder);
    const source = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, mutate(source, mutant));
    const outcome = await runTests(folder, [mutant]);
    await Deno.writeTextFile(file, source);
    const isCaught = outcome === "failed" || outcome === "hangs";
    if (!isCaught) survivors.push(mutant.rule);
    const verdict = isCaught ? "caught" : outcome === "passed" ? "SURVIVED" : "CANNOT RUN";
    console.log(`${verdict}: ${mutant.rule}`);
  }
}

async function main(rules: readonly string[]): Promise<number> {
  const isWanted = ({ rule }: Mutant) =>
    rules.length === 0 || rules.some((part) => rule.includes(part));
  const mutants = MUTANTS.filter(isWanted);
  const folders = await Promise.all(Array.from({ length: COPIES }, makeCopy));
  try {
    const outcome = await runTests(folders[0]!, mutants, ALL_TIMEOUT_MS);
    if (outcome !== "passed") {
      console.log(`Without any mutant the tests are ${outcome}: nothing can be told`);
      return 1;
    }
    const survivors: string[] = [];
    const list = mutants.values();
    await Promise.all(folders.map((folder) => work(folder, list, survivors)));
    console.log(`${mutants.length - survivors.length} of ${mutants.length} mutants are caught`);
    return survivors.length === 0 ? 0 : 1;
  } finally {
    await Promise.all(folders.map((folder) => Deno.remove(folder, { recursive: true })));
  }
}

if (import.meta.main) {
  Deno.exit(await main(readCommandLine(Deno.args, { wordsMax: Infinity })._));
}
