import { assertEquals, assertThrows } from "@std/assert";
import { MalformedPacketError, ProtocolError } from "./errors.ts";
import { forwardedProperties } from "./forward.ts";
import { decodePacket } from "./packet.ts";
import { PublishView } from "./publish_view.ts";
import type { Tolerance } from "./tolerance.ts";

/** Overlooks what it can, and says what that was. */
function tolerant(): Tolerance & { names: string[] } {
  const names: string[] = [];
  return { names, onMisplaced: (name) => void names.push(name) };
}

/** A property section: its length, and these properties. */
function section(properties: string): string {
  const bytes = properties.replaceAll(" ", "");
  return (bytes.length / 2).toString(16).padStart(2, "0") + bytes;
}

/** A Server Keep Alive and a Server Reference around a User Property. */
const STRAYS = "13 0009 26 0001 61 0001 62 1c 0001 61";

/** The first byte and the body of packets with these properties. */
const PACKETS: [first: number, body: string][] = [
  [0x10, "0004 4d515454 05 02 0000" + section(STRAYS) + "0001 61"],
  [0x30, "0001 61" + section(STRAYS)],
  [0x40, "0001 00" + section(STRAYS)],
  [0x62, "0001 00" + section(STRAYS)],
  [0x82, "0001" + section(STRAYS) + "0001 61 00"],
  [0x90, "0001" + section(STRAYS) + "00"],
  [0xa2, "0001" + section(STRAYS) + "0001 61"],
  [0xb0, "0001" + section(STRAYS) + "00"],
  [0xf0, "18" + section(STRAYS)],
];

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex.replaceAll(" ", ""));
}

Deno.test("decodePacket() leaves out misplaced properties where it is to", () => {
  for (const [first, hex] of PACKETS) {
    const body = bytesOf(hex);
    assertThrows(() => decodePacket(5, first, body), MalformedPacketError);
    const tolerance = tolerant();
    const packet = decodePacket(5, first, body, tolerance);
    assertEquals("properties" in packet && packet.properties, { userProperties: [["a", "b"]] });
    assertEquals(tolerance.names, ["serverKeepAlive", "serverReference"]);
  }
});

Deno.test("decodePacket() never leaves out what a peer relies on, or what is ill-formed", () => {
  for (const bad of ["11 00000001", "21 0001", "27 00000001", "15 0001 61", "7f", "1f 0001 ff"]) {
    const body = bytesOf("0001" + section(bad) + "0001 61 00");
    assertThrows(() => decodePacket(5, 0x82, body, tolerant()), MalformedPacketError);
  }
});

Deno.test("forwardedProperties() leaves out what PublishView overlooks", () => {
  const given = "0b 07 26 0001 61 0001 62 13 0009 23 0001 0b 8001 03 0001 74";
  const body = bytesOf("0001 61" + section(given));
  const view = new PublishView();
  assertThrows(() => view.read(5, 0x30, body, 0, body.length), ProtocolError);
  const tolerance = view.tolerance = tolerant();
  view.read(5, 0x30, body, 0, body.length);
  assertEquals(forwardedProperties(view), bytesOf("26 0001 61 0001 62 03 0001 74"));
  assertEquals(view.topicAlias, 1);
  assertEquals(tolerance.names.length, 3);
  view.tolerance = null;
  assertThrows(() => view.read(5, 0x30, body, 0, body.length), ProtocolError);
});

Deno.test("PublishView forgets what it overlooked in the message before", () => {
  const view = new PublishView();
  view.tolerance = tolerant();
  const stray = bytesOf("0001 61" + section("13 0009"));
  view.read(5, 0x30, stray, 0, stray.length);
  assertEquals(forwardedProperties(view), new Uint8Array());
  const plain = bytesOf("0001 61" + section("01 01"));
  view.read(5, 0x30, plain, 0, plain.length);
  assertEquals(forwardedProperties(view), bytesOf("01 01"));
});
