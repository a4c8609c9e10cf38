import { assertEquals } from "@std/assert";
import { ByteLog } from "../../log/byte_log.ts";
import { Stretch } from "../../log/trail.ts";
import { STRETCH_BYTES } from "./memory_costs.ts";
import { Tally } from "./memory_tally.ts";

/** A reader of a log, from its start on. */
function reader(log = new ByteLog()) {
  return { log, stretch: new Stretch(log.cursor(), null) };
}

function add(tally: Tally, { stretch }: ReturnType<typeof reader>): void {
  tally.trail(stretch, 1, () => 1);
}

Deno.test("Tally counts the end of a frame that several logs share once", () => {
  const rest = new Uint8Array(1000);
  const tally = new Tally();
  for (let i = 0; i < 3; i++) {
    const one = reader();
    one.log.reserve(10);
    one.log.commitSplit(10, rest);
    one.log.append(rest, 0, 5, 1);
    add(tally, one);
  }
  assertEquals(tally.total, 3 * (STRETCH_BYTES + 15) + 1000);
});

Deno.test("Tally counts a shared end of a frame that several readers of a log have before them once", () => {
  const log = new ByteLog();
  const readers = [reader(log), reader(log)];
  log.reserve(10);
  log.commitSplit(10, new Uint8Array(1000));
  const tally = new Tally();
  for (const one of readers) add(tally, one);
  assertEquals(tally.total, 2 * STRETCH_BYTES + 1010);
});

Deno.test("Tally counts no shared end of a frame that was read", () => {
  const one = reader();
  one.log.reserve(10);
  one.log.commitSplit(10, new Uint8Array(1000));
  for (let piece = 0; piece < 2; piece++) one.stretch.cursor.take(Infinity, Infinity);
  one.log.append(new Uint8Array(7), 0, 7, 1);
  const tally = new Tally();
  add(tally, one);
  assertEquals(tally.total, STRETCH_BYTES + 7);
});

Deno.test("Tally.share() counts bytes once, however often they are in use", () => {
  const bytes = new Uint8Array(1000);
  const tally = new Tally();
  for (const part of [bytes, bytes.subarray(10), bytes]) tally.share(part);
  assertEquals(tally.total, 1000);
});
