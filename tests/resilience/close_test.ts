/**
 * A broker that is closed: everybody is told, what waits is sent, and nothing is
 * left of it but memory. That nothing is, the sanitizers of the tests find out.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Broker, BrokerOptions } from "../../mod.ts";
import { brokers } from "../harness/brokers.ts";
import { writeAll } from "../harness/byte_pipe.ts";
import { within } from "../harness/deadline.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import {
  expectDisconnect,
  flood,
  greet,
  join,
  joinSubscribed,
  publisherWaits,
  repeat,
} from "./_clients.ts";

const SHUTTING_DOWN = 0x8b;
/** Longer than any test has patience for: what waits for it fails. */
const FOR_EVER_MS = 600_000;

async function start(options: BrokerOptions = {}): Promise<[Broker, number]> {
  const broker = brokers.make(options);
  const { port } = await broker.listen({ port: 0 });
  return [broker, port];
}

Deno.test("close() tells every client, and waits for no one who is well", async () => {
  const [broker, port] = await start();
  await using five = await join(port, { level: 5 });
  await using four = await join(port, { level: 4 });
  await using three = await join(port, { level: 3, clientId: "three" });
  await using stranger = await RawClient.dial(port);
  await within("the end", broker.close({ graceMs: FOR_EVER_MS }));
  await expectDisconnect(five, SHUTTING_DOWN);
  await four.expectClose();
  await three.expectClose();
  await stranger.expectClose();
  assertEquals(broker.stats.connections, 0);
  await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port }));
  await assertRejects(() => broker.listen({ port: 0 }), TypeError);
});

Deno.test("close() sends what waits before it says goodbye", async () => {
  const [broker, port] = await start({ limits: { highWaterBytes: 2 ** 24 } });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const subscriber = await greet(new RawClient(conn), { level: 5 });
  await subscriber.send(packets.subscribe({ "a": 0 }, { level: 5 }));
  assertEquals((await subscriber.readFrame())[0], 0x90);
  const payload = new Uint8Array(100_000);
  for (let i = 0; i < 100; i++) broker.publish("a", payload);
  const closed = broker.close({ graceMs: FOR_EVER_MS });
  const frame = packets.publish("a", payload, { level: 5 });
  let bytes = 0;
  const chunk = new Uint8Array(2 ** 20);
  const tail: number[] = [];
  for (let count = await conn.read(chunk); count !== null; count = await conn.read(chunk)) {
    bytes += count;
    tail.push(...chunk.subarray(Math.max(0, count - 3), count));
  }
  await within("the end", closed);
  assertEquals(bytes, 100 * frame.length + 3);
  assertEquals(tail.slice(-3), [0xe0, 1, SHUTTING_DOWN]);
});

Deno.test("close() is over after graceMs although a client is stuck", async () => {
  const limits = { stallMs: 20, lingerMs: FOR_EVER_MS, lagBytesMax: 2 ** 25 };
  const [broker, port] = await start({ limits });
  await using _ = await joinSubscribed(port, { "flood": 0 }, { level: 5 });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const publisher = await greet(new RawClient(conn));
  await within("a flood is taken", repeat(conn, flood("flood", 3000, 2 ** 20), 16));
  await publisher.expectSilence();
  await within("the end", broker.close({ graceMs: 50 }));
  assertEquals(broker.stats.connections, 0);
});

Deno.test("close() is over although a publisher waits for a subscriber", async () => {
  const [broker, port] = await start({ limits: { stallMs: FOR_EVER_MS } });
  await using _ = await joinSubscribed(port, { "flood": 0 });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await greet(new RawClient(conn));
  const frames = flood("flood", 3000, 2 ** 20);
  // A write waits as well, once the broker reads no more.
  let isOver = false;
  const flooding = (async () => {
    while (!isOver) await writeAll(conn, frames);
  })().catch(() => {});
  await publisherWaits(broker);
  await within("the end", broker.close({ graceMs: 50 }));
  isOver = true;
  await flooding;
});

Deno.test("close() is over although clients say nothing or half of something", async () => {
  const [broker, port] = await start();
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.dial(port)));
  for (const client of clients) await client.send("10 0d 0004");
  await within("the end", broker.close({ graceMs: FOR_EVER_MS }));
  for (const client of clients) client.close();
});

Deno.test("close() is over although somebody is being let in", async () => {
  const asked = Promise.withResolvers<void>();
  const authenticator = {
    authenticate() {
      asked.resolve();
      return new Promise<never>(() => {});
    },
  };
  const [broker, port] = await start({ authenticator });
  await using client = await RawClient.dial(port);
  await client.send(packets.connect());
  await within("a question", asked.promise);
  await within("the end", broker.close({ graceMs: 50 }));
});

Deno.test("close() is over although clients come all the time", async () => {
  const [broker, port] = await start();
  let isOver = false;
  const coming = (async () => {
    while (!isOver) {
      try {
        using conn = await Deno.connect({ hostname: "127.0.0.1", port });
        await writeAll(conn, packets.connect());
      } catch {
        // Refused: the broker listens no more.
        return;
      }
    }
  })();
  while (broker.stats.connectsAccepted < 20) (await join(port)).close();
  await within("the end", broker.close({ graceMs: FOR_EVER_MS }));
  isOver = true;
  await coming;
  assertEquals(broker.stats.connections, 0);
});

Deno.test("close() again waits for the same end", async () => {
  const [broker, port] = await start();
  await using _ = await join(port);
  const first = broker.close({ graceMs: FOR_EVER_MS });
  const second = broker.close({ graceMs: 0 });
  await within("both ends", Promise.all([first, second]));
  await broker.close();
  await broker[Symbol.asyncDispose]();
});

Deno.test("a broker that was never used is closed, too", async () => {
  await using _ = brokers.make();
});

Deno.test("await using closes the broker, its listeners and its subscriptions", async () => {
  let port = 0;
  let reading: Promise<unknown> = Promise.resolve();
  {
    await using broker = brokers.make();
    ({ port } = await broker.listen({ port: 0 }));
    await broker.listen({ port: 0 });
    const messages = broker.subscribe("#");
    reading = (async () => {
      for await (const _ of messages);
    })();
    const client = await join(port, { level: 5 });
    client.close();
  }
  await within("the end of a subscription", reading);
  await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port }));
});

Deno.test("nothing is due any more once a broker is closed", async () => {
  // Each of these sets a deadline: of a session, a will, a retained message, a connection.
  const [broker, port] = await start();
  const will = { topic: "w", payload: "w", properties: "18 000000ff" };
  const properties = "11 00000e10";
  const client = await join(port, { level: 5, clientId: "me", properties, will });
  const expiring = { level: 5, retain: true, properties: "02 000000ff" } as const;
  await client.send(packets.publish("r", "r", expiring));
  await client.expectSilence();
  client.close();
  await using other = await join(port, { keepAliveSeconds: 60 });
  assert(broker.stats.sessions >= 1);
  await within("the end", broker.close());
  await other.expectClose();
});
