import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { newSeed, randomFrom } from "../router/testdata/random_topics.ts";
import type { ByteCursor } from "./byte_cursor.ts";
import { ByteLog, copyBytes } from "./byte_log.ts";
import { CheckedPool } from "./testdata/checked_pool.ts";
import { frame, FRAME_HEAD_BYTES, frameNumbers } from "./testdata/frames.ts";

/** Appends one frame; its number is the number of frames before it. */
function append(log: ByteLog, bytes: number): void {
  log.append(frame(log.frames, bytes), 0, bytes, 1);
}

/** Reads a log to its end, piece by piece. */
function readPieces(cursor: ByteCursor): number[][] {
  const { log } = cursor;
  const pieces: number[][] = [];
  while (cursor.position < log.end) {
    const available = cursor.available(log.end);
    const piece = cursor.take(log.end, log.frames);
    assertEquals(piece.length, available);
    pieces.push(frameNumbers(piece));
  }
  assertEquals(cursor.take(log.end, log.frames).length, 0);
  return pieces;
}

Deno.test("ByteLog.append() copies, so that the source may change", () => {
  const log = new ByteLog();
  const cursor = log.cursor();
  const source = Uint8Array.of(9, 1, 2, 3, 9);
  log.append(source, 1, 4, 1);
  source.fill(0);
  assertEquals([...cursor.take(log.end, log.frames)], [1, 2, 3]);
  assertEquals([log.end, log.frames], [3, 1]);
});

Deno.test("ByteLog.reserve() and commit() append what was written in place", () => {
  const log = new ByteLog();
  const cursor = log.cursor();
  for (const bytes of [3, 5000, 7]) {
    const offset = log.reserve(bytes);
    log.buffer.fill(bytes % 256, offset, offset + bytes);
    log.commit(bytes, 1);
  }
  const pieces = [3, 5000, 7].map(() => [...cursor.take(log.end, log.frames)]);
  assertEquals(pieces, [3, 5000, 7].map((bytes) => Array(bytes).fill(bytes % 256)));
});

Deno.test("ByteLog.reserve() without commit() appends nothing", () => {
  const log = new ByteLog();
  const cursor = log.cursor();
  for (const bytes of [10, 100_000, 1]) log.reserve(bytes);
  assertEquals([log.end, log.frames, cursor.available(log.end)], [0, 0, 0]);
  append(log, 20);
  assertEquals(readPieces(cursor), [[0]]);
});

Deno.test("ByteLog never splits a frame over two segments", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const log = new ByteLog();
  const cursor = log.cursor();
  const late: ByteCursor[] = [];
  for (let i = 0; i < 3000; i++) {
    const bytes = random(100) === 0 ? random(200_000) : random(500);
    append(log, FRAME_HEAD_BYTES + bytes);
    if (random(100) === 0) late.push(log.cursor());
  }
  const pieces = readPieces(cursor);
  assertEquals(pieces.flat(), Array.from({ length: 3000 }, (_, i) => i), `seed ${seed}`);
  assertEquals([cursor.position, cursor.frames], [log.end, 3000]);
  assert(pieces.length > 20 && pieces.length < 300, `${pieces.length} pieces, seed ${seed}`);
  for (const { frames } of late) assert(frames > 0);
  for (const cursor of late) {
    const from = cursor.frames;
    assertEquals(readPieces(cursor).flat()[0] ?? 3000, from, `seed ${seed}`);
  }
});

Deno.test("ByteLog gives a frame larger than any segment one of its own", () => {
  const log = new ByteLog();
  const cursor = log.cursor();
  for (const bytes of [10, 1_000_000, 10, 10]) append(log, bytes);
  assertEquals(readPieces(cursor), [[0], [1], [2, 3]]);
});

Deno.test("ByteLog starts small and grows to 64 KB", () => {
  const log = new ByteLog();
  append(log, 10);
  const sizes = new Set([log.buffer.length]);
  for (let i = 0; i < 20_000; i++) {
    append(log, 10);
    sizes.add(log.buffer.length);
  }
  assertEquals([...sizes], [1024, 4096, 16_384, 65_536]);
});

Deno.test("ByteLog.park() wakes each waiter once, when there is something to read", () => {
  const log = new ByteLog();
  const cursor = log.cursor();
  const seen: number[] = [];
  for (let waiter = 0; waiter < 1000; waiter++) {
    log.park({ wake: () => seen.push(cursor.available(log.end)) });
  }
  log.reserve(20);
  assertEquals(seen.length, 0, "nothing is there before commit()");
  for (let i = 0; i < 10; i++) append(log, 20);
  assertEquals(seen, Array(1000).fill(20));
});

Deno.test("ByteLog with a pool gives back every buffer that was read", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const pool = new CheckedPool();
  const log = new ByteLog(pool);
  const cursor = log.cursor();
  let read = 0;
  for (let round = 0; round < 2000; round++) {
    for (let count = random(40); count > 0; count--) {
      append(log, FRAME_HEAD_BYTES + (random(200) === 0 ? random(100_000) : random(300)));
    }
    for (let count = random(6); count > 0 && cursor.position < log.end; count--) {
      for (const number of frameNumbers(cursor.take(log.end, log.frames))) {
        assertEquals(number, read++, `seed ${seed}`);
      }
      cursor.recycle();
      if (cursor.position === log.end) assertEquals(pool.taken.size, 0, `seed ${seed}`);
    }
  }
  assert(read > 10_000);
  assertEquals(cursor.frames, read);
});

Deno.test("ByteLog with a pool writes to the same few buffers for ever", () => {
  const pool = new CheckedPool();
  const log = new ByteLog(pool);
  const cursor = log.cursor();
  for (let round = 0; round < 10_000; round++) {
    for (let i = 0; i < 10; i++) append(log, 100);
    readPieces(cursor);
    cursor.recycle();
  }
  assert(pool.made <= 4, `${pool.made} buffers were made`);
  assertEquals(log.frames, 100_000);
});

Deno.test("ByteLog with a pool takes no buffer while it is empty", () => {
  const pool = new CheckedPool();
  const log = new ByteLog(pool);
  assertEquals(pool.taken.size, 0);
  const cursor = log.cursor();
  append(log, 100);
  readPieces(cursor);
  cursor.recycle();
  cursor.recycle();
  assertEquals([pool.taken.size, log.buffer.length], [0, 0]);
});

Deno.test("ByteLog.recycle() leaves a log without a pool alone", () => {
  const log = new ByteLog();
  const [cursor, other] = [log.cursor(), log.cursor()];
  append(log, 100);
  readPieces(cursor);
  cursor.recycle();
  assertEquals(readPieces(other), [[0]]);
});

Deno.test("copyBytes() copies just what it is told, short and long", () => {
  const source = Uint8Array.from({ length: 200 }, (_, i) => i);
  for (const length of [0, 1, 47, 48, 49, 100]) {
    const target = new Uint8Array(200);
    copyBytes(source, 10, 10 + length, target, 5);
    assertEquals([...target.subarray(5, 5 + length)], [...source.subarray(10, 10 + length)]);
    assertEquals(target[4], 0);
    assert(target.subarray(5 + length).every((byte) => byte === 0));
  }
});

Deno.test("ByteLog.buffer is where reserve() has made room", () => {
  const log = new ByteLog();
  log.reserve(1);
  const { buffer } = log;
  log.commit(1, 1);
  log.reserve(buffer.length - 1);
  assertStrictEquals(log.buffer, buffer);
  log.reserve(buffer.length);
  assert(log.buffer !== buffer);
});
