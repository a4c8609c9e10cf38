import { assertEquals, assertThrows } from "@std/assert";
import {
  type ConnectPacket,
  decodePacket,
  encodePacket,
  type Packet,
  packetSize,
  type Properties,
  type ProtocolVersion,
  type PublishPacket,
  writePacket,
} from "./mod.ts";

const PUBLISH: PublishPacket = {
  type: "publish",
  topic: "t",
  payload: new Uint8Array(0),
  qos: 1,
  retain: false,
  dup: false,
  packetId: 1,
  properties: {},
};
const CONNECT: ConnectPacket = {
  type: "connect",
  protocolVersion: 4,
  cleanStart: true,
  keepAlive: 0,
  clientId: "",
  properties: {},
  will: null,
  username: null,
  password: null,
};
const REQUEST = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;

type Refusal = readonly [
  name: string,
  error: typeof RangeError | typeof TypeError,
  version: ProtocolVersion,
  packet: Packet,
];

const REFUSALS: readonly Refusal[] = [
  ["a topic over 65,535 bytes", RangeError, 4, { ...PUBLISH, topic: "é".repeat(32_768) }],
  ["a lone surrogate", TypeError, 4, { ...PUBLISH, topic: "a\ud800" }],
  ["U+0000", TypeError, 4, { ...PUBLISH, topic: "\0" }],
  ["packet identifier 0", RangeError, 4, { ...PUBLISH, packetId: 0 }],
  ["packet identifier 65,536", RangeError, 4, { ...PUBLISH, packetId: 65_536 }],
  ["QoS 3", RangeError, 4, { ...PUBLISH, qos: 3 as 2 }],
  ["DUP with QoS 0", TypeError, 4, { ...PUBLISH, qos: 0, dup: true }],
  ["neither topic nor alias", TypeError, 5, { ...PUBLISH, topic: "" }],
  ["a property of another packet", TypeError, 5, published({ serverKeepAlive: 1 })],
  ["a property that does not exist", TypeError, 5, published({ color: 1 } as Properties)],
  ["topic alias 0", RangeError, 5, published({ topicAlias: 0 })],
  ["a negative expiry", RangeError, 5, published({ messageExpiryInterval: -1 })],
  ["an expiry with a fraction", RangeError, 5, published({ messageExpiryInterval: 0.5 })],
  ["subscription identifier 0", RangeError, 5, published({ subscriptionIdentifiers: [0] })],
  ["a wildcard in a response topic", TypeError, 5, published({ responseTopic: "a/#" })],
  [
    "correlation data over 65,535 bytes",
    RangeError,
    5,
    published({
      correlationData: new Uint8Array(65_536),
    }),
  ],
  ["a keep alive over 65,535", RangeError, 4, { ...CONNECT, keepAlive: 65_536 }],
  ["an unknown version", RangeError, 4, { ...CONNECT, protocolVersion: 6 as 5 }],
  ["a password alone in 3.x", TypeError, 4, { ...CONNECT, password: new Uint8Array(1) }],
  ["return code 6", RangeError, 4, connack(6)],
  ["a reason code of another packet", RangeError, 5, connack(0x8e)],
  ["a refusal with a session", TypeError, 5, { ...connack(0x87), sessionPresent: true }],
  ["no filter", RangeError, 5, {
    type: "subscribe",
    packetId: 1,
    properties: {},
    subscriptions: [],
  }],
  ["No Local on a shared subscription", TypeError, 5, {
    type: "subscribe",
    packetId: 1,
    properties: {},
    subscriptions: [{ ...REQUEST, filter: "$share/g/t", noLocal: true }],
  }],
  ["two subscription identifiers", RangeError, 5, {
    type: "subscribe",
    packetId: 1,
    properties: { subscriptionIdentifiers: [1, 2] },
    subscriptions: [{ ...REQUEST, filter: "t" }],
  }],
  ["no filter", RangeError, 4, { type: "unsubscribe", packetId: 1, filters: [], properties: {} }],
  ["no code", RangeError, 4, { type: "suback", packetId: 1, reasonCodes: [], properties: {} }],
  ["no code", RangeError, 5, { type: "unsuback", packetId: 1, reasonCodes: [], properties: {} }],
  ["AUTH in 3.1.1", TypeError, 4, { type: "auth", reasonCode: 0, properties: {} }],
];

for (const [name, error, version, packet] of REFUSALS) {
  Deno.test(`writePacket() refuses ${name} before the first byte of ${packet.type}`, () => {
    const target = new Uint8Array(70_000);
    assertThrows(() => writePacket(packet, version, target, 0), error);
    assertThrows(() => packetSize(packet, version), error);
    assertEquals(target.findIndex((byte) => byte !== 0), -1);
  });
}

Deno.test("writePacket() refuses a target that is too short before the first byte", () => {
  const size = packetSize(PUBLISH, 4);
  const target = new Uint8Array(size);
  assertThrows(() => writePacket(PUBLISH, 4, target, 1), RangeError);
  assertEquals(target, new Uint8Array(size));
});

Deno.test("encodePacket() leaves out what 3.x does not have", () => {
  const properties = { reasonString: "no" };
  const ack: Packet = { type: "puback", packetId: 1, reasonCode: 0x97, properties };
  assertEquals(encodePacket(ack, 4), Uint8Array.of(0x40, 2, 0, 1));
  const suback: Packet = { type: "suback", packetId: 1, reasonCodes: [2, 0x97], properties };
  assertEquals(encodePacket(suback, 4), Uint8Array.of(0x90, 4, 0, 1, 2, 0x80));
  const goodbye: Packet = { type: "disconnect", reasonCode: 0x8b, properties };
  assertEquals(encodePacket(goodbye, 4), Uint8Array.of(0xe0, 0));
});

Deno.test("encodePacket() gives bytes that no later packet touches", () => {
  const packets = Array.from({ length: 5_000 }, (_, id) => encodePacket(ackOf(id + 1), 4));
  for (const [id, bytes] of packets.entries()) assertEquals(bytes, encodePacket(ackOf(id + 1), 4));
});

Deno.test("decodePacket() lends the bytes of the body", () => {
  const body = Uint8Array.of(0, 1, 0x74, 1, 2, 3);
  const packet = decodePacket(4, 0x30, body) as PublishPacket;
  body[3] = 9;
  assertEquals(packet.payload, Uint8Array.of(9, 2, 3));
});

function published(properties: Properties): PublishPacket {
  return { ...PUBLISH, properties };
}

function connack(reasonCode: number) {
  return { type: "connack", sessionPresent: false, reasonCode, properties: {} } as const;
}

function ackOf(packetId: number): Packet {
  return { type: "puback", packetId, reasonCode: 0, properties: {} };
}
