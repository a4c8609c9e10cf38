/**
 * Subscribers that stop reading while others publish: they lag alone, up to the
 * limit, and nobody else is the worse for it.
 *
 * @module
 */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { concat } from "@std/bytes";
import type { BrokerOptions } from "../../mod.ts";
import { writeAll } from "../harness/byte_pipe.ts";
import { within } from "../harness/deadline.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { Bystanders, flood, greet, join, joinSubscribed, repeat, withHost } from "./_clients.ts";
import { MeasuredBroker } from "./_process.ts";

const MB = 2 ** 20;
const OPTIONS: BrokerOptions = {
  limits: { lagBytesMax: 16 * MB, highWaterBytes: 256 * 1024, stallMs: 50 },
};
const DEADLINE_MS = 30_000;

/** Subscribers that take nothing from now on, and go when the test is over. */
async function stalled(
  port: number,
  count: number,
  filters: Record<string, number>,
): Promise<DisposableStack> {
  const clients = new DisposableStack();
  for (let i = 0; i < count; i++) {
    const client = await joinSubscribed(port, filters, {}, DEADLINE_MS);
    clients.defer(() => client.close());
  }
  return clients;
}

/** Publishes the frames over and over, until all has been taken. */
async function publishAll(port: number, frames: Uint8Array, times: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const client = new RawClient(conn, DEADLINE_MS);
  await greet(client);
  await within("a flood is taken", repeat(conn, frames, times), DEADLINE_MS);
  await client.expectSilence();
}

/** How much the broker grows while `times` times `frames` are published, in bytes. */
async function growth(
  subscribers: number,
  filters: Record<string, number>,
  frames: Uint8Array,
  times: number,
): Promise<number> {
  await using broker = await MeasuredBroker.start(OPTIONS);
  using _ = await stalled(broker.port, subscribers, filters);
  await using bystanders = await Bystanders.join(broker.port, DEADLINE_MS);
  await bystanders.check();
  const before = await broker.residentBytes();
  await publishAll(broker.port, frames, times);
  await bystanders.check();
  const after = await broker.residentBytes();
  const { dropped, internalErrors } = await broker.stats();
  assertGreater(dropped.lag, 0);
  assertEquals([internalErrors, broker.stderr], [0, ""]);
  return after - before;
}

Deno.test("a flood past one stalled subscriber costs no more than its lag limit", async () => {
  assertLess(await growth(1, { "flood": 0 }, flood("flood", 3000, MB), 600), 250 * MB);
});

Deno.test("50 stalled subscribers of one topic cost about as much as one", async () => {
  assertLess(await growth(50, { "flood": 0 }, flood("flood", 3000, MB), 600), 250 * MB);
});

Deno.test("stalled subscribers of topics that take turns cost no more than their limits", async () => {
  // Ten subscribers share a log for each of the filters, and go from one to the other.
  const topics = Array.from({ length: 20 }, (_, i) => `flood/${i}`);
  const filters = Object.fromEntries(topics.map((topic) => [topic, 0]));
  const turn = concat(topics.map((topic) => packets.publish(topic, new Uint8Array(1000))));
  const frames = concat(new Array(16).fill(turn));
  assertLess(await growth(10, filters, frames, 400), 400 * MB);
});

Deno.test("a stalled subscriber of a thousand topics costs no more than its limit", async () => {
  const frames = Array.from(
    { length: 1000 },
    (_, i) => packets.publish(`flood/${i}`, new Uint8Array(1000)),
  );
  assertLess(await growth(1, { "flood/#": 0 }, concat(frames), 300), 250 * MB);
});

Deno.test("a stalled subscriber that leaves does not hold what others go on with", async () => {
  await using broker = await MeasuredBroker.start(OPTIONS);
  using _ = await stalled(broker.port, 9, { "flood": 0 });
  await using leaver = await joinSubscribed(broker.port, { "flood": 0 }, {}, DEADLINE_MS);
  const frames = flood("flood", 3000, MB);
  await publishAll(broker.port, frames, 16);
  await leaver.send(packets.unsubscribe(["flood"]));
  await using bystanders = await Bystanders.join(broker.port, DEADLINE_MS);
  await bystanders.check();
  const before = await broker.residentBytes();
  await publishAll(broker.port, frames, 600);
  assertLess(await broker.residentBytes() - before, 250 * MB);
});

