import { assert, assertEquals } from "@std/assert";
import { newSeed, randomFrom } from "../router/testdata/random_topics.ts";
import { ByteLog } from "./byte_log.ts";
import { frame, frameNumbers } from "./testdata/frames.ts";

const FRAME_BYTES = 20;

/** Appends frames of 20 bytes. */
function append(log: ByteLog, count: number): void {
  for (let i = 0; i < count; i++) log.append(frame(log.frames, FRAME_BYTES), 0, FRAME_BYTES, 1);
}

Deno.test("ByteCursor starts at the end of its log", () => {
  const log = new ByteLog();
  append(log, 3);
  const cursor = log.cursor();
  assertEquals([cursor.position, cursor.frames, cursor.available(log.end)], [60, 3, 0]);
  append(log, 1);
  assertEquals(frameNumbers(cursor.take(log.end, log.frames)), [3]);
});

Deno.test("ByteCursor.take() gives a view of the log itself", () => {
  const log = new ByteLog();
  const [one, other] = [log.cursor(), log.cursor()];
  append(log, 2);
  const [a, b] = [one, other].map((cursor) => cursor.take(log.end, log.frames));
  assertEquals([a!.buffer === b!.buffer, a!.byteOffset], [true, b!.byteOffset]);
});

Deno.test("ByteCursor.take() stops at the end it is given, and goes on from there", () => {
  const log = new ByteLog();
  const cursor = log.cursor();
  append(log, 5);
  assertEquals(cursor.available(3 * FRAME_BYTES), 3 * FRAME_BYTES);
  assertEquals(frameNumbers(cursor.take(3 * FRAME_BYTES, 3)), [0, 1, 2]);
  assertEquals([cursor.position, cursor.frames], [60, 3]);
  assertEquals(cursor.take(3 * FRAME_BYTES, 3).length, 0);
  assertEquals(frameNumbers(cursor.take(log.end, log.frames)), [3, 4]);
});

Deno.test("ByteCursor.skipUntil() skips nothing when little enough is left", () => {
  const log = new ByteLog();
  const cursor = log.cursor();
  append(log, 5);
  assertEquals(cursor.skipUntil(100, log.end, log.frames), 0);
  assertEquals([cursor.position, cursor.frames], [0, 0]);
});

Deno.test("ByteCursor.skipUntil() skips whole segments and counts the frames in them", () => {
  const log = new ByteLog();
  const cursor = log.cursor();
  // Segments of 1, 4, 16 and 64 KB, filled with 51, 204, 819 and 3276 frames.
  append(log, 51 + 204 + 819 + 10);
  const skipped = cursor.skipUntil(830 * FRAME_BYTES, log.end, log.frames);
  assertEquals(skipped, 51 + 204);
  assertEquals(cursor.frames, skipped);
  assertEquals(frameNumbers(cursor.take(log.end, log.frames))[0], skipped);
  assertEquals(cursor.skipUntil(5 * FRAME_BYTES, log.end, log.frames), 10);
  assertEquals([cursor.position, cursor.frames], [log.end, log.frames]);
  append(log, 1);
  assertEquals(frameNumbers(cursor.take(log.end, log.frames)), [1084]);
});

Deno.test("ByteCursor.skipUntil() stops at the end it is given, in the middle of a segment", () => {
  const log = new ByteLog();
  const cursor = log.cursor();
  append(log, 100);
  assertEquals(cursor.skipUntil(0, 70 * FRAME_BYTES, 70), 70);
  assertEquals(cursor.position, 70 * FRAME_BYTES);
  append(log, 1000);
  const next = frameNumbers(cursor.take(log.end, log.frames));
  assertEquals(next[0], 70);
});

Deno.test("ByteCursor counts every frame, read or skipped, through random walks", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const log = new ByteLog();
  const cursor = log.cursor();
  let read = 0;
  let skipped = 0;
  for (let round = 0; round < 3000; round++) {
    append(log, random(30));
    const [end, endFrames] = [log.end, log.frames];
    append(log, random(30));
    if (random(8) === 0) {
      const bytes = random(4000);
      skipped += cursor.skipUntil(bytes, end, endFrames);
      assert(end - cursor.position <= bytes, `seed ${seed}`);
    } else if (cursor.position < end) {
      const numbers = frameNumbers(cursor.take(end, endFrames));
      assertEquals(numbers[0], read + skipped, `seed ${seed}`);
      read += numbers.length;
    }
    assertEquals(cursor.frames, read + skipped, `seed ${seed}`);
    assertEquals(cursor.position, cursor.frames * FRAME_BYTES, `seed ${seed}`);
  }
  assert(read > 10_000 && skipped > 1000, `${read} and ${skipped}, seed ${seed}`);
});

Deno.test("ByteCursor.park() parks once until the next append", () => {
  const log = new ByteLog();
  const cursor = log.cursor();
  let woken = 0;
  const waiter = { wake: () => woken++ };
  for (let round = 1; round <= 3; round++) {
    cursor.park(waiter);
    cursor.park(waiter);
    append(log, 1);
    append(log, 1);
    assertEquals(woken, round);
    cursor.take(log.end, log.frames);
  }
});

Deno.test("ByteCursor.skipUntil() ends between two frames, also where the end of a frame is not copied", () => {
  for (let bytes = 0; bytes <= 60; bytes++) {
    const log = new ByteLog();
    const cursor = log.cursor();
    for (let count = 0; count < 5; count++) {
      log.reserve(3);
      log.commitSplit(3, new Uint8Array(7));
    }
    const skipped = cursor.skipUntil(bytes, log.end, log.frames);
    // As few as are necessary.
    assertEquals(skipped, Math.max(0, 5 - Math.floor(bytes / 10)), `${bytes}`);
    assertEquals([cursor.position, cursor.frames], [skipped * 10, skipped], `${bytes}`);
  }
});

Deno.test("ByteCursor.take() returns the end of a frame that is not copied on its own", () => {
  const log = new ByteLog();
  const cursor = log.cursor();
  const rest = Uint8Array.of(4, 5);
  log.append(Uint8Array.of(1), 0, 1, 1);
  const offset = log.reserve(2);
  log.buffer.set([2, 3], offset);
  log.commitSplit(2, rest);
  log.append(Uint8Array.of(6), 0, 1, 1);
  const take = () => {
    const piece = cursor.take(log.end, log.frames);
    return [[...piece], cursor.frames, cursor.isWithinFrame, piece.buffer === rest.buffer];
  };
  assertEquals(take(), [[1, 2, 3], 1, true, false]);
  assertEquals(take(), [[4, 5], 2, false, true]);
  assertEquals(take(), [[6], 3, false, false]);
});
