import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../codec/mod.ts";
import { Router } from "../../router/router.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { PacketLimitError } from "../limits/packet_limits.ts";
import { setLimits } from "../testdata/test_context.ts";
import { TestConnection } from "../testdata/test_connection.ts";
import { dropAliasesBeyond, releaseAliases, routeOfAlias, setAlias } from "./topic_aliases.ts";

/** A connection, and the memory of all aliases of the broker. */
function world(limits: Partial<BrokerLimits> = {}) {
  const router = new Router<Receiver>();
  const memory = { aliasBytes: 1000, mayGrow: () => true };
  const connection = new TestConnection({ broker: { limits }, host: { memory, router } });
  const route = (topic: string) => router.routeOf(topic)!;
  const set = (alias: number, topic: string) => setAlias(connection.asClient, alias, route(topic));
  const topicOf = (alias: number) => routeOfAlias(connection, alias).topic;
  return { connection, router, memory, route, set, topicOf };
}

Deno.test("an alias stands for its topic until it is set again [MQTT-3.3.2-12]", () => {
  const { set, topicOf } = world();
  set(1, "a");
  set(65_535, "b");
  assertEquals([topicOf(1), topicOf(65_535)], ["a", "b"]);
  set(1, "c");
  assertEquals([topicOf(1), topicOf(65_535)], ["c", "b"]);
});

Deno.test("an alias that was not set is an error of the protocol", () => {
  const { connection, set, topicOf } = world();
  assertEquals(connection.aliases, null);
  assertThrows(() => topicOf(1), ProtocolError, "Topic alias 1 is not set");
  set(2, "a");
  assertThrows(() => topicOf(1), ProtocolError, "Topic alias 1 is not set");
});

Deno.test("the memory of aliases is counted for the client and for the broker, and given back", () => {
  const { connection, memory, route, set } = world();
  const [a, long] = [route("a").weight, route("a".repeat(500)).weight];
  set(1, "a");
  set(2, "a".repeat(500));
  assertEquals([connection.aliasBytes, memory.aliasBytes], [a + long, 1000 + a + long]);
  // The same again costs nothing, and another one only the difference.
  set(2, "a".repeat(500));
  assertEquals(connection.aliasBytes, a + long);
  set(2, "a");
  assertEquals([connection.aliasBytes, memory.aliasBytes], [2 * a, 1000 + 2 * a]);
  releaseAliases(connection.asClient);
  assertEquals([connection.aliasBytes, memory.aliasBytes], [0, 1000]);
});

Deno.test("aliases are refused beyond topicAliasBytesMax, and those before stay", () => {
  const { connection, route, set, topicOf } = world();
  setLimits(connection.context, { topicAliasBytesMax: 2 * route("a").weight });
  set(1, "a");
  set(2, "b");
  const error = assertThrows(() => set(3, "c"), PacketLimitError);
  assertEquals([error.limit, topicOf(1), topicOf(2)], ["topic-aliases", "a", "b"]);
  assertThrows(() => topicOf(3), ProtocolError);
  // One that takes no more room than before is set.
  set(2, "d");
  assertEquals(topicOf(2), "d");
});

Deno.test("aliases are refused where memory is short", () => {
  const { memory, set } = world();
  set(1, "a");
  memory.mayGrow = () => false;
  const error = assertThrows(() => set(2, "b"), PacketLimitError);
  assertEquals(error.limit, "memory");
  set(1, "c");
});

Deno.test("aliases of topics beyond changed limits go, and the others stay", () => {
  const { connection, memory, route, router, set, topicOf } = world();
  dropAliasesBeyond(connection.asClient);
  set(1, "a");
  set(2, "a/b/c");
  router.limitTopics({ routesMax: 1000, levelsMax: 2, bytesMax: 1000 });
  dropAliasesBeyond(connection.asClient);
  const { weight } = route("a");
  assertEquals([connection.aliasBytes, memory.aliasBytes], [weight, 1000 + weight]);
  assertEquals(topicOf(1), "a");
  assertThrows(() => topicOf(2), ProtocolError);
});

Deno.test("the aliases that the client was given go with those that it has set", () => {
  const { connection } = world();
  let released = 0;
  Object.assign(connection, { sender: { release: () => void released++ } });
  releaseAliases(connection.asClient);
  assertEquals(released, 1);
});

Deno.test("an alias keeps its route", () => {
  const { connection, route, set } = world();
  const known = route("a");
  set(1, "a");
  assertStrictEquals(routeOfAlias(connection, 1), known);
});
