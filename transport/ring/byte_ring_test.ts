import { assertEquals } from "@std/assert";
import { Random } from "../../tests/harness/random.ts";
import { RingReader, RingWriter } from "./byte_ring.ts";
import { makeRing, type RingBuffers, Slot } from "./ring_buffers.ts";

const CAPACITY_BYTES = 64;

/** A ring whose positions are where `position` bytes would have brought them. */
function ringAt(position: number, capacityBytes = CAPACITY_BYTES): RingBuffers {
  const ring = makeRing({ capacityBytes });
  const slots = new Int32Array(ring.positions);
  slots[Slot.written(0)] = slots[Slot.read(0)] = position | 0;
  return ring;
}

/** Bytes at an offset within a word, none of them 0. */
function bytesAt(offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(offset + length).subarray(offset);
  return bytes.map((_, i) => i % 255 + 1) && fill(bytes);
}

function fill(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let i = 0; i < bytes.length; i++) bytes[i] = i % 255 + 1;
  return bytes;
}

Deno.test("a ring keeps bytes of every length at every position and alignment", () => {
  for (let at = 0; at < CAPACITY_BYTES; at++) {
    for (let length = 1; length <= CAPACITY_BYTES; length++) {
      const ring = ringAt(at);
      const source = bytesAt(length % 8, length);
      const target = new Uint8Array(100 + at % 8).subarray(at % 8);
      assertEquals(new RingWriter(ring, 0).write(source), length);
      const reader = new RingReader(ring, 0);
      assertEquals([reader.readable, reader.offset], [length, at % 8]);
      assertEquals(reader.read(target), length);
      assertEquals(target.subarray(0, length), source, `${length} bytes at ${at}`);
      assertEquals([target[length], reader.readable], [0, 0]);
    }
  }
});

Deno.test("a ring keeps bytes where its positions pass 2^31 and 2^32", () => {
  for (const around of [2 ** 31, 2 ** 32]) {
    for (let before = 0; before <= CAPACITY_BYTES; before++) {
      const ring = ringAt(around - before);
      const source = bytesAt(0, CAPACITY_BYTES);
      const writer = new RingWriter(ring, 0);
      assertEquals([writer.isFull, writer.write(source), writer.isFull], [false, 64, true]);
      assertEquals(writer.write(source), 0);
      const target = new Uint8Array(CAPACITY_BYTES);
      assertEquals(new RingReader(ring, 0).read(target), CAPACITY_BYTES);
      assertEquals(target, source);
      assertEquals(writer.isFull, false);
    }
  }
});

Deno.test("a ring takes what there is room for, and gives what the target holds", () => {
  const ring = ringAt(60);
  const writer = new RingWriter(ring, 0);
  const reader = new RingReader(ring, 0);
  assertEquals([writer.write(bytesAt(0, 50)), writer.write(bytesAt(0, 50))], [50, 14]);
  const target = new Uint8Array(40);
  assertEquals([reader.read(target), reader.read(target)], [40, 24]);
  assertEquals([...target.subarray(9, 12)], [50, 1, 2]);
  assertEquals([reader.read(target), writer.write(new Uint8Array(0))], [0, 0]);
});

Deno.test("a ring copies long pieces of every alignment", () => {
  for (let i = 0; i < 64; i++) {
    const [at, offset, targetOffset] = [i * 31, i % 8, i >> 3];
    const ring = ringAt(at, 1 << 18);
    const source = bytesAt(offset, 100_000 + i);
    const target = new Uint8Array(200_000).subarray(targetOffset);
    new RingWriter(ring, 0).write(source);
    assertEquals(new RingReader(ring, 0).read(target), source.length);
    assertEquals(target.subarray(0, source.length), source);
  }
});

Deno.test("a ring is a queue of bytes, whatever is written and read (100 seeds)", () => {
  for (let seed = 0; seed < 100; seed++) {
    const random = new Random(seed);
    const ring = ringAt(random.integer(0, 2 ** 32), random.pick([64, 128, 1024]));
    const writer = new RingWriter(ring, 0);
    const reader = new RingReader(ring, 0);
    const capacity = ring.bytes[0].byteLength;
    const queue: number[] = [];
    let next = 0;
    for (let step = 0; step < 300; step++) {
      const length = random.integer(0, capacity * 1.25);
      const bytes = new Uint8Array(length + 8).subarray(random.integer(0, 8)).subarray(0, length);
      if (random.chance(0.5)) {
        for (let i = 0; i < length; i++) bytes[i] = next + i;
        const taken = writer.write(bytes);
        assertEquals(taken, Math.min(length, capacity - queue.length), `seed ${seed}`);
        for (let i = 0; i < taken; i++) queue.push((next + i) & 255);
        next += taken;
      } else {
        const count = reader.read(bytes);
        assertEquals([...bytes.subarray(0, count)], queue.splice(0, length), `seed ${seed}`);
      }
      assertEquals([reader.readable, writer.isFull], [queue.length, queue.length === capacity]);
    }
  }
});
