/**
 * Clients that send little, late or nothing at all, or promise much: they cost
 * next to nothing and keep nobody else waiting.
 *
 * @module
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { concat } from "@std/bytes";
import { hex } from "../harness/hex.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { Bystanders, join, joinSubscribed, withHost } from "./_clients.ts";
import { MeasuredBroker } from "./_process.ts";

const MB = 2 ** 20;
const DEADLINE_MS = 20_000;

/** Sends byte by byte, each a segment of its own. */
async function drip(client: RawClient, bytes: Uint8Array): Promise<void> {
  for (const byte of bytes) await client.send(Uint8Array.of(byte));
}

for (const level of [3, 4, 5] as const) {
  Deno.test(`a client of level ${level} may send one byte at a time`, async () => {
    await withHost({}, async (port) => {
      await using client = await RawClient.dial(port);
      await drip(client, packets.connect({ level, clientId: "drip", username: "u" }));
      assertEquals((await client.readFrame())[0], 0x20);
      await drip(client, packets.subscribe({ "drip/#": 2 }, { level }));
      assertEquals((await client.readFrame())[0], 0x90);
      await drip(client, packets.publish("drip/a", "x".repeat(300), { level }));
      await client.expect(packets.publish("drip/a", "x".repeat(300), { level }));
      await drip(client, packets.publish("drip/b", "", { level, qos: 2, packetId: 9 }));
      const answers = [await client.readFrame(), await client.readFrame()];
      assertEquals(answers.map((frame) => frame[0]), [0x50, 0x34]);
      await drip(client, concat([packets.pubrel(9), packets.pingreq()]));
      assertEquals([(await client.readFrame())[0], (await client.readFrame())[0]], [0x70, 0xd0]);
    });
  });
}

const STUMPS: Record<string, string> = {
  "nothing": "",
  "one byte": "10",
  "half a CONNECT": "10 0d 0004 4d51",
  "a CONNECT without its last byte": "10 0d 0004 4d515454 04 02 003c 0001",
};
for (const [name, stump] of Object.entries(STUMPS)) {
  Deno.test(`a client that sends ${name} is closed at the connect timeout`, async () => {
    await withHost({ limits: { connectTimeoutMs: 50 } }, async (port, broker) => {
      await using bystanders = await Bystanders.join(port);
      await using client = await RawClient.dial(port);
      await client.send(stump);
      await client.expectClose();
      await bystanders.check();
      assertEquals(broker.stats.connectsAccepted, 2);
    });
  });
}

Deno.test("an authentication that never ends is closed at the connect timeout", async () => {
  const authenticator = {
    authenticate: ({ clientId }: { clientId: string }) =>
      clientId === "stuck" ? new Promise<never>(() => {}) : Promise.resolve({ reasonCode: 0 }),
  };
  await withHost({ limits: { connectTimeoutMs: 50 }, authenticator }, async (port) => {
    await using client = await RawClient.dial(port);
    await client.send(packets.connect({ clientId: "stuck" }));
    await client.expectClose();
    await using bystanders = await Bystanders.join(port);
    await bystanders.check();
  });
});

/** How many bytes the broker grows by for each of `count` clients that have sent `bytes`. */
async function bytesEach(count: number, bytes: Uint8Array): Promise<number> {
  await using broker = await MeasuredBroker.start({});
  await using bystanders = await Bystanders.join(broker.port, DEADLINE_MS);
  await bystanders.check();
  const before = await broker.residentBytes();
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) {
    clients.push(await RawClient.dial(broker.port, DEADLINE_MS));
    if (bytes.length > 0) await clients[i]!.send(bytes);
  }
  await bystanders.check();
  const { connections } = await broker.stats();
  assert(connections >= count, `${connections} connections`);
  const after = await broker.residentBytes();
  for (const client of clients) client.close();
  await bystanders.check();
  return (after - before) / count;
}

Deno.test("a thousand connections without CONNECT cost little and stop nobody", async () => {
  assertLess(await bytesEach(1000, new Uint8Array()), 40_000);
});

Deno.test("a promised CONNECT of 200 KB costs little until it comes", async () => {
  assertLess(await bytesEach(500, hex("10 c09a0c 0004 4d515454")), 40_000);
});

Deno.test("a CONNECT of 256 MB is refused by its header", async () => {
  await withHost({}, async (port, broker) => {
    await using bystanders = await Bystanders.join(port);
    await using client = await RawClient.dial(port);
    await client.send("10 ffffff7f");
    await client.expectClose();
    assertEquals(broker.stats.protocolErrors, 1);
    await bystanders.check();
  });
});

Deno.test("a Remaining Length of five bytes is refused", async () => {
  await withHost({}, async (port) => {
    for (const header of ["10 ffffffff01", "10 8080808001", "10 ffffffff"]) {
      await using client = await RawClient.dial(port);
      await client.send(header);
      await client.expectClose();
    }
  });
});

Deno.test("promised messages of 16 MB hold little until they come", async () => {
  await using broker = await MeasuredBroker.start({});
  await using bystanders = await Bystanders.join(broker.port, DEADLINE_MS);
  await bystanders.check();
  const before = await broker.residentBytes();
  const clients: RawClient[] = [];
  for (let i = 0; i < 100; i++) {
    const client = await join(broker.port, {}, DEADLINE_MS);
    // Just below 16 MB, of which 1 KB comes.
    await client.send("30 f0ffff07 0001 61", new Uint8Array(1024));
    clients.push(client);
  }
  await bystanders.check();
  assertLess(await broker.residentBytes() - before, 60 * MB);
  for (const client of clients) client.close();
});

Deno.test("a message of 16 MB comes through whole, to slow and to fast subscribers", async () => {
  await withHost({ limits: { packetBytesMax: 17 * MB } }, async (port) => {
    await using subscriber = await joinSubscribed(port, { "large": 1 }, {}, DEADLINE_MS);
    await using publisher = await join(port, {}, DEADLINE_MS);
    const payload = crypto.getRandomValues(new Uint8Array(65_536));
    const large = concat(new Array(256).fill(payload));
    const sending = publisher.send(packets.publish("large", large, { qos: 1, packetId: 1 }));
    const header = concat([packets.varint(large.length + 9), packets.text("large")]);
    await subscriber.expect("32", header, "00 01");
    for (let i = 0; i < 256; i++) await subscriber.expect(payload);
    await sending;
    await publisher.expect("40 02 00 01");
  });
});
