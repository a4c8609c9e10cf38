/**
 * Whether a broker keeps anything of connections that have gone: starts `server.ts`, has many
 * clients connect and leave, round after round, and compares descriptors and memory.
 *
 *     deno task bench:leaks --native-sockets
 *
 * 100 rounds of 10,000 connections by default, which need as many file descriptors on both sides:
 * use `ulimit -n 20000` if necessary. Exit code 1 if descriptors are left open, or the least memory
 * grows from the first half of the rounds to the second. Linux only.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { eventually } from "../tests/harness/eventually.ts";
import { refuse } from "../tests/harness/command_line.ts";
import * as packets from "../tests/harness/packets.ts";
import { fairway, start } from "./compare/brokers.ts";
import { settledBytes } from "./load/proc.ts";

const HELP = `Usage: deno task bench:leaks [flags]

Has many clients connect and leave, round after round, and finds out what the
broker keeps of them.

  --native-sockets  with native sockets
  --conns N         connections of a round (10000)
  --rounds N        rounds (100)
  --minutes N       begins no round after so many minutes (10)
  --help            this text
`;

/** Connects under way at a time: fewer than the backlog of a listener. */
const AT_ONCE = 200;
/** The broker may take so long to find out that all have gone, in milliseconds. */
const GONE_MS = 30_000;
/** The return code for Server unavailable, and how often and when to try again then. */
const UNAVAILABLE = 3;
const TRIES_MAX = 50;
const RETRY_MS = 100;
/** Rounds before the first reading: code is compiled, and buffers grow, in the first ones. */
const WARM_UP = 3;
/**
 * The largest heap of the broker, in MB: it must collect its garbage several times in a run, or else
 * memory says nothing.
 */
const HEAP_MB = 256;
/** By how much the least memory may grow from half to half, in bytes: no heap is quite at rest. */
const GROWTH_BYTES_MAX = 16 * 1024 * 1024;

/** The ways in which clients leave. */
const LEAVE: readonly ((client: Deno.TcpConn) => Promise<unknown>)[] = [
  // In good order.
  (client) => client.write(packets.disconnect()),
  // Without a word.
  () => Promise.resolve(),
  // With an answer unread, so that the kernel resets the connection.
  (client) => client.write(packets.pingreq()),
  // In the middle of a packet.
  (client) => client.write(Uint8Array.of(0x30, 100, 0)),
];

if (import.meta.main) await main();

async function main(): Promise<void> {
  const flags = parseArgs(Deno.args, {
    boolean: ["native-sockets", "help"],
    string: ["conns", "rounds", "minutes"],
    default: { conns: "10000", rounds: "100", minutes: "10" },
    unknown: (argument) => refuse(`Unknown argument: ${argument} (see --help)`),
  });
  if (flags.help) return say(HELP.trimEnd());
  const number = (name: "conns" | "rounds" | "minutes") => {
    if (!/^[1-9]\d*$/.test(flags[name])) {
      refuse(`--${name} needs a whole number from 1 on, not "${flags[name]}"`);
    }
    return Number(flags[name]);
  };
  const [conns, rounds, minutes] = [number("conns"), number("rounds"), number("minutes")];
  await using broker = await start(fairway(flags["native-sockets"], HEAP_MB));
  const endMs = performance.now() + minutes * 60_000;
  let base = descriptors(broker.pid);
  const memory: number[] = [];
  for (let round = 1; round <= rounds && performance.now() < endMs; round++) {
    await comeAndGo(broker.port, conns);
    const isOver = () => descriptors(broker.pid) <= base;
    await eventually("all descriptors are closed", isOver, GONE_MS).catch(() => {});
    const open = descriptors(broker.pid);
    // The one that has found out whether the broker listens was still open, maybe.
    const left = Math.max(0, open - base);
    base = Math.min(base, open);
    const bytes = await settledBytes(broker.pid, 5);
    say(`round ${round}: ${left} descriptors left, ${mb(bytes)} MB`);
    if (left > 0) return fail(`${left} descriptors of ${conns} are left open`);
    if (round > WARM_UP) memory.push(bytes);
  }
  const half = memory.length >> 1;
  if (half === 0) return say("Too few rounds to say whether memory grows");
  const growth = Math.min(...memory.slice(half)) - Math.min(...memory.slice(0, half));
  const text =
    `${memory.length + WARM_UP} rounds of ${conns}: the least memory of the second half ` +
    `is ${mb(growth)} MB more than that of the first (at most ${mb(GROWTH_BYTES_MAX)})`;
  if (growth > GROWTH_BYTES_MAX) fail(text);
  else say(text);
}

/** Has so many clients be connected at the same time, and leave. */
async function comeAndGo(port: number, count: number): Promise<void> {
  const clients: Deno.TcpConn[] = [];
  for (let done = 0; done < count; done += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, i) => done + i);
    clients.push(...await Promise.all(numbers.map((i) => connect(port, i))));
  }
  for (const [i, client] of clients.entries()) {
    await LEAVE[i % LEAVE.length]!(client);
    client.close();
  }
}

/** Connects, and tries again while the broker is busy: that passes, and is none of the matter. */
async function connect(port: number, number: number): Promise<Deno.TcpConn> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const client = await Deno.connect({ hostname: "127.0.0.1", port });
    const code = await join(client, number);
    if (code === 0) return client;
    client.close();
    if (code !== UNAVAILABLE) throw new Error(`The broker refuses: ${code}`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  throw new Error("The broker stays busy");
}

/** Returns the code of the CONNACK. */
async function join(client: Deno.TcpConn, number: number): Promise<number> {
  await client.write(packets.connect({ clientId: `leaks-${number}` }));
  const connack = new Uint8Array(4);
  for (let filled = 0; filled < connack.length;) {
    const bytes = await client.read(connack.subarray(filled));
    if (bytes === null) throw new Error("The broker has closed the connection");
    filled += bytes;
  }
  if (connack[3] === 0) await client.write(packets.subscribe({ [`leaks/${number}`]: 0 }));
  return connack[3]!;
}

/** How many descriptors a process has open. */
function descriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

function mb(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

function fail(line: string): void {
  say(line);
  Deno.exitCode = 1;
}
