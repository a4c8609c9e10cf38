/**
 * How long one client can make another wait: a client pings a broker all the time, while others
 * cause much work for a broker with its default limits. The result is the longest wait for a
 * response.
 *
 *     deno task bench:stalls [--case NAME[,NAME]] [--rounds N] [--native] [--server FILE]
 *
 * Each case has its own broker, in a process of its own and in memory, on this machine; `--server`
 * names another `server.ts` to compare with, and `--native` measures native sockets. `work` is the
 * longest work of the broker's main thread between a ping and its response. `wait` is the same by
 * the clock, with everything else that the machine does. `quiet` is the longest wait of two quiet
 * seconds before. The minimum of all rounds counts. The exit code is 1 if
 * the work of a case is above 50 ms.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Child } from "../tests/harness/child.ts";
import type { Case } from "./stalls/case.ts";
import { PUBLISH_CASES, SESSION_CASES, SUBSCRIBE_CASES } from "./stalls/cases.ts";
import { Peer } from "./stalls/peer.ts";
import type { Address, Longest } from "./stalls/pinger.ts";

/** The maximum wait of other clients, in milliseconds. */
const WAIT_MS_MAX = 50;
/** How long the broker is observed before and after the load, in milliseconds. */
const QUIET_MS = 2000;
/** The V8 flag of `deno task start`: small semi-spaces keep collections short. */
const V8_FLAGS = "--v8-flags=--max-semi-space-size=4";
/** The time limit of a case, in milliseconds. */
const CASE_MS_MAX = 180_000;
const CASES = [...SUBSCRIBE_CASES, ...PUBLISH_CASES, ...SESSION_CASES];

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: string[]): Promise<number> {
  const flags = parseArgs(args, {
    string: ["case", "rounds", "server"],
    boolean: ["native"],
    unknown: (argument) => {
      // deno-lint-ignore no-console
      console.error(`Unknown argument: ${argument}`);
      Deno.exit(2);
    },
  });
  const rounds = Number(flags.rounds ?? 1);
  const server = flags.server ?? new URL("../server.ts", import.meta.url).pathname;
  const names = flags.case?.split(",") ?? CASES.map(({ name }) => name);
  const chosen = CASES.filter(({ name }) => names.includes(name));
  if (chosen.length < names.length || !(rounds >= 1)) {
    say(`Cases: ${CASES.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  let isOver = false;
  say("| case | what one client does | work, ms | wait, ms | quiet, ms |");
  say("| --- | --- | ---: | ---: | ---: |");
  for (const one of chosen) {
    const figures = [Infinity, Infinity, Infinity];
    for (let round = 0; round < rounds; round++) {
      const measured = await measure(one, server, flags.native);
      for (const [i, ms] of measured.entries()) figures[i] = Math.min(figures[i]!, ms);
    }
    if (figures[0]! > WAIT_MS_MAX) isOver = true;
    say(`| ${one.name} | ${one.what} | ${figures.map(figure).join(" | ")} |`);
  }
  return isOver ? 1 : 0;
}

/** Runs a case once: the longest work and wait, and the longest wait before, in milliseconds. */
async function measure(one: Case, server: string, isNative: boolean): Promise<number[]> {
  const flags = ["--memory", "--port", "0", ...isNative ? ["--native-sockets"] : []];
  const broker = new Child(Deno.execPath(), ["run", V8_FLAGS, "--allow-all", server, ...flags], {});
  const worker = new Worker(new URL("./stalls/pinger.ts", import.meta.url), { type: "module" });
  const port = Number((await broker.waitFor(/127\.0\.0\.1:(\d+)/, "stdout", 30_000))[1]);
  const ask = (what: Address | "take") => {
    const { promise, resolve, reject } = Promise.withResolvers<Longest>();
    worker.onmessage = ({ data }: MessageEvent<Longest>) => resolve(data);
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
    await ask({ port, pid: broker.pid });
    await delay(QUIET_MS);
    const quiet = await ask("take");
    await Promise.race([attack(), late]);
    // Work may continue after the response.
    await delay(QUIET_MS);
    const { workMs, waitMs } = await ask("take");
    return [workMs, waitMs, quiet.waitMs];
  } finally {
    clearTimeout(timer);
    worker.terminate();
    Peer.closeAll();
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
