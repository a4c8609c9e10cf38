/**
 * `/api/v1/bridges` and the metrics of bridges.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Bridges } from "../../bridge/mod.ts";
import { memoryPipe } from "../../bridge/memory_pipe.ts";
import { Broker } from "../../mod.ts";
import { AdminStage, statusOf } from "./_admin.ts";

Deno.test("bridges are listed and measured as they are, and one that there is not is not found", async () => {
  const broker = new Broker();
  const other = new Broker();
  const bridges = new Bridges(broker, {
    dial: () => {
      const [near, far] = memoryPipe();
      other.accept(far, { address: "near" });
      return Promise.resolve(near);
    },
  });
  bridges.add({ name: "plant", addresses: ["a"], remoteClientId: "b", topics: [{ pattern: "x" }] });
  const messages = other.subscribe("x");
  await broker.publish("x", "1", { retain: true });
  await messages.next();
  await using stage = await AdminStage.open({ operations: { bridges: () => bridges.statuses } });
  const { data } = await stage.json("/api/v1/bridges");
  assertEquals(data.map(({ name, state }: Record<string, string>) => [name, state]), [
    ["plant", "connected"],
  ]);
  const { data: one } = await stage.json("/api/v1/bridges/plant");
  assertEquals([one.address, one.counters.messagesOut], ["mqtt://a:1883", 1]);
  assertEquals(await statusOf(stage.fetch("/api/v1/bridges/other")), 404);
  const text = await (await stage.fetch("/metrics")).text();
  assertStringIncludes(text, 'fairway_bridge_connected{bridge="plant"} 1');
  assertStringIncludes(text, 'fairway_bridge_sent_messages_total{bridge="plant"} 1');
  assertStringIncludes(
    text,
    'fairway_bridge_dropped_messages_total{bridge="plant",reason="loop"} 0',
  );
  await bridges.close();
  await broker.close();
  await other.close();
});

Deno.test("a broker without bridges lists none", async () => {
  await using stage = await AdminStage.open();
  assertEquals((await stage.json("/api/v1/bridges")).data, []);
});
