import { assert, assertEquals } from "@std/assert";
import { CheckedPool } from "../../log/testdata/checked_pool.ts";
import { newSeed, randomFrom } from "../../router/testdata/random_topics.ts";
import { InputBuffer } from "./input_buffer.ts";

const IDLE_BYTES = 128;

/** Reads as much of `bytes` as fits; returns how much that was. */
function read(input: InputBuffer, bytes: Uint8Array, frameBytes = 0): number {
  const target = input.target(frameBytes, null);
  const part = bytes.subarray(0, target.length);
  target.set(part);
  input.onFilled(part.length);
  return part.length;
}

/** Reads so many bytes, and consumes all. */
function pass(input: InputBuffer, bytes: number): void {
  for (let left = bytes; left > 0;) {
    left -= read(input, new Uint8Array(left));
    input.consume(input.end);
  }
}

Deno.test("InputBuffer costs an idle connection 128 bytes", () => {
  const pool = new CheckedPool();
  const input = new InputBuffer(pool);
  assertEquals([input.target(0, null).length, pool.taken.size], [IDLE_BYTES, 0]);
  pass(input, 10);
  assertEquals([input.target(0, null).length, pool.taken.size], [IDLE_BYTES, 0]);
});

Deno.test("InputBuffer grows while reads fill it, to 64 KB and no further", () => {
  const input = new InputBuffer(new CheckedPool());
  const sizes: number[] = [];
  for (let i = 0; i < 8; i++) {
    const { length } = input.target(0, null);
    sizes.push(length);
    input.onFilled(length);
    input.consume(input.end);
  }
  assertEquals(sizes, [128, 1024, 4096, 16_384, 65_536, 65_536, 65_536, 65_536]);
});

Deno.test("InputBuffer shrinks when reads leave most of it empty, and gives back", () => {
  const pool = new CheckedPool();
  const input = new InputBuffer(pool);
  pass(input, 500_000);
  assertEquals(pool.taken.size, 1);
  pass(input, 10);
  assertEquals(input.target(0, null).length, IDLE_BYTES);
  assertEquals(pool.taken.size, 0);
});

Deno.test("InputBuffer keeps what is not consumed, and makes room behind it", () => {
  const input = new InputBuffer(new CheckedPool());
  read(input, Uint8Array.from({ length: 100 }, (_, i) => i));
  input.consume(90);
  const target = input.target(0, null);
  assert(target.length >= IDLE_BYTES - 10);
  assertEquals([...input.bytes.subarray(input.start, input.end)], [
    ...Array.from({ length: 10 }, (_, i) => 90 + i),
  ]);
});

Deno.test("InputBuffer never makes room for more on a header's word alone", () => {
  const promised = 256 * 1024 * 1024;
  const input = new InputBuffer(new CheckedPool());
  read(input, new Uint8Array(5), promised);
  assert(input.target(promised, null).length < 1024);
  let arrived = 5;
  for (let i = 0; i < 100; i++) {
    // A peer that sends a byte at a time makes the buffer no larger than a few times that.
    arrived += read(input, new Uint8Array(1), promised);
    assert(input.bytes.length <= Math.max(1024, 16 * arrived));
  }
});

Deno.test("InputBuffer grows to a large frame in a few steps, as it arrives", () => {
  const frame = new Uint8Array(10_000_000);
  const input = new InputBuffer(new CheckedPool());
  let reads = 0;
  for (let arrived = 0; arrived < frame.length; reads++) {
    arrived += read(input, frame.subarray(arrived), frame.length);
    assert(input.bytes.length <= Math.max(65_536, Math.min(frame.length, 4 * arrived)) + 256);
  }
  assert(reads < 20, `${reads} reads`);
  assertEquals(input.end - input.start, frame.length);
  input.consume(input.end);
  assert(input.target(0, null).length <= 65_536, "what was large is let go");
});

