import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodePacket } from "../codec/mod.ts";
import { StoreError } from "../store/store.ts";
import { OpenChunk, StoredChunk } from "./chunk.ts";
import { RecordView } from "./record.ts";

const encoder = new TextEncoder();

/** A message with so many bytes. */
function inputOf(payload: number) {
  return {
    topic: encoder.encode("t"),
    buffer: new Uint8Array(payload),
    ...{ propertiesStart: 0, propertiesEnd: 0, payloadStart: 0, payloadEnd: payload },
    ...{ qos: 0, retain: false, expirySeconds: -1, publisher: null, isRevoked: false },
  };
}

/** A chunk from sequence 10 on, with messages of so many bytes. */
function chunkOf(...payloads: number[]): OpenChunk {
  const chunk = new OpenChunk(10);
  for (const [i, payload] of payloads.entries()) chunk.append(inputOf(payload), 1000 + i);
  return chunk;
}

/** The lengths of the payloads of a chunk. */
function payloadsOf(chunk: StoredChunk): number[] {
  const record = new RecordView();
  return Array.from({ length: chunk.count }, (_, index) => {
    record.read(chunk.view, chunk.bytes, chunk.offset(index));
    return record.payloadEnd - record.payloadStart;
  });
}

Deno.test("StoredChunk finds each record of an open chunk, and the end of the last one", () => {
  const open = chunkOf(3, 0, 200);
  const stored = new StoredChunk(10, open.bytes.slice(0, open.end));
  assertEquals([stored.count, payloadsOf(stored)], [3, [3, 0, 200]]);
  assertEquals([stored.seq(0), stored.seq(2), stored.offset(3)], [10, 12, open.end]);
  assertEquals([9, 10, 12, 13].map((seq) => stored.indexOf(seq)), [0, 0, 2, 3]);
});

Deno.test("StoredChunk finds each of thousands of records, and then those of a short chunk", () => {
  const payloads = Array.from({ length: 10_000 }, (_, i) => i % 7);
  const open = chunkOf(...payloads);
  const stored = new StoredChunk(10, open.bytes.slice(0, open.end));
  const short = chunkOf(5);
  assertEquals(payloadsOf(new StoredChunk(10, short.bytes.slice(0, short.end))), [5]);
  assertEquals(payloadsOf(stored), payloads);
});

Deno.test("StoredChunk throws where a record is cut short", () => {
  const open = chunkOf(3, 4);
  for (const end of [open.end - 1, open.offset(1) + 1]) {
    assertThrows(
      () => new StoredChunk(10, open.bytes.slice(0, end)),
      StoreError,
      "A chunk of a stream is cut short after 1 messages",
    );
  }
  assertEquals(new StoredChunk(10, new Uint8Array(0)).count, 0);
});

Deno.test("OpenChunk frees the unused part of its buffer when it is full, if that is much", () => {
  const much = chunkOf(60_000);
  much.append(inputOf(10), 1000);
  const before = much.weight;
  much.seal();
  assert(before > much.end + 1024);
  assertEquals([much.weight, much.bytes.length], [much.end, much.end]);
  const little = new OpenChunk(10, 70);
  little.append(inputOf(10), 1000);
  const { bytes } = little;
  little.seal();
  assertEquals([little.bytes === bytes, little.weight], [true, 70]);
});

Deno.test("OpenChunk.appendRun() writes the records that append() would, until it is full", () => {
  const topic = encoder.encode("sensors/kitchen");
  for (const publisher of [null, "ann"]) {
    for (const v5 of [false, true]) {
      const payloads = [0, 1, 64, 65, 200, 3, 20_000, 70_000, 5].map((length, at) =>
        new Uint8Array(length).fill(at + 1)
      );
      const frames = payloads.map((payload) =>
        encodePacket({
          ...{ type: "publish", topic: "sensors/kitchen", payload, qos: 0, retain: false },
          ...{ dup: false, packetId: 0, properties: {} },
        }, v5 ? 5 : 4)
      );
      const buffer = Uint8Array.from([0x99, ...frames.flatMap((frame) => [...frame])]);
      const run = { buffer, start: 1, end: buffer.length, v5, topic, publisher };
      const chunk = new OpenChunk(10);
      const alike = new OpenChunk(10);
      const end = chunk.appendRun(run, run.start, 1234);
      // The last one is left for the next chunk.
      assertEquals(end, buffer.length - frames.at(-1)!.length);
      for (const payload of payloads.slice(0, -1)) {
        const { length } = payload;
        const at = { propertiesStart: 0, propertiesEnd: 0, payloadStart: 0, payloadEnd: length };
        alike.append({ ...inputOf(length), topic, publisher, buffer: payload, ...at }, 1234);
      }
      assertEquals(chunk.bytes.subarray(0, chunk.end), alike.bytes.subarray(0, alike.end));
      assertEquals([chunk.next, chunk.lastTimeMs, chunk.isFull], [18, 1234, true]);
      const next = new OpenChunk(18);
      assertEquals([next.appendRun(run, end, 1235), next.next], [buffer.length, 19]);
    }
  }
});
