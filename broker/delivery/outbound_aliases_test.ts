import { assertEquals } from "@std/assert";
import { OutboundAliases } from "./outbound_aliases.ts";

/** The aliases of one client, and the memory of those of all. */
function world(max: number, topicAliasBytesMax = 10_000) {
  const memory = { aliasBytes: 1000, mayGrow: () => true };
  const limits = { topicAliasBytesMax };
  return { memory, limits, aliases: new OutboundAliases(max, limits, memory) };
}

Deno.test("OutboundAliases gives as many as the client takes, from 1 on [MQTT-3.1.2-26]", () => {
  const { aliases } = world(2);
  assertEquals(aliases.get("a"), undefined);
  assertEquals(["a", "b", "c"].map((topic) => aliases.add(topic)), [1, 2, 0]);
  assertEquals(["a", "b", "c"].map((topic) => aliases.get(topic)), [1, 2, undefined]);
});

Deno.test("OutboundAliases gives an alias again that was taken back", () => {
  const { aliases, memory } = world(2);
  aliases.add("a");
  const { bytes } = aliases;
  aliases.add("b");
  aliases.takeBack("b");
  assertEquals([aliases.bytes, memory.aliasBytes], [bytes, 1000 + bytes]);
  assertEquals([aliases.get("b"), aliases.add("c")], [undefined, 2]);
});

Deno.test("OutboundAliases counts its memory, also for the broker, and gives it back once", () => {
  const { aliases, memory } = world(10);
  aliases.add("a");
  const one = aliases.bytes;
  aliases.add("a".repeat(100));
  assertEquals(aliases.bytes >= 2 * one + 99, true);
  assertEquals(memory.aliasBytes, 1000 + aliases.bytes);
  aliases.release();
  aliases.release();
  assertEquals([aliases.bytes, memory.aliasBytes], [0, 1000]);
  // The client is gone, so what is sent to it last has no alias.
  assertEquals([aliases.add("b"), aliases.get("a")], [0, undefined]);
});

Deno.test("OutboundAliases gives none beyond topicAliasBytesMax, also when that has changed", () => {
  const one = world(10);
  one.aliases.add("a");
  const { aliases, limits } = world(10, 2 * one.aliases.bytes);
  assertEquals(["a", "b", "c"].map((topic) => aliases.add(topic)), [1, 2, 0]);
  limits.topicAliasBytesMax = 3 * one.aliases.bytes;
  assertEquals([aliases.add("c".repeat(10_000)), aliases.add("c")], [0, 3]);
});

Deno.test("OutboundAliases gives none where memory is short", () => {
  const { aliases, memory } = world(10);
  memory.mayGrow = () => false;
  assertEquals([aliases.add("a"), aliases.bytes], [0, 0]);
  memory.mayGrow = () => true;
  assertEquals(aliases.add("a"), 1);
});
