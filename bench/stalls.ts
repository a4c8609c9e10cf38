/**
 * How long one client makes another wait: a client pings a broker all the time, while others do
 * what is much work for a broker with its default limits. The longest wait for an answer counts.
 *
 *     deno task bench:stalls [--case NAME] [--rounds N] [--server FILE]
 *
 * Each case has a broker of its own, in a process of its own and in memory, on this machine; with
 * `--server` it is another `server.ts`, to compare with. Beside the longest wait of each round
 * stands the longest of two quiet seconds before: what the machine itself adds. The exit code is 1
 * if the shortest of the rounds of a case is above 50 ms.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Child } from "../tests/harness/child.ts";
import type { Case } from "./stalls/case.ts";
import { PUBLISH_CASES, SESSION_CASES, SUBSCRIBE_CASES } from "./stalls/cases.ts";

/** How long others may wait, in milliseconds. */
const WAIT_MS_MAX = 50;
/** How long the broker is watched before it has anything to do, and after, in milliseconds. */
const QUIET_MS = 2000;
/** No case takes longer, in milliseconds; one that does is given up. */
const CASE_MS_MAX = 180_000;
const CASES = [...SUBSCRIBE_CASES, ...PUBLISH_CASES, ...SESSION_CASES];

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: string[]): Promise<number> {
  const flags = parseArgs(args, {
    string: ["case", "rounds", "server"],
    unknown: (argument) => {
      // deno-lint-ignore no-console
      console.error(`Unknown argument: ${argument}`);
      Deno.exit(2);
    },
  });
  const rounds = Number(flags.rounds ?? 1);
  const server = flags.server ?? new URL("../server.ts", import.meta.url).pathname;
  const chosen = CASES.filter(({ name }) => flags.case === undefined || name === flags.case);
  if (chosen.length === 0 || !(rounds >= 1)) {
    say(`Cases: ${CASES.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  let isOver = false;
  say(
    "| case | what one client does | longest wait, ms | quiet, ms |\n| --- | --- | ---: | ---: |",
  );
  for (const one of chosen) {
    const waits: number[] = [];
    let quiet = Infinity;
    for (let round = 0; round < rounds; round++) {
      const measured = await measure(one, server);
      waits.push(measured.longestMs);
      quiet = Math.min(quiet, measured.quietMs);
    }
    const least = Math.min(...waits);
    if (least > WAIT_MS_MAX) isOver = true;
    say(`| ${one.name} | ${one.what} | ${figure(least)} | ${figure(quiet)} |`);
  }
  return isOver ? 1 : 0;
}

/** Runs a case once. */
async function measure(
  one: Case,
  server: string,
): Promise<{ longestMs: number; quietMs: number }> {
  const flags = ["--memory", "--port", "0"];
  const broker = new Child(Deno.execPath(), ["run", "--allow-all", server, ...flags], {});
  const worker = new Worker(new URL("./stalls/pinger.ts", import.meta.url), { type: "module" });
  const port = Number((await broker.waitFor(/127\.0\.0\.1:(\d+)/, "stdout", 30_000))[1]);
  const ask = (what: number | "take") => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
    worker.onerror = (event) => (event.preventDefault(), reject(new Error(event.message)));
    worker.postMessage(what);
    return promise;
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${one.name} does not end`)), CASE_MS_MAX);
  });
  try {
    const attack = await Promise.race([one.prepare(port), late]);
    await ask(port);
    await delay(QUIET_MS);
    const quietMs = await ask("take");
    await Promise.race([attack(), late]);
    // What was begun may still go on when it was answered.
    await delay(QUIET_MS);
    return { longestMs: await ask("take"), quietMs };
  } finally {
    clearTimeout(timer);
    worker.terminate();
    await broker.kill();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function figure(ms: number): string {
  return ms >= 100 ? Math.round(ms).toLocaleString("en") : ms.toFixed(1);
}

function say(text: string): void {
  // deno-lint-ignore no-console
  console.log(text);
}
