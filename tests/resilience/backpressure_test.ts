/**
 * Publishers that are faster than who they publish to: they wait, and nothing is
 * lost, unless the subscriber makes no progress at all.
 *
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { concat } from "@std/bytes";
import type { Broker, BrokerOptions } from "../../mod.ts";
import { writeAll } from "../harness/byte_pipe.ts";
import { within } from "../harness/deadline.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { greet, join, joinSubscribed, publisherWaits, withHost } from "./_clients.ts";

/** Little may wait, and everybody who takes as much as a byte is well. */
const OPTIONS: BrokerOptions = {
  limits: { highWaterBytes: 64 * 1024, lagBytesMax: 1024 * 1024, stallMs: 20_000 },
};
const DEADLINE_MS = 20_000;
const PAYLOAD_BYTES = 1000;
const MESSAGES = 20_000;

/** Numbered, so that a loss, a repetition and a change of order are seen. */
function message(topic: string, number: number): Uint8Array {
  const payload = new Uint8Array(PAYLOAD_BYTES);
  new DataView(payload.buffer).setUint32(0, number);
  return packets.publish(topic, payload);
}

/** Publishes {@linkcode MESSAGES} as fast as they are taken. */
async function flood(port: number, topics: readonly string[]): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const client = await greet(new RawClient(conn, DEADLINE_MS));
  for (let number = 0; number < MESSAGES; number += 100) {
    const frames = Array.from(
      { length: 100 },
      (_, i) => message(topics[(number + i) % topics.length]!, number + i),
    );
    await within("a flood is taken", writeAll(conn, concat(frames)), DEADLINE_MS);
  }
  await client.expectSilence();
}

/** Reads little at a time, and checks that all messages come, in order. */
async function readSlowly(conn: Deno.TcpConn, chunkBytes: number): Promise<void> {
  const chunk = new Uint8Array(chunkBytes);
  const frameBytes = message("flood/0", 0).length;
  let held: Uint8Array = new Uint8Array();
  for (let number = 0; number < MESSAGES;) {
    const count = await conn.read(chunk);
    assert(count !== null, `the connection ended before message ${number}`);
    held = concat([held, chunk.subarray(0, count)]);
    for (; held.length >= frameBytes; held = held.subarray(frameBytes)) {
      const frame = held.subarray(0, frameBytes);
      assertEquals(frame[0], 0x30);
      const payload = frame.subarray(frameBytes - PAYLOAD_BYTES);
      const found = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
      if (found !== number++) throw new Error(`Message ${found} came instead of ${number - 1}`);
    }
  }
}

/**
 * A subscriber, subscribed, and what reading everything promises. It begins when a publisher waits:
 * for one that reads from the start the kernel may take all of the flood.
 */
async function slowReader(
  port: number,
  broker: Broker,
  chunkBytes: number,
): Promise<[Deno.TcpConn, () => Promise<void>]> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const client = await greet(new RawClient(conn, DEADLINE_MS));
  await client.send(packets.subscribe({ "flood/+": 0 }));
  await client.expect("90 03 00 01 00");
  const read = async () => {
    await publisherWaits(broker);
    await readSlowly(conn, chunkBytes);
  };
  return [conn, () => within("all is read", read(), DEADLINE_MS)];
}

Deno.test("a subscriber that reads slowly slows its publisher down and loses nothing", async () => {
  await withHost(OPTIONS, async (port, broker) => {
    const [conn, read] = await slowReader(port, broker, 2000);
    using _ = conn;
    await Promise.all([flood(port, ["flood/0"]), read()]);
    assertGreater(broker.stats.backpressureWaits, 0);
    assertEquals(broker.stats.dropped.lag, 0);
  });
});

for (const topics of [["flood/0"], ["flood/0", "flood/1", "flood/2"]]) {
  Deno.test(`ten subscribers that share ${topics.length} topics lose nothing, the slowest neither`, async () => {
    await withHost(OPTIONS, async (port, broker) => {
      const readers = await Promise.all(
        Array.from({ length: 10 }, (_, i) => slowReader(port, broker, 2000 + 4000 * i)),
      );
      try {
        await Promise.all([flood(port, topics), ...readers.map(([, read]) => read())]);
        assertGreater(broker.stats.backpressureWaits, 0);
        assertEquals(broker.stats.dropped.lag, 0);
      } finally {
        for (const [conn] of readers) conn.close();
      }
    });
  });
}

Deno.test("a publisher that waits is read on when the subscriber it waits for is gone", async () => {
  await withHost(OPTIONS, async (port, broker) => {
    const stalled = await joinSubscribed(port, { "flood/+": 0 });
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const publisher = await greet(new RawClient(conn, DEADLINE_MS));
    const flooding = within("a flood is taken", floodUntilPaused(conn, broker.stats), DEADLINE_MS);
    // The broker may pause in the midst of a write, which ends when it reads on.
    await publisherWaits(broker);
    stalled.close();
    await flooding;
    await publisher.send(packets.pingreq());
    await publisher.expect("d0 00");
  });
});

/** Publishes to who does not read until the broker waits. */
async function floodUntilPaused(
  conn: Deno.TcpConn,
  stats: { readonly backpressureWaits: number },
): Promise<void> {
  const frames = concat(Array.from({ length: 60 }, (_, i) => message("flood/0", i)));
  while (stats.backpressureWaits === 0) await writeAll(conn, frames);
}

Deno.test("acknowledged messages wait for a slow subscriber, and none is lost", async () => {
  const limits = { backlogMessagesMax: 200, stallMs: 20_000 };
  await withHost({ limits }, async (port, broker) => {
    await using subscriber = await joinSubscribed(port, { "flood": 1 });
    await using publisher = await join(port, {}, DEADLINE_MS);
    const publishing = (async () => {
      for (let id = 1; id <= 2000; id++) {
        await publisher.send(packets.publish("flood", `${id}`, { qos: 1, packetId: id }));
      }
    })();
    for (let id = 1; id <= 2000; id++) {
      const frame = await subscriber.readFrame();
      const payload = new TextDecoder().decode(frame.subarray(2 + 2 + 5 + 2));
      assertEquals(payload, `${id}`);
      await subscriber.send(packets.puback(frame[9]! << 8 | frame[10]!));
    }
    await publishing;
    assertEquals(broker.stats.dropped.backlog, 0);
    assertEquals(broker.stats.dropped["session-ended"], 0);
  });
});
