/**
 * A broker with native sockets: all that it can listen on, what goes on beside it, and that it
 * leaves nothing behind. The tests of other folders run over native sockets, too, see
 * `tests/run.sh`.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import { within } from "../harness/deadline.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { Certificates } from "../harness/certificates.ts";
import { testWith } from "../harness/tools.ts";

const isSupported = Deno.build.os === "linux" && ["x86_64", "aarch64"].includes(Deno.build.arch);

/** A test that needs native sockets. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: !isSupported });
}

/** A message of 200 KB goes through the broker at an URL and back, with QoS 2. */
async function roundTrip(url: string): Promise<void> {
  await using client = await connect(url);
  const heard = await client.subscribe("room/+", { qos: 2 });
  const payload = "x".repeat(200_000);
  await client.publish("room/1", payload, { qos: 2 });
  const { value } = await within("a message", heard[Symbol.asyncIterator]().next());
  assertEquals(new TextDecoder().decode(value!.payload), payload);
}

/** How many descriptors the process has open. */
function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

test("native sockets carry MQTT over TCP, WebSocket and a Unix socket, and leave nothing open", async () => {
  const folder = await Deno.makeTempDir();
  const before = descriptors();
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
  assertEquals(descriptors(), before);
  await Deno.remove(folder, { recursive: true });
});

testWith(["openssl"], "native sockets carry TLS", async () => {
  if (!isSupported) return;
  await using certificates = await Certificates.make();
  await using broker = new Broker();
  const tls = await certificates.identity("server");
  const { port } = await broker.listen({ port: 0, tls, native: true });
  const conn = await Deno.connectTls({
    hostname: "localhost",
    port,
    caCerts: [await certificates.pem("ca")],
    alpnProtocols: ["mqtt"],
  });
  await using client = new RawClient(conn);
  await client.send(packets.connect({ clientId: "c" }));
  await client.expect("20 02 00 00");
});

test("timers and sockets of the runtime go on beside native sockets under load", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0, native: true });
  await using other = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response("ok"),
  );
  let isOver = false;
  const flood = (async () => {
    await using client = await RawClient.dial(port);
    await client.send(packets.connect({ clientId: "c" }));
    await client.expect("20 02 00 00");
    while (!isOver) {
      await client.send(packets.pingreq());
      await client.expect("d0 00");
    }
  })();
  for (let i = 0; i < 5; i++) {
    await within("a timer", new Promise((resolve) => setTimeout(resolve, 1)));
    const response = await within("a response", fetch(`http://127.0.0.1:${other.addr.port}`));
    assertEquals(await response.text(), "ok");
  }
  isOver = true;
  await flood;
});

test("a broker with native sockets is closed at any moment, with clients or without", async () => {
  const before = descriptors();
  for (let round = 0; round < 10; round++) {
    const broker = new Broker();
    const { port } = await broker.listen({ port: 0, native: true });
    const client = await RawClient.dial(port);
    if (round % 3 > 0) await client.send(packets.connect({ clientId: "c", level: 5 }));
    if (round % 3 > 1) await client.expect("20");
    await within("the broker to close", broker.close());
    client.close();
  }
  assert(descriptors() <= before);
});

test("a port that is taken is refused as by the runtime, and one that is shared is not", async () => {
  await using broker = new Broker();
  const native = { reusePort: true };
  const { port } = await broker.listen({ port: 0, native });
  await assertRejects(() => broker.listen({ port, native: true }), Deno.errors.AddrInUse);
  await assertRejects(
    () => broker.listen({ port: 0, hostname: "192.0.2.1", native: true }),
    Deno.errors.AddrNotAvailable,
  );
  assertEquals((await broker.listen({ port, native })).port, port);
});

test("connections that come and go leave no descriptor behind", async () => {
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
    while (broker.stats.connections > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  await cycle();
  const before = descriptors();
  for (let i = 0; i < 10; i++) await cycle();
  assert(descriptors() <= before);
  assertEquals(broker.stats.internalErrors, 0);
});
