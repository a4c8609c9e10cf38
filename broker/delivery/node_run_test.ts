import { assertEquals, assertThrows } from "@std/assert";
import { encodePacket, FixedHeader, MalformedPacketError } from "../../codec/mod.ts";
import { Route } from "../../router/route_cache.ts";
import { Origin } from "../base/origin.ts";
import { appendNodeRun, isNodeRun, NodeRunView } from "./node_run.ts";
import type { Outbox } from "./outbox.ts";
import { PublishBatch } from "./publish_batch.ts";

/** Keeps the last run that was appended, and how many frames it was said to have. */
class TestOutbox {
  readonly buffer = new Uint8Array(1000);
  bytes = 0;
  frames = 0;

  reserve(): number {
    return 3;
  }

  commit(bytes: number, frames: number): void {
    this.bytes = bytes;
    this.frames = frames;
  }
}

for (const version of [4, 5] as const) {
  Deno.test(`appendNodeRun() and NodeRunView keep frames of version ${version} as they came`, () => {
    const plain = { type: "publish", qos: 0, retain: false, dup: false, packetId: 0 } as const;
    const frames = [1, 200].map((size) => {
      const payload = new Uint8Array(size).fill(size);
      return encodePacket({ ...plain, topic: "a/t", payload, properties: {} }, version);
    });
    const source = Uint8Array.of(9, 9, ...frames[0]!, ...frames[1]!);
    const run = new PublishBatch();
    run.begin(new Route("a/t", null, 0), Origin.program, version === 5, source, 2);
    for (const { length } of frames) run.add(run.end + length);
    const outbox = new TestOutbox();
    appendNodeRun(outbox as unknown as Outbox, run);
    assertEquals(outbox.frames, 2);

    const header = new FixedHeader();
    assertEquals(header.read(outbox.buffer, 3, 3 + outbox.bytes), true);
    assertEquals([header.end, isNodeRun(header.first)], [3 + outbox.bytes, true]);
    const view = new NodeRunView();
    view.read(header.first, outbox.buffer, header.bodyStart, header.end);
    assertEquals(view.v5, version === 5);
    const topic = outbox.buffer.subarray(view.topicStart, view.topicEnd);
    assertEquals(new TextDecoder().decode(topic), "a/t");
    assertEquals(outbox.buffer.subarray(view.start, header.end), source.subarray(2));
    const taken = new PublishBatch();
    taken.begin(run.route, run.origin, view.v5, outbox.buffer, view.start);
    taken.addAll(view, header.end);
    assertEquals(
      [taken.frames, taken.frameBytesMax, taken.headerBytes, taken.payloadBytes],
      [run.frames, run.frameBytesMax, run.headerBytes, run.payloadBytes],
    );
  });
}

Deno.test("NodeRunView refuses a run whose first frame is not whole", () => {
  const view = new NodeRunView();
  const head = new Array(12).fill(0);
  for (const frame of [[], [0x30], [0x30, 5, 0, 1, 0x74]]) {
    const body = Uint8Array.of(...head, ...frame);
    assertThrows(() => view.read(0x36, body, 0, body.length), MalformedPacketError);
  }
});

Deno.test("isNodeRun() is true for no packet that a client may send", () => {
  for (let first = 0; first < 256; first++) {
    assertEquals(isNodeRun(first), first === 0x36 || first === 0x37);
  }
});
