/**
 * A million connections in one process: what each costs in memory, and what they cost in CPU while
 * they are idle and while each gets a message a minute.
 *
 *     deno task bench:million [CONNECTIONS]
 *
 * One million by default, which takes some 4 GB of memory and a few minutes. The connections are
 * those of native sockets, over a C library of a script instead of the kernel: memory and CPU of
 * the kernel are not in the figures. docs/scaling.md tells how to get real ones.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { Broker } from "../broker/broker.ts";
import { NativeSockets } from "../transport/native/native_sockets.ts";
import { TcpListener } from "../transport/tcp.ts";
import { readCommandLine, refuse } from "../tests/harness/command_line.ts";
import { ScriptedLibc } from "./million/scripted_libc.ts";

/** Connections before the first measurement, so that memory which is allocated once does not count. */
const WARM_UP = 10_000;
/** How many connect at once. */
const AT_ONCE = 2000;
/** How long V8 may take after the connects until it collects no more garbage, in seconds. */
const REST_SECONDS = 60;
/** How long CPU is measured, in seconds. */
const IDLE_SECONDS = 20;
const BUSY_SECONDS = 30;
/** How often messages are published, in milliseconds. */
const PUBLISH_MS = 20;

/** Measures what this process uses of a core from its making on. */
class CpuMeter {
  readonly #start = cpuUsage();
  readonly #startMs = performance.now();

  get elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  get share(): number {
    const { user, system } = cpuUsage(this.#start);
    return (user + system) / 1000 / this.elapsedMs;
  }
}

if (import.meta.main) {
  const [count = "1000000"] = readCommandLine(Deno.args, { wordsMax: 1 })._;
  if (!/^[1-9]\d*$/.test(count)) refuse(`The number of connections is not "${count}"`);
  await main(Number(count));
}

async function main(count: number): Promise<void> {
  const total = WARM_UP + count;
  const libc = new ScriptedLibc(total);
  const broker = new Broker({
    limits: {
      connectionsMax: total,
      handshakesMax: 2 * AT_ONCE,
      connectsPerSecondMax: 0,
      // A machine that is busy with something else must not end the run.
      connectTimeoutMs: 600_000,
      loopLagMs: 0,
      sessionsMax: total,
      subscriptionsMax: total,
      memoryBytesMax: 64 * 1024 ** 3,
    },
  });
  const sockets = new NativeSockets({ libc, reportError: (error) => say(String(error)) });
  const accept = broker.accept.bind(broker);
  const listener = new TcpListener({ port: 1883 }, () => null, accept, sockets.tcp({}));
  await connectAll(libc, broker, WARM_UP);
  const before = await settledBytes();
  const startMs = performance.now();
  await connectAll(libc, broker, count);
  const seconds = (performance.now() - startMs) / 1000;
  const after = await settledBytes();
  say(`${count} connections with a subscription each, in ${seconds.toFixed(0)} s`);
  say(`${Math.round((after.rss - before.rss) / count)} bytes of resident memory each`);
  say(`${Math.round((after.heap - before.heap) / count)} bytes of V8's heap each`);
  await new Promise((resolve) => setTimeout(resolve, REST_SECONDS * 1000));
  say(`${percent(await idleCpu(IDLE_SECONDS))} of a core while all are idle`);
  let next = 0;
  const perTick = count * PUBLISH_MS / 60_000;
  let owed = 0;
  const busy = await busyCpu(BUSY_SECONDS, () => {
    for (owed += perTick; owed >= 1; owed--) {
      broker.publish(ScriptedLibc.topicOf(next), "a message of thirty-two bytes...");
      next = (next + 7919) % total;
    }
  });
  say(`${percent(busy)} of a core with a message a minute to each: ${libc.sends} were written`);
  if (libc.sends === 0) throw new Error("No message was written");
  listener.close();
  await broker.close();
}

/** Has so many more clients connect, and waits until they are subscribed. */
async function connectAll(libc: ScriptedLibc, broker: Broker, count: number): Promise<void> {
  const end = libc.subscribed + count;
  while (libc.subscribed < end) {
    const more = Math.min(AT_ONCE, end - libc.subscribed);
    const goal = libc.subscribed + more;
    libc.connect(more);
    while (libc.subscribed < goal) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const { connectionsRefused, connectsRefused } = broker.stats;
      if (connectionsRefused + connectsRefused > 0) throw new Error("A client was refused");
      if (libc.closed > 0) throw new Error("A connection was closed: is the machine too busy?");
    }
  }
}

/** Memory of the process, in bytes, once garbage is gone. */
async function settledBytes(): Promise<{ rss: number; heap: number }> {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("It needs --v8-flags=--expose-gc");
  for (let i = 0; i < 5; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return { rss, heap: heapUsed + external };
}

/** The share of a core that the process uses for so many seconds, while nothing else is done. */
async function idleCpu(seconds: number): Promise<number> {
  const meter = new CpuMeter();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return meter.share;
}

/**
 * The same while `tick` is called every {@linkcode PUBLISH_MS}. Calls that are late are made up for,
 * each in a turn of its own, so that what it has published leaves before the next one.
 */
async function busyCpu(seconds: number, tick: () => void): Promise<number> {
  const meter = new CpuMeter();
  for (let ticks = 0; meter.elapsedMs < seconds * 1000; ticks++) {
    const aheadMs = ticks * PUBLISH_MS - meter.elapsedMs;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, aheadMs)));
    tick();
  }
  return meter.share;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
