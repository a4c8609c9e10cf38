import { assertEquals } from "@std/assert";
import { encodePacket } from "../../codec/mod.ts";
import { Route } from "../../router/route_cache.ts";
import { Origin } from "../base/origin.ts";
import { type FrameSink, PublishBatch } from "./publish_batch.ts";
import type { Receiver } from "./subscriber.ts";

/** A route that tells whether its topic was needed in UTF-8, which takes an array. */
class AskedRoute extends Route<Receiver> {
  isAsked = false;

  override get bytes(): Uint8Array {
    this.isAsked = true;
    return super.bytes;
  }
}

/** QoS 0 frames of 3.1.1 to the topic `t`. */
const FRAMES = Uint8Array.fromHex("3005 000174 0102".replaceAll(" ", "").repeat(2));

Deno.test("PublishBatch counts its payloads and needs no array for the topic until it is split", () => {
  const route = new AskedRoute("t", null, 0);
  const batch = new PublishBatch();
  batch.begin(route, Origin.program, false, FRAMES, 0);
  batch.add(FRAMES.length / 2);
  batch.add(FRAMES.length);
  assertEquals([batch.frames, batch.payloadBytes, route.isAsked], [2, 4, false]);
  const payloads = batch.messages().map(({ payload }) => payload.toHex());
  assertEquals([payloads, route.isAsked], [["0102", "0102"], true]);
});

/** A batch of frames with these payload sizes to a topic, in the format of a version. */
function batchOf(version: 4 | 5, topic: string, sizes: readonly number[]): PublishBatch {
  const packets = sizes.map((size, i) => {
    const payload = Uint8Array.from({ length: size }, (_, at) => at * 7 + i);
    const plain = { type: "publish", qos: 0, retain: false, dup: false, packetId: 0 } as const;
    return encodePacket({ ...plain, topic, payload, properties: {} }, version);
  });
  const bytes = new Uint8Array(3 + packets.reduce((sum, { length }) => sum + length, 0));
  const batch = new PublishBatch();
  batch.begin(new Route("x", null, 0), Origin.program, version === 5, bytes, 3);
  batch.route = new Route(topic, new TextEncoder().encode(topic), 0);
  for (const packet of packets) {
    bytes.set(packet, batch.end);
    batch.add(batch.end + packet.length);
  }
  return batch;
}

/** Keeps what is appended. */
class Sink implements FrameSink {
  bytes: Uint8Array | null = null;

  append(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes.slice(start, end);
  }
}

Deno.test("PublishBatch.appendTo() gives the frames in the format of each version, if they fit", () => {
  // Around each length at which the Remaining Length has a byte more.
  const around = (edge: number) => Array.from({ length: 9 }, (_, i) => edge - 8 + i);
  const small = [0, 1, 63, 64, 65, ...around(127), ...around(16_383)];
  const cases: [string, number[]][] = [
    ["t", small],
    ["a/longer topic", small],
    ["\u00e9", small],
    ["t", [2_097_146]],
    ["t", [2_097_148]],
  ];
  for (const [topic, sizes] of cases) {
    const [old, five] = [batchOf(4, topic, sizes), batchOf(5, topic, sizes)];
    for (const batch of [old, five]) {
      for (const other of [old, five]) {
        const sink = new Sink();
        assertEquals(batch.appendTo(sink, other.v5, other.frameBytesMax - 1), false);
        assertEquals(sink.bytes, null);
        assertEquals(batch.appendTo(sink, other.v5, batch.frameBytesMax + 2), true);
        assertEquals(sink.bytes!.toHex() === other.buffer.subarray(3).toHex(), true, topic);
      }
    }
  }
});

Deno.test("PublishBatch.converted() is made once, and anew for the next batch", () => {
  const batch = batchOf(4, "t", [1, 2]);
  assertEquals(batch.converted(), batch.converted());
  const next = batchOf(4, "u", [3]);
  batch.begin(next.route, Origin.program, false, next.buffer, 3);
  batch.add(next.end);
  assertEquals(batch.converted(), batchOf(5, "u", [3]).buffer.subarray(3));
});
