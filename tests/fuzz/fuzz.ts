/**
 * Maltreats a broker and looks for what is wrong with it then: `deno task fuzz --minutes 5`.
 *
 * @module
 */
import { readCommandLine, refuse } from "../harness/command_line.ts";
import { nameOf } from "./corpus.ts";
import { formatCase, parseCase } from "./fuzz_case.ts";
import { runCase } from "./run_case.ts";
import type { Orders, Progress } from "./worker.ts";

const HELP = `Usage: deno task fuzz [flags]

Feeds a broker bytes, packets and sequences of packets from several clients,
and sees whether it fails, hangs, keeps too much or forgets its other clients.

  --minutes N    how long (1)
  --inputs N     how many packets at most (as many as the time allows)
  --seed S       where to begin (any); the same seed does the same
  --keep         keeps what has shown something new in tests/fuzz/corpus
  --replay FILE  runs one case, and says what is wrong
`;

/** No case takes as long as this; one that does hangs. */
const HANG_MS = 30_000;
const CORPUS = new URL("./corpus/", import.meta.url);
/** Where findings are put down. */
const FOUND = new URL("./found/", import.meta.url);
/** Room for the text of the case that is run. */
const BOARD_BYTES = 1 << 20;
/** How often it is told how far it is, in milliseconds. */
const TELL_MS = 10_000;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: string[]): Promise<number> {
  const flags = readCommandLine(args, {
    text: ["minutes", "replay"],
    whole: ["inputs", "seed"],
    switches: ["keep", "help"],
  });
  if (!(Number(flags.minutes ?? 1) > 0)) {
    refuse(`--minutes needs a number above 0, not "${flags.minutes}"`);
  }
  if (flags.help) return say(HELP), 0;
  if (flags.replay !== undefined) return await replay(flags.replay);
  const seed = Number(flags.seed ?? Math.floor(Math.random() * 2 ** 32));
  say(`seed ${seed}`);
  const board = new SharedArrayBuffer(BOARD_BYTES);
  const progress = await fuzz({
    seed,
    inputs: Number(flags.inputs ?? Infinity),
    ms: Number(flags.minutes ?? 1) * 60_000,
    corpus: CORPUS.href,
    board,
    keeps: flags.keep ?? false,
  });
  if (typeof progress === "string") {
    const text = textOn(board);
    say(
      `${progress}; seed ${seed}\n${shortened(text)}see it again: --replay ${await putDown(text)}`,
    );
    return 1;
  }
  for (const { fault, count, text } of progress.findings) {
    const file = await putDown(text);
    say(
      `\nFOUND ${count} times, seed ${seed}: ${fault}\n${
        shortened(text)
      }see it again: --replay ${file}`,
    );
  }
  return progress.findings.length > 0 ? 1 : 0;
}

/** A case as it may be printed: a step has a hundred characters at most. */
function shortened(text: string): string {
  return text.replaceAll(/^(.{100}).+$/gm, "$1…");
}

/** Keeps a case, and says where. */
async function putDown(text: string): Promise<string> {
  const file = new URL(`${await nameOf(text)}.txt`, FOUND);
  await Deno.mkdir(FOUND, { recursive: true });
  await Deno.writeTextFile(file, text);
  return file.pathname;
}

/** The case that a thread was running when it stopped to speak. */
function textOn(board: SharedArrayBuffer): string {
  const bytes = new Uint8Array(board).slice();
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

async function replay(file: string): Promise<number> {
  const fuzzCase = parseCase(await Deno.readTextFile(file));
  say(formatCase(fuzzCase));
  const { faults, features } = await runCase(fuzzCase);
  say([...features].sort().join("\n"));
  for (const fault of faults) say(`FAULT ${fault}`);
  return faults.length > 0 ? 1 : 0;
}

/** Has a thread fuzz; says why if it does not come to its end. */
function fuzz(orders: Orders): Promise<Progress | string> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const startMs = performance.now();
  let toldMs = startMs;
  const { promise, resolve } = Promise.withResolvers<Progress | string>();
  const hangs = `HANGS: no case takes ${HANG_MS / 1000} s`;
  let watch = setTimeout(resolve, HANG_MS, hangs);
  worker.onmessage = ({ data }: MessageEvent<Progress>) => {
    clearTimeout(watch);
    watch = setTimeout(resolve, HANG_MS, hangs);
    const now = performance.now();
    if (data.isOver || now - toldMs > TELL_MS) {
      toldMs = now;
      tell(data, (now - startMs) / 1000);
    }
    if (data.isOver) resolve(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    resolve(`The thread has failed: ${event.message}`);
  };
  worker.postMessage(orders);
  return promise.finally(() => {
    clearTimeout(watch);
    worker.terminate();
  });
}

function tell({ cases, inputs, kept, features, findings }: Progress, seconds: number): void {
  const rate = Math.round(inputs / seconds);
  say(
    `${Math.round(seconds)} s: ${inputs} inputs in ${cases} cases, ${rate} a second; ` +
      `${features} features, ${kept} cases kept; ${findings.length} findings`,
  );
}

function say(text: string): void {
  // deno-lint-ignore no-console
  console.log(text);
}
