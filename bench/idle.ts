/**
 * What an idle connection costs: starts `server.ts`, connects clients with one
 * subscription each, and prints by how much the server has grown.
 *
 *     deno run --allow-net --allow-run --allow-read bench/idle.ts [connections]
 *
 * 10,000 connections by default, which takes as many file descriptors here and
 * there: `ulimit -n 20000` if need be. Linux only.
 *
 * With Deno 2.9.6 on x86-64 and `DENO_V8_FLAGS=--max-semi-space-size=4` in the
 * environment, which is what `deno task start` runs with: 7.3 KB each at 10,000.
 * Without it some 40 MB more in all, which the young generation of V8 grows by
 * while so many connect, and then keeps.
 *
 * @module
 */
import { readCommandLine, refuse } from "../tests/harness/command_line.ts";
import { BrokerProcess } from "../tests/harness/broker_process.ts";
import * as packets from "../tests/harness/packets.ts";

/** The target, in bytes of resident memory for each connection. */
const TARGET_BYTES = 8192;
/** How many connect at once: fewer than the backlog of a listener. */
const AT_ONCE = 100;
/** Clients before the first measurement: what is made once should not count. */
const WARM_UP = 200;
/** How often memory is read until it no longer changes. */
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

/** Connects `count` more clients, each with one subscription of its own. */
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

/** All are still there. */
async function checkAll(clients: readonly Deno.TcpConn[]): Promise<void> {
  for (const client of clients) {
    await client.write(packets.pingreq());
    await readExactly(client, 2);
  }
}

/** Resident memory once it has stopped to change much, in bytes: garbage takes its time to go. */
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
