import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  encodePacket,
  FixedHeader,
  forwardedProperties,
  forwardedSize,
  ForwardOptions,
  type ForwardSource,
  PacketError,
  type Properties,
  ProtocolError,
  type ProtocolVersion,
  type PublishPacket,
  PublishView,
  writeForwarded,
} from "./mod.ts";
import { bytesOf } from "./testdata/fixture.ts";
import { PUBLISH } from "./testdata/publish.ts";
import { Random, randomPacket } from "./testdata/random.ts";

const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];
const view = new PublishView();
const header = new FixedHeader();

/** Reads a whole packet with the view, somewhere inside a larger buffer. */
function readView(version: ProtocolVersion, bytes: Uint8Array): void {
  const buffer = new Uint8Array(bytes.length + 7).fill(0xee);
  buffer.set(bytes, 3);
  header.read(buffer, 3, 3 + bytes.length);
  view.read(version, header.first, buffer, header.bodyStart, header.end);
}

for (const fixture of PUBLISH.invalid) {
  // What is wrong with a topic, the router finds; an identifier is wrong whatever its value.
  if (/in the topic|subscription identifier/.test(fixture.name)) continue;
  for (const version of fixture.versions) {
    Deno.test(`PublishView.read() rejects ${fixture.name} [${fixture.clause}] (level ${version})`, () => {
      const error = assertThrows(() => readView(version, bytesOf(fixture.bytes)));
      assertInstanceOf(error, PacketError);
      const { name, offset, clause } = error;
      assertEquals([name, offset, clause], [fixture.error, fixture.offset, fixture.clause]);
    });
  }
}

Deno.test("PublishView.read() rejects a subscription identifier [MQTT-3.3.4-6]", () => {
  const bytes = bytesOf(`30 06 00 01 "a" 02 0b 01`);
  const error = assertThrows(() => readView(5, bytes), ProtocolError);
  assertEquals([error.reasonCode, error.offset], [0x82, 4]);
});

Deno.test("PublishView.read() rejects properties that are repeated", () => {
  for (
    const property of ["01 00", "02 00 00 00 01", "03 00 00", "08 00 00", "09 00 00", "23 00 01"]
  ) {
    const section = bytesOf(property + " " + property);
    const body = [0, 1, 0x61, section.length, ...section];
    const error = assertThrows(() => readView(5, Uint8Array.of(0x30, body.length, ...body)));
    assertInstanceOf(error, ProtocolError);
    assertEquals(error.offset, 4 + section.length / 2);
  }
});

Deno.test("PublishView.read() sees what decodePublish() sees", () => {
  const seed = Date.now() >>> 0;
  const random = new Random(seed);
  for (let count = 0; count < 5_000; count++) {
    const version = random.pick(VERSIONS);
    const packet = randomMessage(random, version);
    readView(version, encodePacket(packet, version));
    const { properties } = packet;
    const { buffer, topicStart, topicEnd, payloadStart, end } = view;
    const seen = {
      type: "publish",
      topic: new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        buffer.subarray(topicStart, topicEnd),
      ),
      payload: buffer.slice(payloadStart, end),
      qos: view.qos,
      retain: view.retain,
      dup: view.dup,
      packetId: view.packetId,
      properties,
    };
    assertEquals(seen, packet as typeof seen, `seed ${seed}`);
    assertEquals(view.version, version);
    assertEquals(view.topicAlias, properties.topicAlias ?? 0);
    assertEquals(view.messageExpiryInterval, properties.messageExpiryInterval ?? -1);
    assertEquals(view.payloadFormatIndicator, properties.payloadFormatIndicator ?? 0);
    const kept = withoutDropped(properties);
    assertEquals(view.forwardable, Object.keys(kept).length === Object.keys(properties).length);
  }
});

Deno.test("writeForwarded() writes what encodePacket() writes", () => {
  const seed = Date.now() >>> 0;
  const random = new Random(seed);
  for (let count = 0; count < 5_000; count++) {
    const from = random.pick(VERSIONS);
    const packet = randomMessage(random, from);
    readView(from, encodePacket(packet, from));
    const how = randomOptions(random);
    const source = sourceOf(view, packet.topic || "by/alias");
    const size = forwardedSize(source, how);
    const target = new Uint8Array(size + 2).fill(0xaa);
    assertEquals(writeForwarded(source, how, target, 1), size + 1, `seed ${seed}`);
    assertEquals([target.at(0), target.at(-1)], [0xaa, 0xaa]);
    const bytes = encodePacket(expectedPacket(packet, how), how.version);
    assertEquals(target.subarray(1, -1), bytes, `seed ${seed}`);
  }
});

Deno.test("writeForwarded() writes nothing if the packet does not fit", () => {
  readView(4, bytesOf(`30 05 00 01 "a" 01 02`));
  const target = new Uint8Array(6);
  const source = sourceOf(view, "a");
  assertThrows(() => writeForwarded(source, new ForwardOptions(), target, 0), RangeError);
  assertEquals(target, new Uint8Array(6));
});

function randomMessage(random: Random, version: ProtocolVersion): PublishPacket {
  for (;;) {
    const packet = randomPacket(random, version);
    if (packet.type !== "publish") continue;
    // Only a server may send these.
    delete packet.properties.subscriptionIdentifiers;
    return packet;
  }
}

function randomOptions(random: Random): ForwardOptions {
  const how = new ForwardOptions();
  how.version = random.pick(VERSIONS);
  how.qos = random.pick([0, 1, 2]);
  how.retain = random.once(2);
  how.dup = random.once(2);
  how.packetId = 1 + random.below(65_535);
  how.expirySeconds = random.once(2) ? -1 : random.below(0xffffffff);
  how.identifiers = random.once(2) ? null : random.list(0, 3, () => 1 + random.below(300_000));
  how.topicAlias = random.once(2) ? 0 : 1 + random.below(65_535);
  how.omitTopic = how.version === 5 && how.topicAlias > 0 && random.once(2);
  return how;
}

/** Offsets into one buffer that holds the properties to pass on, then the payload. */
function sourceOf(from: PublishView, topic: string): ForwardSource {
  const properties = forwardedProperties(from);
  const payload = from.buffer.subarray(from.payloadStart, from.end);
  const buffer = new Uint8Array([0xbb, ...properties, ...payload, 0xbb]);
  return {
    topic: new TextEncoder().encode(topic),
    buffer,
    propertiesStart: 1,
    propertiesEnd: 1 + properties.length,
    payloadStart: 1 + properties.length,
    payloadEnd: buffer.length - 1,
  };
}

/** The packet as an object: a subscriber's own properties first, then the publisher's. */
function expectedPacket(packet: PublishPacket, how: ForwardOptions): PublishPacket {
  const properties: Properties = {};
  if (how.topicAlias > 0) properties.topicAlias = how.topicAlias;
  if (how.expirySeconds >= 0) properties.messageExpiryInterval = how.expirySeconds;
  if (how.identifiers !== null) properties.subscriptionIdentifiers = [...how.identifiers];
  return {
    ...packet,
    topic: how.omitTopic ? "" : packet.topic || "by/alias",
    qos: how.qos,
    retain: how.retain,
    dup: how.dup && how.qos > 0,
    packetId: how.packetId,
    properties: { ...properties, ...withoutDropped(packet.properties) },
  };
}

function withoutDropped(properties: Properties): Properties {
  const { topicAlias: _alias, messageExpiryInterval: _expiry, ...kept } = properties;
  return kept;
}
