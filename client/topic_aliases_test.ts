import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError, type PublishPacket } from "../codec/mod.ts";
import { IncomingAliases, OutgoingAliases } from "./topic_aliases.ts";

function packet(topic: string, topicAlias?: number): PublishPacket {
  return {
    ...{ type: "publish", topic, payload: new Uint8Array(), qos: 0, retain: false, dup: false },
    packetId: 0,
    properties: topicAlias === undefined ? {} : { topicAlias },
  };
}

/** What goes over the wire for a topic. */
function sent(aliases: OutgoingAliases, topic: string): [string, number | undefined] {
  const shortened = aliases.apply(packet(topic));
  aliases.note(topic, shortened);
  return [shortened.topic, shortened.properties.topicAlias];
}

Deno.test("OutgoingAliases gives an alias once, and the oldest anew when all are given", () => {
  const aliases = new OutgoingAliases(2);
  assertEquals(sent(aliases, "topic/a"), ["topic/a", 1]);
  assertEquals(sent(aliases, "topic/b"), ["topic/b", 2]);
  assertEquals(sent(aliases, "topic/a"), ["", 1]);
  assertEquals(sent(aliases, "topic/c"), ["topic/c", 2]);
  assertEquals(sent(aliases, "topic/a"), ["", 1]);
  assertEquals(sent(aliases, "topic/b"), ["topic/b", 2]);
  assertEquals(sent(aliases, "short"), ["short", undefined]);
  assertEquals(sent(new OutgoingAliases(0), "topic/a"), ["topic/a", undefined]);
});

Deno.test("OutgoingAliases forgets what was not sent", () => {
  const aliases = new OutgoingAliases(1);
  aliases.apply(packet("topic/a"));
  assertEquals(sent(aliases, "topic/b"), ["topic/b", 1]);
});

Deno.test("IncomingAliases knows what the server has said [MQTT-3.3.2-8]", () => {
  const aliases = new IncomingAliases(2);
  assertEquals(aliases.topicOf(packet("a", 1)), "a");
  assertEquals(aliases.topicOf(packet("", 1)), "a");
  assertEquals(aliases.topicOf(packet("b", 1)), "b");
  assertEquals(aliases.topicOf(packet("", 1)), "b");
  assertEquals(aliases.topicOf(packet("c")), "c");
  assertThrows(() => aliases.topicOf(packet("", 2)), ProtocolError);
  assertThrows(() => aliases.topicOf(packet("a", 3)), ProtocolError);
});
