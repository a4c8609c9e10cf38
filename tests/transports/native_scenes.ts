/**
 * What is done with native sockets in a process of its own, whose descriptors are counted: other
 * tests of the same process would open and close theirs meanwhile.
 *
 *     deno run --allow-all tests/transports/native_scenes.ts NAME
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import { NativeSockets } from "../../transport/native/native_sockets.ts";
import type { NativeTransport } from "../../transport/native/native_transport.ts";
import { within } from "../harness/deadline.ts";
import { eventually } from "../harness/eventually.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";

/** How often a scene is repeated: one that leaves a descriptor open leaves at least so many. */
const REPEATS = 5;

/** What is done, by name. */
export const SCENES: Readonly<Record<string, () => Promise<void>>> = {
  "MQTT over TCP, WebSocket and a Unix socket": everyListener,
  "a broker is closed at any moment, with clients or without": closeAtAnyMoment,
  "connections come and go": comeAndGo,
  "connections are handed over to other threads": handOver,
};

/** A message of 200 KB goes through the broker at an URL and back, with QoS 2. */
async function roundTrip(url: string): Promise<void> {
  await using client = await connect(url);
  const heard = await client.subscribe("room/+", { qos: 2 });
  const payload = "x".repeat(200_000);
  await client.publish("room/1", payload, { qos: 2 });
  const { value } = await within("a message", heard[Symbol.asyncIterator]().next());
  assertEquals(new TextDecoder().decode(value!.payload), payload);
}

async function everyListener(): Promise<void> {
  const folder = await Deno.makeTempDir();
  const broker = new Broker();
  const addresses: string[] = [];
  const tcp = await broker.listen({ port: 0, native: true });
  const named = await broker.listen({ port: 0, hostname: "localhost", native: { backlog: 8 } });
  const web = await broker.listen({ port: 0, native: true, webSocket: true });
  await broker.listen({ path: `${folder}/s`, native: true });
  assertEquals(tcp.hostname, "127.0.0.1");
  for (
    const url of [
      `mqtt://127.0.0.1:${tcp.port}`,
      `mqtt://${named.hostname.includes(":") ? "[::1]" : "127.0.0.1"}:${named.port}`,
      `ws://127.0.0.1:${web.port}`,
      `unix:${folder}/s`,
    ]
  ) {
    await roundTrip(url);
    addresses.push(url);
  }
  assertEquals([addresses.length, broker.stats.internalErrors], [4, 0]);
  await broker.close();
  await Deno.remove(folder, { recursive: true });
}

async function closeAtAnyMoment(): Promise<void> {
  for (let round = 0; round < 10; round++) {
    const broker = new Broker();
    const { port } = await broker.listen({ port: 0, native: true });
    const client = await RawClient.dial(port);
    if (round % 3 > 0) await client.send(packets.connect({ clientId: "c", level: 5 }));
    if (round % 3 > 1) await client.expect("20");
    await within("the broker to close", broker.close());
    client.close();
  }
}

async function handOver(): Promise<void> {
  const script = new URL("./native_adopter.ts", import.meta.url);
  const workers = [0, 1].map(() => new Worker(script, { type: "module" }));
  const sockets = new NativeSockets({ reportError });
  const clients: Deno.Conn[] = [];
  let next = 0;
  const bind = sockets.tcp({});
  const listener = bind({ hostname: "127.0.0.1", port: 0 }, () => null, async (transport) => {
    const first = new Uint8Array(16);
    const bytes = await transport.read(first);
    // A thread has read this much before it knows to which the connection belongs.
    const socket = (transport as NativeTransport).detach(first.subarray(0, bytes!));
    workers[next++ % workers.length]!.postMessage(socket);
  });
  for (let i = 0; i < 8; i++) {
    const client = await Deno.connect({ port: listener.port });
    clients.push(client);
    const ask = new TextEncoder().encode(`client ${i}, and what is read by the other thread`);
    await client.write(ask);
    const answer = new Uint8Array(ask.length);
    for (let at = 0; at < ask.length;) {
      at += (await within("an echo", client.read(answer.subarray(at))))!;
    }
    assertEquals(answer, ask);
  }
  for (const client of clients) {
    await client.closeWrite();
    assertEquals(await within("the end", client.read(new Uint8Array(1))), null);
    client.close();
  }
  await listener.close();
  await sockets.close();
  for (const worker of workers) {
    const stopped = new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage("stop");
    await within("the worker to stop", stopped);
    worker.terminate();
  }
}

async function comeAndGo(): Promise<void> {
  // Fewer than may be connecting from one address, `addressHandshakesMax`.
  const CLIENTS = 50;
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0, native: true });
  const cycle = async () => {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.dial(port)));
    for (const [i, client] of clients.entries()) {
      await client.send(packets.connect({ clientId: `c${i}` }), packets.subscribe({ a: 0 }));
      await client.expect("20 02 00 00");
      await client.expect("90 03 00 01 00");
      // In all the ways in which clients leave: with a DISCONNECT, without, and with bytes unread.
      if (i % 3 === 0) await client.send(packets.disconnect());
      if (i % 3 === 1) await client.send(packets.publish("a", new Uint8Array(10_000)));
      client.close();
    }
    await eventually("the clients are gone", () => broker.stats.connections === 0);
  };
  for (let i = 0; i < 3; i++) await cycle();
  assertEquals(broker.stats.internalErrors, 0);
}

/** How many descriptors the process has open. */
function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

if (import.meta.main) {
  const scene = SCENES[Deno.args[0]!]!;
  // The runtime opens some of its own when it needs them first.
  await scene();
  await scene();
  const before = descriptors();
  for (let i = 0; i < REPEATS; i++) await scene();
  // The runtime closes what a thread had of its own a while after the thread was terminated.
  const isClosed = () => descriptors() - before < REPEATS;
  await eventually(`no more descriptors are open than ${REPEATS} times before`, isClosed);
}
