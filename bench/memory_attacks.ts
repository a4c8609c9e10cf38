/**
 * Makes a broker use as much memory as it allows, in a dozen ways, and checks whether it survives
 * and still serves other clients:
 *
 *     deno task bench:memory [--minutes N] [--only NAME,…] [--heap MB] [--data] [--verbose]
 *
 * Each attack has its own broker, with a heap of 256 MB, for two minutes by default. The table
 * shows whether the broker survived, the time of a message between two other clients, and the
 * resident memory after a third of the time, at its maximum and at the end. Linux only.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Child } from "../tests/harness/child.ts";
import * as packets from "../tests/harness/packets.ts";
import { ATTACKS } from "./memory/attacks.ts";
import { Peer } from "./memory/peer.ts";
import { Witness } from "./memory/witness.ts";

const ATTACKER = new URL("./memory/attacker.ts", import.meta.url).pathname;
const SERVER = new URL("../server.ts", import.meta.url).pathname;
const START_MS = 30_000;
const SAMPLE_MS = 1000;
/** The time limit for a process to end, in milliseconds. */
const STOP_MS = 20_000;

interface Plan {
  readonly minutes: number;
  readonly heapMegabytes: number;
  readonly hasStore: boolean;
  readonly isVerbose: boolean;
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["minutes", "only", "heap"],
    boolean: ["data", "verbose"],
    default: { minutes: "2", heap: "256" },
    unknown: (argument) => {
      // deno-lint-ignore no-console
      console.error(`Unknown argument: ${argument}`);
      Deno.exit(2);
    },
  });
  const names = flags.only?.split(",") ?? Object.keys(ATTACKS);
  const plan = {
    minutes: Number(flags.minutes),
    heapMegabytes: Number(flags.heap),
    hasStore: flags.data,
    isVerbose: flags.verbose,
  };
  say(
    "| attack         | alive | pings | lost | worst ms | RSS at 1/3 | most | at the end | refused |",
  );
  say(
    "| -------------- | ----- | ----: | ---: | -------: | ---------: | ---: | ---------: | ------: |",
  );
  let isSound = true;
  for (const name of names) isSound = await run(name, plan) && isSound;
  Deno.exit(isSound ? 0 : 1);
}

async function run(name: string, plan: Plan): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "fairway-memory-" });
  const place = plan.hasStore ? ["--data", `${folder}/data`] : ["--memory"];
  const child = new Child(Deno.execPath(), [
    "run",
    ...["--no-prompt", "--allow-net", "--allow-run=prlimit", "--allow-read"],
    `--allow-write=${folder}`,
    `--v8-flags=--max-old-space-size=${plan.heapMegabytes}`,
    SERVER,
    ...["--port", "0", ...place],
  ], { env: { NO_COLOR: "1" } });
  try {
    const [, port] = await child.waitFor(/127\.0\.0\.1:(\d+)/, "stdout", START_MS);
    return await attack(name, Number(port), child, plan);
  } finally {
    child.signal("SIGKILL");
    await child.outcome(START_MS).catch(() => {});
    await Deno.remove(folder, { recursive: true });
  }
}

async function attack(name: string, port: number, child: Child, plan: Plan): Promise<boolean> {
  const witness = await Witness.join(port);
  const canary = await keep(port);
  const end = performance.now() + plan.minutes * 60_000;
  const isOver = () => performance.now() > end || residentBytes(child.pid) === 0;
  const sizes: number[] = [];
  const sampler = setInterval(() => {
    sizes.push(residentBytes(child.pid));
    if (plan.isVerbose && sizes.length % 10 === 0) {
      say(`  ${sizes.length} s: ${mb(sizes.at(-1)!)} MB`);
    }
  }, SAMPLE_MS);
  const attacker = new Child(Deno.execPath(), [
    ...["run", "--allow-net", "--v8-flags=--max-old-space-size=8192", ATTACKER],
    ...[name, String(port), String(plan.minutes * 60)],
  ], { env: { NO_COLOR: "1" } });
  await witness.watch(isOver);
  attacker.signal("SIGKILL");
  await attacker.outcome(STOP_MS);
  clearInterval(sampler);
  const isAlive = residentBytes(child.pid) > 0;
  const told = isAlive ? read(await witness.ask()) : null;
  const isKept = isAlive && told!.canary === canary;
  const row = [
    name.padEnd(14),
    isAlive ? (isKept ? "yes  " : "FORGOT") : "NO   ",
    String(witness.received).padStart(5),
    String(witness.lost).padStart(4),
    witness.worstMs.toFixed(0).padStart(8),
    mb(sizes[Math.floor(sizes.length / 3)] ?? 0).padStart(10),
    mb(Math.max(0, ...sizes)).padStart(4),
    mb(sizes.at(-1) ?? 0).padStart(10),
    (told?.refused ?? "").padStart(7),
  ];
  say(`| ${row.join(" | ")} |`);
  if (plan.isVerbose) {
    say(
      `  ${told?.bytes} of ${told?.limit} bytes counted; ${
        isAlive ? "" : child.stderr.slice(-2000)
      }`,
    );
  }
  const isServed = witness.isServed && witness.lost === 0;
  witness.close();
  return isAlive && isKept && isServed;
}

/** Retains a message until it is acknowledged, and returns its contents. */
async function keep(port: number): Promise<string> {
  const peer = await Peer.join(port, {});
  const acknowledged = new Promise<void>((resolve) => {
    peer.onBytes = (bytes) => {
      if (bytes.includes(0x40)) resolve();
    };
  });
  await peer.send(packets.publish("canary", "kept", { qos: 1, retain: true }));
  await acknowledged;
  peer.close();
  return "kept";
}

/** Reads the broker's own statistics, in consecutive packets. */
function read(text: string): Record<"canary" | "bytes" | "limit" | "refused", string> {
  const number = (topic: string) =>
    new RegExp(`memory/${topic}(\\d+?)(?=1?[^\\d]|$)`).exec(text)?.[1] ?? "?";
  return {
    canary: /canary(kept)/.exec(text)?.[1] ?? "",
    bytes: number("bytes"),
    limit: number("limit"),
    refused: number("refused"),
  };
}

/** The resident memory of a process, in bytes; 0 if there is none. */
function residentBytes(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function mb(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}