Deno.test("InputBuffer.release() gives the buffer back", () => {
  const pool = new CheckedPool();
  const input = new InputBuffer(pool);
  pass(input, 100_000);
  assertEquals(pool.taken.size, 1);
  input.release();
  assertEquals([pool.taken.size, input.bytes.length, input.start, input.end], [0, 0, 0, 0]);
});

Deno.test("InputBuffer hands on every byte in order through random reads", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const pool = new CheckedPool();
  const input = new InputBuffer(pool);
  let sent = 0;
  let seen = 0;
  for (let step = 0; step < 5000; step++) {
    const target = input.target(random(4) === 0 ? random(20_000) : 0, null);
    assert(target.length > 0, `seed ${seed}`);
    const most = random(10) === 0 ? target.length : Math.min(target.length, 1 + random(200));
    for (let i = 0; i < most; i++) target[i] = sent++ % 251;
    input.onFilled(most);
    const whole = input.start + random(input.end - input.start + 1);
    for (let i = input.start; i < whole; i++, seen++) {
      assert(input.bytes[i] === seen % 251, `byte ${seen}, seed ${seed}`);
    }
    input.consume(whole);
    assertEquals(input.end - input.start, sent - seen, `seed ${seed}`);
    assert(pool.taken.size <= 1, `seed ${seed}`);
  }
});

Deno.test("InputBuffer reads into a shared buffer, and keeps only what was not consumed", () => {
  const pool = new CheckedPool();
  const input = new InputBuffer(pool);
  const shared = new Uint8Array(65_536);
  assert(input.target(0, shared) === shared);
  for (let i = 0; i < 100; i++) shared[i] = i;
  input.onFilled(100);
  assertEquals([input.bytes === shared, input.end, input.ownBytes], [true, 100, 0]);
  input.consume(90);
  input.settle();
  shared.fill(0xee);
  assertEquals([...input.bytes.subarray(input.start, input.end)], [
    90,
    91,
    92,
    93,
    94,
    95,
    96,
    97,
    98,
    99,
  ]);
  assertEquals(pool.taken.size, 1);
  // What is left comes first, and the next read goes behind it.
  const target = input.target(0, shared);
  assertEquals([target.byteOffset, target.length, pool.taken.size], [10, 65_526, 0]);
  input.onFilled(5);
  assertEquals([input.bytes[0], input.end], [90, 15]);
  input.consume(15);
  input.settle();
  assertEquals([input.bytes.length, pool.taken.size], [0, 0]);
});

Deno.test("InputBuffer reads the rest of a large packet into a buffer of its own", () => {
  const pool = new CheckedPool();
  const input = new InputBuffer(pool);
  const shared = new Uint8Array(65_536);
  const frameBytes = 1_000_000;
  let arrived = 0;
  let reads = 0;
  for (; arrived < frameBytes; reads++) {
    const target = input.target(frameBytes, shared);
    const bytes = Math.min(target.length, frameBytes - arrived);
    for (let i = 0; i < bytes; i++) target[i] = arrived++ % 251;
    input.onFilled(bytes);
    input.settle();
    shared.fill(0xee);
  }
  assertEquals(input.end - input.start, frameBytes);
  for (let i = 0; i < frameBytes; i++) {
    assert(input.bytes[input.start + i] === i % 251, `byte ${i}`);
  }
  assert(reads < 12, `${reads} reads`);
  input.consume(input.end);
  input.releaseEmpty();
  assertEquals([input.ownBytes, pool.taken.size], [0, 0]);
});

Deno.test("InputBuffer grows when a larger one could have taken more, though the bytes do not fill it", () => {
  const input = new InputBuffer(new CheckedPool());
  const first = input.target(0, null);
  // A WebSocket takes headers away.
  input.onFilled(first.length - 6, true);
  input.consume(first.length - 6);
  assertEquals(input.target(0, null).length >= 4 * first.length, true);
});
