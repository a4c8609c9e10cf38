import { assertEquals, assertThrows } from "@std/assert";
import type { QoS } from "../codec/mod.ts";
import { Broker } from "./broker.ts";

Deno.test("subscribe() of a program refuses a filter that is none [MQTT-4.7.1-1]", async () => {
  await using broker = new Broker();
  assertThrows(() => broker.subscribe("a/#/b"), TypeError, 'Cannot subscribe to "a/#/b":');
  assertEquals(broker.stats.subscriptions, 0);
});

Deno.test("subscribe() of a program refuses a QoS that is none [MQTT-3.8.3-4]", async () => {
  await using broker = new Broker();
  for (const qos of [3, -1, 0.5, NaN, "1", null]) {
    const text = `Cannot subscribe to "a" with QoS ${qos}: it is 0, 1 or 2`;
    assertThrows(() => broker.subscribe("a", { qos: qos as QoS }), TypeError, text);
  }
  assertEquals(broker.stats.subscriptions, 0);
});
