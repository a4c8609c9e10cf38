import { assertEquals, assertThrows } from "@std/assert";
import { barePublishSize, writeBareHead, writeBarePublish } from "./bare_publish.ts";
import { encodePacket } from "./packet.ts";
import {
  forwardedSize,
  ForwardOptions,
  type ForwardSource,
  writeForwarded,
  writeForwardedHead,
} from "./forward.ts";
import type { ProtocolVersion, QoS } from "./protocol.ts";

function source(topic: string, payload: Uint8Array): ForwardSource {
  const buffer = new Uint8Array(payload.length + 3);
  buffer.set(payload, 3);
  return {
    topic: new TextEncoder().encode(topic),
    buffer,
    propertiesStart: 3,
    propertiesEnd: 3,
    payloadStart: 3,
    payloadEnd: buffer.length,
  };
}

Deno.test("a bare PUBLISH has the bytes of one that is forwarded without properties", () => {
  const versions: ProtocolVersion[] = [3, 4, 5];
  const qualities: QoS[] = [0, 1, 2];
  for (const bytes of [0, 1, 31, 33, 100, 127, 128, 20_000]) {
    const payload = new Uint8Array(bytes).map((_, i) => i);
    const message = source("site/a/b", payload);
    for (const version of versions) {
      for (const qos of qualities) {
        for (const topicSkip of [0, 5]) {
          for (const retain of [false, true]) {
            const how = new ForwardOptions();
            Object.assign(how, { version, qos, retain, packetId: 513, topicSkip });
            const size = forwardedSize(message, how);
            const expected = new Uint8Array(size);
            writeForwarded(message, how, expected, 0);
            const actual = new Uint8Array(size + 2);
            const flags = qos << 1 | (retain ? 1 : 0);
            assertEquals(barePublishSize(message, version, qos, topicSkip), size);
            const end = writeBarePublish(message, version, flags, 513, topicSkip, actual, 1);
            assertEquals(end, size + 1);
            assertEquals(actual.subarray(1, end), expected);
            const head = new Uint8Array(size - bytes);
            writeBareHead(message, version, flags, 513, topicSkip, head, 0);
            assertEquals(head, expected.subarray(0, head.length));
            writeForwardedHead(message, how, head.fill(0), 0);
            assertEquals(head, expected.subarray(0, head.length));
          }
        }
      }
    }
  }
});

Deno.test("a bare PUBLISH is what the encoder writes, with DUP [MQTT-3.3.1-1]", () => {
  const payload = new Uint8Array([1, 2, 3]);
  const expected = encodePacket({
    type: "publish",
    topic: "a/b",
    payload,
    qos: 1,
    dup: true,
    retain: false,
    packetId: 7,
    properties: {},
  }, 5);
  const actual = new Uint8Array(expected.length);
  writeBarePublish(source("a/b", payload), 5, 0x0a, 7, 0, actual, 0);
  assertEquals(actual, expected);
});

Deno.test("a bare PUBLISH is not written where it does not fit", () => {
  const message = source("a/b", new Uint8Array(40));
  const target = new Uint8Array(barePublishSize(message, 4, 0, 0) - 1);
  assertThrows(() => writeBarePublish(message, 4, 0, 0, 0, target, 0), RangeError);
  assertEquals(target, new Uint8Array(target.length));
});
