import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { message, textOf } from "../testdata/messages.ts";
import { bytesKept, Message, messageBytes } from "./message.ts";
import { decodeProperties } from "./message_properties.ts";
import { Origin } from "./origin.ts";

const KIB = 1024;
const route = { topic: "a/b", bytes: new TextEncoder().encode("a/b") };
const PARTS = {
  route,
  properties: {},
  qos: 1,
  retain: false,
  nowMs: 0,
  origin: Origin.program,
} as const;

/** A message in the middle of an input buffer, with a head of properties. */
function borrowed(): { buffer: Uint8Array; sent: Message } {
  const buffer = new TextEncoder().encode("before HEAD gap payload after");
  const at = (text: string) => new TextDecoder().decode(buffer).indexOf(text);
  const sent = new Message(
    route.topic,
    route.bytes,
    buffer,
    at("HEAD"),
    at("HEAD") + 4,
    at("payload"),
    at("payload") + 7,
    1,
    false,
    -1,
    0,
    Origin.program,
  );
  return { buffer, sent };
}

Deno.test("Message borrows its bytes until it is kept, and then has a copy of what is its own", () => {
  const { buffer, sent } = borrowed();
  assertStrictEquals(sent.buffer, buffer);
  assertStrictEquals(sent.keep(), sent);
  buffer.fill(0);
  const { propertiesStart, propertiesEnd } = sent;
  const head = sent.buffer.subarray(propertiesStart, propertiesEnd);
  assertEquals([textOf(sent), new TextDecoder().decode(head)], ["payload", "HEAD"]);
  assertEquals(sent.buffer.length, "HEAD gap payload".length);
});

Deno.test("Message is copied and counted once, however often it is kept", () => {
  const { sent } = borrowed();
  const before = bytesKept();
  const copy = sent.keep().buffer;
  assertStrictEquals(sent.keep().buffer, copy);
  assertEquals(bytesKept() - before, sent.weight);
});

Deno.test("Message.own() takes over a buffer without a copy", () => {
  const { buffer, sent } = borrowed();
  const before = bytesKept();
  assertStrictEquals(sent.own().keep().buffer, buffer);
  assertEquals(bytesKept() - before, sent.weight);
});

Deno.test("Message weighs its topic twice, its properties and its payload, kept or not", () => {
  const { sent } = borrowed();
  const expected = messageBytes(3, "HEAD gap payload".length);
  assertEquals([sent.weight, sent.keep().weight], [expected, expected]);
  assertEquals([sent.payloadBytes, sent.payload.length], [7, 7]);
});

Deno.test("Message.of() forwards the properties that every subscriber receives, and no others", () => {
  const payload = new TextEncoder().encode("x");
  const properties = {
    payloadFormatIndicator: 1 as const,
    contentType: "text",
    responseTopic: "r",
    correlationData: Uint8Array.of(1),
    userProperties: [["k", "v"] as [string, string]],
  };
  const more = { messageExpiryInterval: 9 };
  const sent = Message.of({ ...PARTS, payload, properties: { ...properties, ...more } });
  const head = sent.buffer.subarray(sent.propertiesStart, sent.propertiesEnd);
  assertEquals(decodeProperties(head), properties);
  assertEquals([sent.expirySeconds, sent.deadlineMs], [9, 9000]);
  payload.fill(0);
  assertEquals(textOf(sent), "x");
});

Deno.test("Message rounds the seconds until it expires up, and never below 0 [MQTT-3.3.2-6]", () => {
  const sent = message("t", "x", { expirySeconds: 2, receivedMs: 1000 });
  const left = [1000, 1001, 2000, 2001, 2999, 3000, 9000].map((ms) => sent.secondsLeft(ms));
  assertEquals([sent.deadlineMs, left], [3000, [2, 2, 1, 1, 1, 0, 0]]);
});

Deno.test("Message without an expiry never expires", () => {
  const sent = message("t", "x", { receivedMs: 1000 });
  assertEquals([sent.deadlineMs, sent.secondsLeft(1e12)], [Infinity, -1]);
});

Deno.test("Message that expires at once does so when it comes [MQTT-3.3.2-5]", () => {
  const sent = message("t", "x", { expirySeconds: 0, receivedMs: 1000 });
  assertEquals([sent.deadlineMs, sent.secondsLeft(1000)], [1000, 0]);
});

Deno.test("Message shares a large payload, and a smaller one if that is kept", () => {
  const shares = (bytes: number) => {
    const sent = message("t", "x".repeat(bytes));
    const first = sent.isShared;
    return [first, sent.keep().isShared];
  };
  assertEquals(shares(KIB * KIB), [true, true]);
  assertEquals(shares(KIB * KIB - 1), [false, true]);
  assertEquals(shares(64 * KIB), [false, true]);
  assertEquals(shares(64 * KIB - 1), [false, false]);
});

Deno.test("Message shares its payload if the copies for all subscribers would be too large", () => {
  const shares = (bytes: number, subscribers: number) => {
    const sent = message("t", "x".repeat(bytes));
    sent.encodeFor(subscribers);
    return sent.isShared;
  };
  assertEquals(shares(16 * KIB, 256), false);
  assertEquals(shares(16 * KIB, 257), true);
  // Small ones are copied to however many: a write of its own would cost more.
  assertEquals(shares(16 * KIB - 1, 100_000), false);
});

Deno.test("Message knows its publisher, if that is a client", () => {
  const of = (origin: Origin) => message("t", "x", { origin }).publisher;
  assertEquals([of(Origin.client("a")), of(Origin.program)], ["a", null]);
  assert(message("t", "x", { origin: Origin.client("a") }).origin.isClient("a"));
});

Deno.test("Message.keepBriefly() keeps properties and payload when the buffer is reused", () => {
  const buffer = Uint8Array.of(9, 9, 1, 2, 3, 4, 5, 9);
  const message = new Message(
    "t",
    Uint8Array.of(0x74),
    buffer,
    2,
    4,
    4,
    7,
    1,
    false,
    -1,
    0,
    Origin.unknown,
  );
  const before = bytesKept();
  assertEquals(message.keepBriefly().keepBriefly().keep(), message);
  assertEquals(bytesKept() - before, message.weight, "once");
  buffer.fill(0);
  const { propertiesStart, propertiesEnd, payloadStart, payload } = message;
  assertEquals(message.buffer.subarray(propertiesStart, propertiesEnd), Uint8Array.of(1, 2));
  assertEquals([payloadStart, payload], [propertiesEnd, Uint8Array.of(3, 4, 5)]);
});
