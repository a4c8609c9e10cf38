/**
 * How reading goes on: with other options, beside other readings of the session, after a restart.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { MemoryStore } from "../../store/mod.ts";
import type { UserProperty } from "../../codec/mod.ts";
import { Scene, type SceneClient, texts } from "./_scene.ts";

function user(offset: string): UserProperty[] {
  return [["stream-offset", offset]];
}

/** Acknowledges so many messages, the oldest first, of those that have come. */
async function acknowledge(client: SceneClient, count: number): Promise<void> {
  for (const { packetId } of (await client.take("publish")).slice(0, count)) {
    client.send({ type: "puback", packetId, reasonCode: 0, properties: {} });
  }
}

/** What has come: the payload, and the gap in front of it. */
async function told(client: SceneClient): Promise<string[]> {
  return (await client.take("publish")).map(({ payload, properties }) => {
    const gap = properties.userProperties?.find(([name]) => name === "stream-gap")?.[1];
    return new TextDecoder().decode(payload) + (gap === undefined ? "" : ` after ${gap}`);
  });
}

Deno.test("a SUBSCRIBE with which it goes on gives it another QoS and identifier [MQTT-3.8.4-3]", async () => {
  await using scene = await Scene.open();
  const client = await scene.join("ann", 5, { expiry: 3600 });
  await client.subscribe("t/#", { qos: 0, user: user("earliest"), identifier: 7 });
  for (const retainHandling of [1, 2] as const) {
    const identifier = 7 + retainHandling;
    const how = { qos: 1, retainHandling, identifier } as const;
    const { reasonCodes } = await client.subscribe("t/#", { ...how, user: user("earliest") });
    await scene.fill(1);
    const [message] = await client.take("publish");
    assertEquals([reasonCodes, message?.qos], [[1], 1]);
    assertEquals(message?.properties.subscriptionIdentifiers, [identifier]);
  }
});

Deno.test("several readings of a session take turns: none waits until another is at the end", async () => {
  await using scene = await Scene.open();
  await scene.fill(100);
  const client = await scene.join("ann", 5, { receiveMaximum: 2 });
  client.acknowledges = false;
  const positions = ["earliest", "after=0", "from=1"];
  for (const position of positions) {
    await client.subscribe(`$replay/day/${position}/t/#`, { qos: 1 });
  }
  const counts = new Map<string, number>();
  for (let round = 0; round < 30; round++) {
    for (const { topic, packetId } of await client.take("publish")) {
      const position = topic.split("/")[2]!;
      counts.set(position, (counts.get(position) ?? 0) + 1);
      client.send({ type: "puback", packetId, reasonCode: 0, properties: {} });
    }
  }
  const [least, most] = [Math.min(...counts.values()), Math.max(...counts.values())];
  assertEquals([counts.size, least > 10, most < 100], [3, true, true]);
});

Deno.test("history with QoS 0 loses nothing to lagBytesMax: it keeps to what there is room for", async () => {
  await using scene = await Scene.open({ limits: { lagBytesMax: 200 } });
  await scene.fill(3000);
  const client = await scene.join("ann", 4);
  await client.subscribe("$replay/day/earliest/t/#", { qos: 0 });
  assertEquals(await client.payloads(), texts(1, 3000));
  assertEquals(scene.broker.stats.dropped.lag, 0);
});

Deno.test("last-per-topic goes on after a restart with the same messages, and then with all", async () => {
  const store = new MemoryStore();
  {
    await using scene = await Scene.open({ store });
    // The last of t/1 is 4, that of t/2 is 5, that of t/3 is 3.
    for (const [i, topic] of ["t/1", "t/2", "t/3", "t/1", "t/2"].entries()) {
      await scene.fill(1, i + 1, topic);
    }
    const client = await scene.join("ann", 5, { expiry: 3600, receiveMaximum: 1 });
    client.acknowledges = false;
    await client.subscribe("t/#", { qos: 1, user: user("last-per-topic") });
    await acknowledge(client, 1);
    assertEquals(await client.payloads(), ["4"]);
    await client.leave();
    await scene.fill(2, 6, "t/1");
  }
  await using scene = await Scene.open({ store: MemoryStore.from(store.snapshot()) });
  const client = await scene.join("ann", 5, { clean: false, expiry: 3600 });
  assertEquals(await client.payloads(), ["4", "5", "6", "7"]);
});

Deno.test("last-per-topic is told after a restart of what was chosen and is gone", async () => {
  const store = new MemoryStore();
  {
    await using scene = await Scene.open({ store });
    for (let i = 1; i <= 3; i++) await scene.fill(1, i, `t/${i}`);
    const client = await scene.join("ann", 5, { expiry: 3600, receiveMaximum: 1 });
    client.acknowledges = false;
    await client.subscribe("t/#", { qos: 1, user: user("last-per-topic") });
    await client.leave();
    await scene.broker.stream("day")!.purge({ before: 3 });
  }
  await using scene = await Scene.open({ store: MemoryStore.from(store.snapshot()) });
  const client = await scene.join("ann", 5, { clean: false, expiry: 3600 });
  assertEquals(await told(client), ["3 after 1..2"]);
});

Deno.test("a gap is told again after a restart if the message that told of it was not acknowledged", async () => {
  const store = new MemoryStore();
  {
    await using scene = await Scene.open({ store });
    await scene.fill(10);
    const client = await scene.join("ann", 5, { expiry: 3600, receiveMaximum: 1 });
    client.acknowledges = false;
    await client.subscribe("t/#", { qos: 1, user: user("earliest") });
    await scene.broker.stream("day")!.purge({ before: 8 });
    await acknowledge(client, 1);
    assertEquals(await told(client), ["8 after 2..7"]);
    await client.leave();
    await scene.clock.settle();
  }
  await using scene = await Scene.open({ store: MemoryStore.from(store.snapshot()) });
  const client = await scene.join("ann", 5, { clean: false, expiry: 3600 });
  assertEquals(await told(client), ["8 after 2..7", "9", "10"]);
});
