/**
 * The memory of an idle connection: starts `server.ts`, connects clients with one subscription
 * each, and prints the growth of the server.
 *
 *     deno run --allow-net --allow-run --allow-read bench/idle.ts [connections]
 *
 * 10,000 connections by default, which need as many file descriptors on both sides: use `ulimit -n
 * 20000` if necessary. Linux only.
 *
 * With Deno 2.9.6 on x86-64 and `DENO_V8_FLAGS=--max-semi-space-size=4` in the environment, like
 * `deno task start`: 7.3 KB each at 10,000. Without the flag some 40 MB more in total, because the
 * young generation of V8 grows while so many clients connect, and stays large.
 *
 * @module
 */
import { readCommandLine, refuse } from "../tests/harness/command_line.ts";
import { BrokerProcess } from "../tests/harness/broker_process.ts";
import * as packets from "../tests/harness/packets.ts";

/** The target, in bytes of resident memory per connection. */
const TARGET_BYTES = 8192;
/** The number of concurrent connects: fewer than the backlog of a listener. */
const AT_ONCE = 100;
/** Clients before the first measurement, so that memory which is allocated once does not count. */
const WARM_UP = 200;
/** The maximum number of readings until memory no longer changes. */
const READINGS_MAX = 20;

if (import.meta.main) {
  const [count = "10000"] = readCommandLine(Deno.args, { wordsMax: 1 })._;
  if (!/^[1-9]\d*$/.test(count)) refuse(`The number of connections is not "${count}"`);
  await main(Number(count));
}

async function main(count: number): Promise<void> {
  await using broker = await BrokerProcess.start();
  const clients: Deno.TcpConn[] = [];
  await connectAll(broker.port, clients, 0, WARM_UP);
  const before = await settledBytes(broker.pid);
  await connectAll(broker.port, clients, WARM_UP, count);
  const after = await settledBytes(broker.pid);
  await checkAll(clients);
  const each = Math.round((after - before) / count);
  say(`${clients.length} connections; resident ${mb(before)} MB before, ${mb(after)} MB after`);
  say(`${each} bytes for each connection (target: at most ${TARGET_BYTES})`);
  for (const client of clients) client.close();
}

/** Connects `count` more clients, each with its own subscription. */
async function connectAll(
  port: number,
  clients: Deno.TcpConn[],
  first: number,
  count: number,
): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, i) => done + i);
    clients.push(...await Promise.all(numbers.map((i) => connect(port, first + i))));
  }
}

async function connect(port: number, number: number): Promise<Deno.TcpConn> {
  const client = await Deno.connect({ hostname: "127.0.0.1", port });
  const clientId = `idle-${number}`;
  await client.write(packets.connect({ clientId, keepAliveSeconds: 3600 }));
  await readExactly(client, 4);
  await client.write(packets.subscribe({ [`idle/${number}`]: 0 }));
  await readExactly(client, 5);
  return client;
}

async function readExactly(client: Deno.TcpConn, bytes: number): Promise<void> {
  const buffer = new Uint8Array(bytes);
  for (let filled = 0; filled < bytes;) {
    const count = await client.read(buffer.subarray(filled));
    if (count === null) throw new Error("The connection has ended");
    filled += count;
  }
}

/** Checks that all clients are still connected. */
async function checkAll(clients: readonly Deno.TcpConn[]): Promise<void> {
  for (const client of clients) {
    await client.write(packets.pingreq());
    await readExactly(client, 2);
  }
}

/** Resident memory after it has stopped changing much, in bytes: garbage collection takes time. */
async function settledBytes(pid: number): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < READINGS_MAX; i++) {
    const bytes = await residentBytes(pid);
    least = Math.min(least, bytes);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return least;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
}

function mb(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}
