import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  encodePacket,
  type Packet,
  PacketError,
  PacketReader,
  packetSize,
  type ProtocolVersion,
  writePacket,
} from "./mod.ts";
import { bytesOf, type InvalidFixture, type ValidFixture } from "./testdata/fixture.ts";
import { FIXTURES } from "./testdata/mod.ts";

for (const { decoder, valid, invalid } of FIXTURES) {
  for (const fixture of valid) {
    for (const version of fixture.versions) {
      const name = `${decoder}() takes ${fixture.name} (level ${version})`;
      Deno.test(name, () => testValid(fixture, version));
    }
  }
  for (const fixture of invalid) {
    for (const version of fixture.versions) {
      const name = `${decoder}() rejects ${fixture.name} [${fixture.clause}] (level ${version})`;
      Deno.test(name, () => testInvalid(fixture, version));
    }
  }
}

function testValid(fixture: ValidFixture, version: ProtocolVersion): void {
  const bytes = bytesOf(fixture.bytes);
  assertEquals(readAll(version, [bytes]), [fixture.packet], "whole");
  assertEquals(readAll(version, bytewise(bytes)), [fixture.packet], "byte by byte");
  const twice = new Uint8Array([...bytes, ...bytes]);
  const both = [fixture.packet, fixture.packet];
  for (let cut = 1; cut < twice.length; cut++) {
    const parts = [twice.subarray(0, cut), twice.subarray(cut)];
    assertEquals(readAll(version, parts), both, `cut at ${cut}`);
  }
  for (let end = 0; end < bytes.length; end++) {
    assertEquals(readAll(version, [bytes.subarray(0, end)]), [], `only ${end} bytes`);
    testShortBody(version, bytes, end);
  }
  const shortest = fixture.shortest === undefined ? bytes : bytesOf(fixture.shortest);
  testRoundTrip(fixture.packet, version, shortest);
}

/** The body ends early, and the header says so: a packet or an error, nothing else. */
function testShortBody(version: ProtocolVersion, bytes: Uint8Array, end: number): void {
  if (end < 2) return;
  const short = bytes.slice(0, end);
  short[1] = end - 2;
  try {
    readAll(version, [short]);
  } catch (error) {
    assertInstanceOf(error, PacketError);
  }
}

function testRoundTrip(packet: Packet, version: ProtocolVersion, bytes: Uint8Array): void {
  assertEquals(encodePacket(packet, version), bytes);
  assertEquals(packetSize(packet, version), bytes.length);
  const target = new Uint8Array(bytes.length + 2).fill(0xaa);
  assertEquals(writePacket(packet, version, target, 1), bytes.length + 1);
  assertEquals(target.subarray(1, -1), bytes);
  assertEquals([target.at(0), target.at(-1)], [0xaa, 0xaa], "bytes around the packet");
}

function testInvalid(fixture: InvalidFixture, version: ProtocolVersion): void {
  const bytes = bytesOf(fixture.bytes);
  const expected = {
    name: fixture.error,
    offset: fixture.offset,
    clause: fixture.clause,
    reasonCode: fixture.reasonCode ?? (fixture.error === "MalformedPacketError" ? 0x81 : 0x82),
  };
  assertEquals(faultOf(version, [bytes]), expected, "whole");
  assertEquals(faultOf(version, bytewise(bytes)), expected, "byte by byte");
  for (let cut = 1; cut < bytes.length; cut++) {
    const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
    assertEquals(faultOf(version, parts), expected, `cut at ${cut}`);
  }
}

function readAll(version: ProtocolVersion, parts: readonly Uint8Array[]): Packet[] {
  const reader = new PacketReader({ version, initialBytes: 4 });
  const packets: Packet[] = [];
  for (const part of parts) {
    reader.push(part);
    // Fields are borrowed until the next push, so what is kept is copied.
    for (let packet; (packet = reader.read()) !== null;) packets.push(structuredClone(packet));
  }
  return packets;
}

function faultOf(version: ProtocolVersion, parts: readonly Uint8Array[]): unknown {
  try {
    readAll(version, parts);
  } catch (error) {
    assertInstanceOf(error, PacketError);
    assert(error.message.includes(error.clause));
    const { name, offset, clause, reasonCode } = error;
    assertStrictEquals(typeof error.stack, "string");
    return { name, offset, clause, reasonCode };
  }
  return undefined;
}

function bytewise(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}
