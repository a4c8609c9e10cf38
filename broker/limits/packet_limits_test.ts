import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  encodePacket,
  FixedHeader,
  MalformedPacketError,
  type Packet,
  type Properties,
  type ProtocolVersion,
  ReasonCode,
  type UserProperty,
} from "../../codec/mod.ts";
import { testContext } from "../testdata/test_context.ts";
import { checkPacket, harmlessBytes, PacketLimitError } from "./packet_limits.ts";

const { limits } = testContext({
  userPropertiesMax: 3,
  userPropertyBytesMax: 100,
  filtersPerPacketMax: 3,
}).context;

/** Checks a packet, or the first `bytesMax` bytes of its body. */
function check(packet: Packet, version: ProtocolVersion = 5, bytesMax = Infinity): void {
  const bytes = encodePacket(packet, version);
  const header = new FixedHeader();
  assert(header.read(bytes, 0, bytes.length));
  const { first, bodyStart, end } = header;
  checkPacket(limits, version, first, bytes, bodyStart, Math.min(end, bodyStart + bytesMax));
}

/** The limit that a packet exceeds, or `null`. */
function limitOf(packet: Packet, version: ProtocolVersion = 5): string | null {
  try {
    check(packet, version);
  } catch (error) {
    assert(error instanceof PacketLimitError, `${error}`);
    assertEquals(error.reasonCode, ReasonCode.QuotaExceeded);
    return error.limit;
  }
  return null;
}

function pairs(count: number, value = ""): UserProperty[] {
  return Array.from({ length: count }, (_, n) => [`${n}`, value] as const);
}

const OPTIONS = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;

function filters(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `filter/${n}`);
}

function subscribe(count: number, properties: Properties = {}): Packet {
  const subscriptions = filters(count).map((filter) => ({ filter, ...OPTIONS }));
  return { type: "subscribe", packetId: 1, subscriptions, properties };
}

function unsubscribe(count: number, properties: Properties = {}): Packet {
  return { type: "unsubscribe", packetId: 1, filters: filters(count), properties };
}

function publish(properties: Properties, qos: 0 | 1 = 0): Packet {
  const payload = new Uint8Array(200);
  const packetId = qos === 0 ? 0 : 7;
  const rest = { dup: false, retain: false, payload, properties };
  return { type: "publish", topic: "some/topic", qos, packetId, ...rest };
}

/** A packet of each type that may have User Properties after CONNECT. */
const PACKETS: [string, (properties: Properties) => Packet][] = [
  ["PUBLISH of QoS 0", (properties) => publish(properties)],
  ["PUBLISH of QoS 1", (properties) => publish(properties, 1)],
  ["PUBACK", (properties) => ({ type: "puback", packetId: 1, reasonCode: 0, properties })],
  ["PUBREC", (properties) => ({ type: "pubrec", packetId: 1, reasonCode: 0, properties })],
  ["PUBREL", (properties) => ({ type: "pubrel", packetId: 1, reasonCode: 0, properties })],
  ["PUBCOMP", (properties) => ({ type: "pubcomp", packetId: 1, reasonCode: 0, properties })],
  ["SUBSCRIBE", (properties) => subscribe(1, properties)],
  ["UNSUBSCRIBE", (properties) => unsubscribe(1, properties)],
  ["DISCONNECT", (properties) => ({ type: "disconnect", reasonCode: 0, properties })],
  ["AUTH", (properties) => ({ type: "auth", reasonCode: 0x18, properties })],
];

for (const [name, packetWith] of PACKETS) {
  Deno.test(`checkPacket() limits the User Properties of ${name} (userPropertiesMax)`, () => {
    assertEquals(limitOf(packetWith({ userProperties: pairs(3) })), null);
    assertEquals(limitOf(packetWith({ userProperties: pairs(4) })), "user-properties");
  });

  Deno.test(`checkPacket() limits the bytes of the User Properties of ${name} (userPropertyBytesMax)`, () => {
    // Each has 6 bytes beside its value.
    const [fits, large] = ["x".repeat(44), "x".repeat(45)];
    assertEquals(limitOf(packetWith({ userProperties: pairs(2, fits) })), null);
    assertEquals(limitOf(packetWith({ userProperties: pairs(2, large) })), "user-properties");
  });
}

Deno.test("checkPacket() finds User Properties among all others, and counts no other", () => {
  const others: Properties = {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 10,
    contentType: "x".repeat(200),
    responseTopic: "a",
    correlationData: new Uint8Array(200),
    topicAlias: 1,
  };
  assertEquals(limitOf(publish({ ...others, userProperties: pairs(3) })), null);
  assertEquals(limitOf(publish({ ...others, userProperties: pairs(4) })), "user-properties");
  const subscription = { subscriptionIdentifiers: [268_435_455] };
  assertEquals(limitOf(subscribe(1, { ...subscription, userProperties: pairs(3) })), null);
  const many = { ...subscription, userProperties: pairs(4) };
  assertEquals(limitOf(subscribe(1, many)), "user-properties");
});

Deno.test("checkPacket() takes no payload for properties", () => {
  const payload = new Uint8Array(300).fill(0x26);
  for (const version of [4, 5] as const) {
    assertEquals(limitOf({ ...publish({}), payload } as Packet, version), null);
  }
});

for (const version of [4, 5] as const) {
  Deno.test(`checkPacket() limits the filters of a packet in version ${version} (filtersPerPacketMax)`, () => {
    for (const packetOf of [subscribe, unsubscribe]) {
      assertEquals(limitOf(packetOf(3), version), null);
      assertEquals(limitOf(packetOf(4), version), "filters");
    }
  });
}

Deno.test("checkPacket() counts filters behind User Properties", () => {
  const properties = { userProperties: pairs(3) };
  assertEquals(limitOf(subscribe(3, properties)), null);
  assertEquals(limitOf(subscribe(4, properties)), "filters");
});

Deno.test("checkPacket() leaves a packet that is cut short to the decoder", () => {
  for (const [, packetWith] of PACKETS) {
    const packet = packetWith({ userProperties: pairs(3, "value") });
    for (let bytes = 0; bytes < 60; bytes++) check(packet, 5, bytes);
  }
});

Deno.test("checkPacket() leaves an unknown property to the decoder", () => {
  const body = Uint8Array.of(0, 1, 0x61, 120, 0x7f, ...new Uint8Array(119).fill(0x26));
  checkPacket(limits, 5, 0x30, body, 0, body.length);
});

Deno.test("no packet of harmlessBytes() exceeds a limit", () => {
  assertEquals(harmlessBytes(limits), 9);
  // The smallest filters that there are, as many as such a packet can hold.
  const body = Uint8Array.of(0, 1, 0, 1, 0x61, 0, 1, 0x62, 0);
  checkPacket(limits, 4, 0xa2, body, 0, 9);
});

Deno.test("a PacketLimitError is an error of the protocol, and no malformed packet", () => {
  const error = assertThrows(() => check(subscribe(4)), PacketLimitError, "More than 3 filters");
  assert(!(error instanceof MalformedPacketError));
});
