import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { encodePacket, PacketReader, ProtocolError, type PublishPacket } from "./mod.ts";

function message(payloadBytes: number): PublishPacket {
  const payload = new Uint8Array(payloadBytes).fill(7);
  const flags = { qos: 0, retain: false, dup: false, packetId: 0 } as const;
  return { type: "publish", topic: "t", payload, ...flags, properties: {} };
}

Deno.test("PacketReader.read() goes on in the version of a CONNECT", () => {
  const reader = new PacketReader();
  reader.push(Uint8Array.of(0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 0));
  reader.push(Uint8Array.of(0x30, 4, 0, 1, 0x74, 0xff));
  assertEquals(reader.read()?.type, "connect");
  assertEquals(reader.version, 4);
  assertEquals((reader.read() as PublishPacket).payload, Uint8Array.of(0xff));
  assertEquals(reader.read(), null);
});

Deno.test("PacketReader.read() refuses a large packet by its header [MQTT-3.2.2-15]", () => {
  const reader = new PacketReader({ version: 4, maximumPacketSize: 100 });
  const fits = encodePacket(message(95), 4);
  assertEquals(fits.length, 100);
  reader.push(fits);
  assertEquals(reader.read()?.type, "publish");
  // Only the header of the next one has come.
  reader.push(Uint8Array.of(0x30, 99));
  const error = assertThrows(() => reader.read(), ProtocolError);
  assertEquals(error.reasonCode, 0x95);
  // The fault does not go away by asking again.
  assertThrows(() => reader.read(), ProtocolError);
});

Deno.test("PacketReader.read() gives packets that stay as they are until the next push", () => {
  const reader = new PacketReader({ version: 4 });
  const first = encodePacket(message(1000), 4);
  reader.push(new Uint8Array([...first, ...first, 0x30]));
  const a = reader.read() as PublishPacket;
  const b = reader.read() as PublishPacket;
  assertEquals(reader.read(), null);
  assertEquals([a, b], [message(1000), message(1000)]);
  assertEquals(reader.bufferedBytes, 1);
});

Deno.test("PacketReader.push() takes a large packet in small pieces in linear time", () => {
  const reader = new PacketReader({ version: 4 });
  const bytes = encodePacket(message(4_000_000), 4);
  const started = performance.now();
  for (let start = 0; start < bytes.length; start += 100) {
    reader.push(bytes.subarray(start, start + 100));
    if (start + 100 < bytes.length) assertEquals(reader.read(), null);
  }
  assertEquals((reader.read() as PublishPacket).payload.length, 4_000_000);
  // Copying all that has come with every piece would take tens of seconds.
  assertLess(performance.now() - started, 5_000);
});

Deno.test("PacketReader.push() copies what it is given", () => {
  const reader = new PacketReader({ version: 4 });
  const bytes = Uint8Array.of(0xc0);
  reader.push(bytes);
  bytes[0] = 0;
  reader.push(Uint8Array.of(0));
  assertEquals(reader.read(), { type: "pingreq" });
});
