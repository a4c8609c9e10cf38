/**
 * The cost of durable sessions and messages: starts `server.ts` with its own store and measures
 *
 * - `ping`: the round trip of a QoS 0 pair during 20,000 QoS 1 messages per second to durable
 *   sessions, to clean ones, and without them;
 * - `away`: disk, memory and processor time of 1,000 messages of 1 KB for 10,000 disconnected
 *   sessions, and for 10;
 * - `first`: processor time of the first message to 10,000 disconnected sessions, for each of them:
 *   after a restart, and to a second topic of theirs later; the first topic, for which V8 compiles
 *   the code, apart from the others;
 * - `start`: the time until a broker listens, and its size then, with 100,000 sessions, 1,000,000
 *   waiting messages and 100,000 retained ones;
 * - `move`: time, processor time and memory of the move of the same to the stores of two workers, of
 *   three, and back to one.
 *
 *     deno run --allow-all bench/durable.ts [ping] [away] [first] [start] [move]
 *
 * Linux only.
 *
 * @module
 */
import { refuse } from "../tests/harness/command_line.ts";
import { Broker } from "../mod.ts";
import { SqliteStore } from "../store/mod.ts";
import { BrokerProcess } from "../tests/harness/broker_process.ts";
import { Directory } from "./durable/directory.ts";
import { Flow, publishAll, publishOne, roundTrips } from "./durable/flow.ts";
import { leaveSessions } from "./durable/visitors.ts";
import { type Usage, usage } from "./load/proc.ts";

const PING_MS = 8000;
const FLOWS = 10;
const FLOW_PER_SECOND = 2000;

if (import.meta.main) {
  const parts = { ping, away, first, start, move };
  const wanted = Deno.args.length > 0 ? Deno.args : Object.keys(parts);
  const unknown = wanted.find((part) => !Object.hasOwn(parts, part));
  if (unknown !== undefined) refuse(`Unknown part: ${unknown} (ping, away, first, start or move)`);
  for (const part of wanted) await parts[part as keyof typeof parts]();
}

async function ping(): Promise<void> {
  for (const kind of ["no flow", "clean sessions", "sessions that last"]) {
    await using directory = await Directory.make();
    await using broker = await BrokerProcess.start("--data", directory.path);
    const flows: Flow[] = [];
    for (let i = 0; kind !== "no flow" && i < FLOWS; i++) {
      flows.push(await Flow.start(broker.port, `flow-${i}`, FLOW_PER_SECOND, kind[0] === "c"));
    }
    const times = await roundTrips(broker.port, PING_MS);
    const acknowledged = flows.reduce((sum, flow) => sum + flow.acknowledged, 0);
    for (const flow of flows) flow[Symbol.dispose]();
    const at = (share: number) => times[Math.floor(times.length * share)]!.toFixed(2);
    const rate = Math.round(acknowledged / (PING_MS / 1000));
    say(`ping, ${kind} (${rate} acknowledged a second): p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
  }
}

async function away(): Promise<void> {
  for (const sessions of [10, 10_000]) {
    await using directory = await Directory.make();
    {
      await using broker = await Broker.open(await SqliteStore.open(directory.path));
      await leaveSessions(broker, sessions, () => ["news"]);
    }
    await using broker = await BrokerProcess.start("--data", directory.path);
    await publishAll(broker.port, "warm-up", 1000, 1000);
    const before = usage(broker.pid)!;
    await publishAll(broker.port, "news", 1000, 1000);
    const after = usage(broker.pid)!;
    const cpu = (after.cpuSeconds - before.cpuSeconds) * 1000;
    say(
      `away, ${sessions} sessions: ${cpu.toFixed(0)} µs a message, ${
        grown(before, after)
      } MB more, ` +
        `${mb(await directory.bytes())} MB on disk`,
    );
    await broker.stop();
    say(`away, ${sessions} sessions: ${mb(await directory.bytes())} MB on disk when closed`);
  }
}

/** Each topic has sessions of its own. The median counts, because V8 collects garbage now and then. */
async function first(): Promise<void> {
  const [sessions, topics] = [10_000, 7];
  await using directory = await Directory.make();
  {
    await using broker = await Broker.open(await SqliteStore.open(directory.path));
    const topicsOf = (i: number) => [`asleep/${i % topics}`, `later/${i % topics}`];
    await leaveSessions(broker, topics * sessions, topicsOf);
  }
  await using broker = await BrokerProcess.start("--data", directory.path);
  await publishAll(broker.port, "warm-up", 1000, 100);
  for (
    const [topic, what] of [["asleep", "after a start"], ["later", "later"], ["later", "again"]]
  ) {
    const costs: number[] = [];
    for (let i = 0; i < topics; i++) {
      const before = usage(broker.pid)!;
      await publishOne(broker.port, `${topic}/${i}`, 100);
      costs.push((usage(broker.pid)!.cpuSeconds - before.cpuSeconds) * 1e6 / sessions);
    }
    const [cold, ...warm] = costs;
    const median = warm.sort((a, b) => a - b)[warm.length >> 1]!;
    say(
      `first, ${sessions} sessions away, ${what}: ${median.toFixed(2)} µs a session, ` +
        `${cold!.toFixed(2)} for the first topic`,
    );
  }
}

/** Has a great many sessions, each with ten messages that wait, and as many retained messages. */
async function fill(path: string): Promise<void> {
  const [sessions, messages, retained] = [100_000, 1_000_000, 100_000];
  const limits = { sessionsMax: sessions };
  await using broker = await Broker.open(await SqliteStore.open(path), { limits });
  await leaveSessions(broker, sessions, (i) => [`device/${i}/command`]);
  for (let i = 0; i < messages; i++) {
    const stored = broker.publish(`device/${i % sessions}/command`, `${i}`.padEnd(100), { qos: 1 });
    if (i % 1000 === 0) await stored;
  }
  for (let i = 0; i < retained; i++) {
    const stored = broker.publish(`state/${i}`, `${i}`.padEnd(100), { qos: 1, retain: true });
    if (i % 1000 === 0) await stored;
  }
}

async function start(): Promise<void> {
  await using directory = await Directory.make();
  await fill(directory.path);
  say(`start: ${mb(await directory.bytes())} MB on disk`);
  const from = performance.now();
  await using broker = await BrokerProcess.start("--data", directory.path);
  const seconds = (performance.now() - from) / 1000;
  const { residentBytes, cpuSeconds } = usage(broker.pid)!;
  say(
    `start: listening after ${seconds.toFixed(1)} s (${
      cpuSeconds.toFixed(1)
    } s of the processor), ` +
      `${mb(residentBytes)} MB resident`,
  );
}

/** Each move runs in a process of its own, whose memory is measured. */
async function move(): Promise<void> {
  await using directory = await Directory.make();
  await fill(directory.path);
  for (const workers of [2, 3, 1]) {
    const script = new URL("./durable/move.ts", import.meta.url).pathname;
    const args = ["run", "--allow-all", script, directory.path, `${workers}`];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" })
      .output();
    say(`move: ${new TextDecoder().decode(stdout).trim()}`);
  }
}

function grown(before: Usage, after: Usage): string {
  return mb(after.residentBytes - before.residentBytes);
}

function mb(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}
