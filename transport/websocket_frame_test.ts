import { assertEquals, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { Random } from "../tests/harness/random.ts";
import { cutAtRandom, frame } from "../tests/harness/websocket_client.ts";
import { type ControlFrame, frameHeader, FrameReader, WebSocketError } from "./websocket_frame.ts";

const PING = 9;

/** Gives bytes to a reader, in pieces whose sizes `next` tells. */
function readInPieces(bytes: Uint8Array, next: () => number) {
  const controls: ControlFrame[] = [];
  const reader = new FrameReader((control) => controls.push(control));
  const payloads: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.slice(at, at + next());
    at += piece.length;
    payloads.push(piece.subarray(0, reader.take(piece)));
  }
  return { payload: concat(payloads), controls };
}

Deno.test("FrameReader.take() finds the payload wherever frames and reads are cut", () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = new Random(seed);
    const payload = random.bytes(random.integer(0, 2_000));
    const frames = cutAtRandom(payload, random);
    const sizes = [() => frames.length, () => 1, () => random.integer(1, 20)];
    for (const next of sizes) assertEquals(readInPieces(frames, next).payload, payload, `${seed}`);
  }
});

Deno.test("FrameReader.take() takes lengths of each form, and empty frames", () => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
    const payload = new Random(length).bytes(length);
    const bytes = concat([frame(2, new Uint8Array()), frame(2, payload)]);
    assertEquals(readInPieces(bytes, () => 1000).payload, payload);
  }
});

Deno.test("FrameReader.take() hands control frames over whole, within a message too", () => {
  const bytes = concat([
    frame(2, Uint8Array.of(1), { isFinal: false }),
    frame(PING, Uint8Array.of(7, 8)),
    frame(PING, new Uint8Array()),
    frame(0, Uint8Array.of(2)),
  ]);
  const { payload, controls } = readInPieces(bytes, () => 1);
  assertEquals(payload, Uint8Array.of(1, 2));
  assertEquals(controls.map((control) => control.payload), [Uint8Array.of(7, 8), new Uint8Array()]);
});

Deno.test("FrameReader.take() rejects a text frame and a new message within another", () => {
  const text = new FrameReader(() => {});
  const error = assertThrows(() => text.take(frame(1, Uint8Array.of(0x61))), WebSocketError);
  assertEquals((error as WebSocketError).code, 1003);
  const reader = new FrameReader(() => {});
  reader.take(frame(2, Uint8Array.of(1), { isFinal: false }));
  assertThrows(() => reader.take(frame(2, Uint8Array.of(2))), WebSocketError);
});

Deno.test("frameHeader() has the shortest length, and refuses what is too long", () => {
  assertEquals(frameHeader(2, 125), Uint8Array.of(0x82, 125));
  assertEquals(frameHeader(2, 126), Uint8Array.of(0x82, 126, 0, 126));
  assertEquals(frameHeader(2, 65_535), Uint8Array.of(0x82, 126, 255, 255));
  assertThrows(() => frameHeader(2, 65_536), RangeError);
});

Deno.test("FrameReader.take() counts each frame without data, but for one that ends a message", () => {
  const counted = (...frames: Uint8Array[]) => {
    let count = 0;
    const reader = new FrameReader(() => {}, () => ++count > 0);
    reader.take(concat(frames));
    return count;
  };
  const [empty, one] = [new Uint8Array(), Uint8Array.of(1)];
  assertEquals(counted(frame(2, one), frame(2, one)), 0);
  assertEquals(counted(frame(2, empty), frame(2, empty)), 2);
  assertEquals(counted(frame(2, one), frame(2, empty), frame(2, empty)), 1);
  assertEquals(counted(frame(PING, empty), frame(10, one)), 2);
});

Deno.test("FrameReader.take() closes with 1008 where no more frames without data may come", () => {
  let left = 3;
  const reader = new FrameReader(() => {}, () => --left >= 0);
  for (let i = 0; i < 3; i++) reader.take(frame(2, new Uint8Array()));
  const error = assertThrows(() => reader.take(frame(2, new Uint8Array())), WebSocketError);
  assertEquals(error.code, 1008);
});
