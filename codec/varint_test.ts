import { assertEquals, assertThrows } from "@std/assert";
import {
  FixedHeader,
  frameSize,
  MalformedPacketError,
  MAX_VARINT,
  readVarint,
  VARINT_INCOMPLETE,
  VARINT_MALFORMED,
  varintSize,
  writeFixedHeader,
  writeVarint,
} from "./mod.ts";

const EDGES = [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, MAX_VARINT];

Deno.test("writeVarint() writes the shortest form, and readVarint() reads it [MQTT-1.5.5-1]", () => {
  const sizes = [1, 1, 1, 2, 2, 3, 3, 4, 4];
  for (const [index, value] of EDGES.entries()) {
    const target = new Uint8Array(8);
    const end = writeVarint(value, target, 2);
    assertEquals(end - 2, sizes[index]);
    assertEquals(varintSize(value), sizes[index]);
    assertEquals(readVarint(target, 2, end), value);
    for (let limit = 2; limit < end; limit++) {
      assertEquals(readVarint(target, 2, limit), VARINT_INCOMPLETE);
    }
  }
});

Deno.test("readVarint() rejects five bytes and forms that are too long [MQTT-1.5.5-1]", () => {
  const bad = [[0x80, 0], [0x81, 0], [0xff, 0x80, 0], [0x80, 0x80, 0x80, 0x80]];
  for (const bytes of bad) {
    assertEquals(readVarint(Uint8Array.from(bytes), 0, bytes.length), VARINT_MALFORMED);
  }
});

Deno.test("varintSize() rejects what four bytes cannot hold", () => {
  for (const value of [-1, MAX_VARINT + 1, 1.5, NaN]) {
    assertThrows(() => varintSize(value), RangeError);
  }
});

Deno.test("FixedHeader.read() finds the body and needs no byte of it", () => {
  const header = new FixedHeader();
  const target = new Uint8Array(16);
  for (const size of EDGES) {
    const frame = new Uint8Array(10);
    const bodyStart = writeFixedHeader(0x30, 0, frame, 1) - 1 + varintSize(size);
    writeVarint(size, target, 4);
    target[3] = 0x32;
    assertEquals(header.read(target, 3, 3 + bodyStart - 1), true);
    assertEquals([header.first, header.bodyStart - 3], [0x32, bodyStart - 1]);
    assertEquals(header.end - 3, frameSize(size));
  }
});

Deno.test("FixedHeader.read() keeps its fields while a header is incomplete", () => {
  const header = new FixedHeader();
  header.read(Uint8Array.of(0xc0, 0), 0, 2);
  for (let limit = 0; limit < 5; limit++) {
    assertEquals(header.read(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 1), 0, limit), false);
    assertEquals([header.first, header.bodyStart, header.end], [0xc0, 2, 2]);
  }
});

Deno.test("FixedHeader.read() rejects a length of five bytes at its fourth", () => {
  const bytes = Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff);
  assertEquals(new FixedHeader().read(bytes, 0, 4), false);
  assertThrows(() => new FixedHeader().read(bytes, 0, 5), MalformedPacketError);
});

Deno.test("writeFixedHeader() writes nothing if the packet does not fit", () => {
  const target = new Uint8Array(4);
  assertThrows(() => writeFixedHeader(0x30, 1, target, 2), RangeError);
  assertEquals(target, new Uint8Array(4));
});
