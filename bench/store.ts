/**
 * Measures the store on the disk, in a worker and in the main thread: what a
 * commit costs, how long it takes, and how long nothing else can happen.
 *
 * ```sh
 * deno task bench:store [DIRECTORY]
 * ```
 *
 * @module
 */
// deno-lint-ignore-file no-console
import process from "node:process";
import { setImmediate } from "node:timers";
import { readCommandLine } from "../tests/harness/command_line.ts";
import { Batch } from "../store/batch.ts";
import { SqliteStore } from "../store/sqlite_store.ts";

const LONE_COMMITS = 1000;
const ROWS_A_SECOND = 20_000;
const SECONDS = 5;
const MESSAGE_BYTES = 200;
const ENTRY_BYTES = 20;

/** Messages that wait before they are removed, like subscribers that keep up. */
const BACKLOG = 5_000;

/** The interval of the event loop checks. */
const GLANCE_MS = 1;

const message = new Uint8Array(MESSAGE_BYTES).fill(1);
const entry = new Uint8Array(ENTRY_BYTES).fill(2);

function keyOf(number: number): Uint8Array {
  const key = new Uint8Array(12);
  new DataView(key.buffer).setUint32(8, number);
  return key;
}

/** Messages from `first` to `end`, one entry each, and the removal of as many old ones. */
function batchOf(first: number, end: number): Batch {
  const batch = new Batch();
  for (let number = first; number < end; number++) {
    batch.put("messages", keyOf(number), message);
    batch.put("entries", keyOf(number), entry);
    if (number >= BACKLOG) batch.remove("entries", keyOf(number - BACKLOG));
  }
  if (first >= BACKLOG) batch.removeRange("messages", keyOf(0), keyOf(end - BACKLOG));
  return batch;
}

/** Measured times, in milliseconds. */
class Times {
  readonly #times: number[] = [];

  add(ms: number): void {
    this.#times.push(ms);
  }

  /** The median, the 99th percentile, and the maximum, for people. */
  toString(): string {
    const sorted = this.#times.toSorted((a, b) => a - b);
    const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2);
    return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
  }
}

function cpuMs(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

async function loneCommits(store: SqliteStore): Promise<void> {
  const times = new Times();
  const before = process.cpuUsage();
  for (let number = 0; number < LONE_COMMITS; number++) {
    const batch = batchOf(number, number + 1);
    const startMs = performance.now();
    await store.commit(batch);
    times.add(performance.now() - startMs);
  }
  const us = cpuMs(before) * 1000 / LONE_COMMITS;
  console.log(`  a lone commit of 2 rows: ${times}; ${us.toFixed(0)} µs of CPU`);
}

/** Commits at a constant rate, one after the other, with everything that arrived meanwhile. */
async function flow(store: SqliteStore): Promise<void> {
  const commits = new Times();
  const pauses = new Times();
  const startMs = performance.now();
  const before = process.cpuUsage();
  const watch = watchLoop(pauses);
  let done = LONE_COMMITS;
  let count = 0;
  for (let atMs = startMs; atMs < startMs + SECONDS * 1000; atMs = performance.now()) {
    const due = LONE_COMMITS + Math.floor((atMs - startMs) * ROWS_A_SECOND / 1000);
    if (due === done) {
      await new Promise((resolve) => setTimeout(resolve, GLANCE_MS));
      continue;
    }
    // A broker polls its sockets between two commits.
    await new Promise((resolve) => setImmediate(resolve));
    const batch = batchOf(done, due);
    const fromMs = performance.now();
    await store.commit(batch);
    commits.add(performance.now() - fromMs);
    done = due;
    count++;
  }
  watch();
  const messages = done - LONE_COMMITS;
  const us = cpuMs(before) * 1000 / messages;
  console.log(`  ${ROWS_A_SECOND} messages a second, ${(messages / count).toFixed(0)} a commit:`);
  console.log(`    commits: ${commits}; ${us.toFixed(1)} µs of CPU a message`);
  console.log(`    the event loop was late by: ${pauses}`);
}

/** Records the delay of a short timer; the returned function stops it. */
function watchLoop(pauses: Times): () => void {
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    pauses.add(Math.max(0, nowMs - lastMs - GLANCE_MS));
    lastMs = nowMs;
  }, GLANCE_MS);
  return () => clearInterval(timer);
}

const [parent] = readCommandLine(Deno.args, { wordsMax: 1 })._;
for (const thread of ["worker", "main"] as const) {
  const directory = await Deno.makeTempDir(parent === undefined ? {} : { dir: parent });
  const store = await SqliteStore.open(directory, { thread });
  console.log(`${thread}:`);
  await loneCommits(store);
  await flow(store);
  const { bytes, freeBytes } = await store.size();
  console.log(`    ${bytes} bytes on the disk, ${freeBytes} of them free`);
  await store.close();
  await Deno.remove(directory, { recursive: true });
}