Deno.test("drop-newest: a full session does not hold what others go on with", async () => {
  const limits = { backlogMessagesMax: 100, stallMs: 20 };
  await using broker = await MeasuredBroker.start({ limits, overflow: "drop-newest" });
  const forAnHour = { level: 5, clientId: "away", properties: "11 00000e10" } as const;
  const away = await joinSubscribed(broker.port, { "flood": 1 }, forAnHour, DEADLINE_MS);
  await away.send(packets.disconnect());
  await away.expectClose();
  using _ = await stalled(broker.port, 9, { "flood": 0 });
  await using present = await joinSubscribed(broker.port, { "flood": 1 }, {}, DEADLINE_MS);
  await using publisher = await join(broker.port, {}, DEADLINE_MS);
  const payload = new Uint8Array(MB / 4);
  const frame = packets.publish("flood", payload, { qos: 1 });
  const before = await broker.residentBytes();
  for (let i = 0; i < 1500; i++) {
    await publisher.send(frame);
    await publisher.expect("40 02 00 01");
    const message = await present.readFrame();
    const at = message.length - payload.length - 2;
    await present.send(packets.puback(message[at]! << 8 | message[at + 1]!));
  }
  assertLess(await broker.residentBytes() - before, 250 * MB);
});

Deno.test("what a stalled subscriber loses is counted, and what it gets is whole frames", async () => {
  await withHost({ limits: { ...OPTIONS.limits, lagBytesMax: MB } }, async (port, broker) => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const subscriber = await greet(new RawClient(conn, DEADLINE_MS));
    await subscriber.send(packets.subscribe({ "flood": 0 }));
    await subscriber.expect("90 03 00 01 00");
    const frames = flood("flood", 3000, MB);
    await publishAll(port, frames, 30);
    assertGreater(broker.stats.dropped.lag, 0);
    const size = packets.publish("flood", new Uint8Array(3000)).length;
    const published = 30 * frames.length / size;
    await writeAll(conn, packets.pingreq());
    const isAll = (bytes: number) => bytes / size + broker.stats.dropped.lag >= published;
    const bytes = await within("the rest to come", readUntilPing(conn, isAll), DEADLINE_MS);
    assertEquals(bytes % size, 0);
    assertEquals(bytes / size + broker.stats.dropped.lag, published);
  });
});

/**
 * Reads up to PINGRESP, which control packets put anywhere between two frames, and to the last
 * frame. Returns the bytes of all frames.
 */
async function readUntilPing(
  conn: Deno.TcpConn,
  isAll: (frames: number) => boolean,
): Promise<number> {
  const chunk = new Uint8Array(65_536);
  let frames = 0;
  let held: Uint8Array = new Uint8Array();
  for (let isAnswered = false; !isAnswered || held.length > 0 || !isAll(frames);) {
    const count = await conn.read(chunk);
    assert(count !== null, "the connection ended");
    held = concat([held, chunk.subarray(0, count)]);
    for (let size = sizeOf(held); size <= held.length; size = sizeOf(held)) {
      if (held[0] === 0xd0) isAnswered = true;
      else {
        assertEquals(held[0], 0x30);
        frames += size;
      }
      held = held.subarray(size);
    }
  }
  return frames;
}

/** Bytes of the frame at the start, `Infinity` as long as that is not known. */
function sizeOf(bytes: Uint8Array): number {
  if (bytes.length < 2) return Infinity;
  if (bytes[1]! < 0x80) return 2 + bytes[1]!;
  return bytes.length < 3 ? Infinity : 3 + (bytes[1]! & 0x7f) + bytes[2]! * 128;
}
