/** Retained messages (MQTT 3.1.1 §3.3.1.3). */
import { assertEquals } from "@std/assert";
import { publish, subscribe } from "../../harness/packets.ts";
import type { Conversation } from "../harness.ts";
import { specTest } from "./spec.ts";

/** Publishes, and waits until the broker has taken it. */
async function publishAll(t: Conversation, ...packets: Uint8Array[]): Promise<void> {
  const publisher = await t.connect();
  await publisher.send(...packets);
  await publisher.ping();
  await t.leave(publisher);
}

specTest("a retained message is kept with its QoS [MQTT-3.3.1-5]", async (t) => {
  const publisher = await t.connect();
  for (const qos of [0, 1, 2] as const) {
    await publisher.send(publish(`a/${qos}`, "kept", { qos, packetId: 5, retain: true }));
  }
  await publisher.expect("40 02 0005", "50 02 0005");
  for (const granted of [0, 1, 2]) {
    for (const qos of [0, 1, 2]) {
      const late = await t.connect();
      await late.subscribe(subscribe({ [`a/${qos}`]: granted }));
      const delivery = await late.expectPublish(`a/${qos}`, "kept");
      assertEquals(delivery.qos, Math.min(qos, granted));
    }
  }
});

specTest(
  "a new subscription gets the last retained message of each topic [MQTT-3.3.1-6] [MQTT-3.3.1-5]",
  async (t) => {
    const kept = (topic: string, payload: string) => publish(topic, payload, { retain: true });
    await publishAll(t, kept("a", "1"), kept("a/b", "1"), kept("a/b", "2"), kept("c", "1"));
    const late = await t.connect();
    await late.subscribe(subscribe({ "a/#": 0 }));
    const got = [await late.readPublish(), await late.readPublish()];
    const summary = got.map(({ topic, payload }) => `${topic} ${payload}`);
    assertEquals(summary.sort(), ["a 1", "a/b 2"]);
    await late.expectSilence();
  },
);

specTest("every filter of a SUBSCRIBE gets its retained messages [MQTT-3.3.1-6]", async (t) => {
  await publishAll(
    t,
    publish("a", "1", { retain: true }),
    publish("b", "2", { retain: true }),
    publish("c", "3", { retain: true }),
  );
  const late = await t.connect();
  await late.subscribe(subscribe({ a: 0, b: 0 }));
  const got = [await late.readPublish(), await late.readPublish()];
  assertEquals(got.map(({ topic }) => topic).sort(), ["a", "b"]);
  await late.expectSilence();
});

specTest("a QoS 0 message takes the place of what was retained [MQTT-3.3.1-7]", async (t) => {
  await publishAll(
    t,
    publish("a", "old", { qos: 0, retain: true }),
    publish("a", "new", { qos: 0, retain: true }),
  );
  const late = await t.connect();
  await late.subscribe(subscribe({ a: 0 }));
  await late.expectPublish("a", "new");
  await late.expectSilence();
});

specTest("what is sent because it was retained has RETAIN 1 [MQTT-3.3.1-8]", async (t) => {
  await publishAll(t, publish("a/b", "kept", { retain: true }));
  for (const filter of ["a/b", "#"]) {
    const late = await t.connect();
    await late.send(subscribe({ [filter]: 0 }));
    await late.expect("90 03 0001 00", "31 09 0003 612f62 6b657074");
  }
});

specTest("what is sent as it is published has RETAIN 0 [MQTT-3.3.1-9]", async (t) => {
  const subscriber = await t.connect();
  await subscriber.subscribe(subscribe({ a: 2 }));
  const publisher = await t.connect();
  for (const qos of [0, 1, 2] as const) {
    await publisher.send(publish("a", "x", { qos, retain: true }));
    assertEquals((await subscriber.expectPublish("a", "x")).retain, false);
  }
});

specTest(
  "an empty message is delivered and clears what was retained [MQTT-3.3.1-10] [MQTT-3.3.1-11]",
  async (t) => {
    const subscriber = await t.connect();
    await subscriber.subscribe(subscribe({ "#": 2 }));
    const publisher = await t.connect();
    for (const qos of [0, 1, 2] as const) {
      await publisher.send(publish("a", "kept", { retain: true }));
      await subscriber.expectPublish("a", "kept");
      await publisher.send(publish("b", "stays", { retain: true }));
      await subscriber.expectPublish("b", "stays");
      await publisher.send(publish("a", "", { qos, retain: true }));
      assertEquals((await subscriber.expectPublish("a", "")).retain, false);
      const late = await t.connect();
      await late.subscribe(subscribe({ "#": 0 }));
      await late.expectPublish("b", "stays");
      await late.expectSilence();
    }
  },
);

specTest("an empty message is not retained [MQTT-3.3.1-11]", async (t) => {
  await publishAll(t, publish("a", "", { retain: true }));
  assertEquals(t.broker.stats.retainedMessages, 0);
  const late = await t.connect();
  await late.subscribe(subscribe({ a: 0 }));
  await late.expectSilence();
});

specTest("a message with RETAIN 0 is not retained [MQTT-3.3.1-12]", async (t) => {
  await publishAll(t, publish("a", "passing"), publish("a/b", "passing"));
  const late = await t.connect();
  await late.subscribe(subscribe({ "#": 0 }));
  await late.expectSilence();
});

specTest("a message with RETAIN 0 leaves what is retained alone [MQTT-3.3.1-12]", async (t) => {
  await publishAll(
    t,
    publish("a", "kept", { retain: true }),
    publish("a", "passing"),
    publish("a", ""),
  );
  const late = await t.connect();
  await late.subscribe(subscribe({ a: 0 }));
  await late.expectPublish("a", "kept");
  await late.expectSilence();
});

specTest("every one of many retained messages is sent [MQTT-3.3.1-6]", async (t) => {
  const topics = Array.from({ length: 300 }, (_, n) => `many/${n}`);
  await publishAll(t, ...topics.map((topic) => publish(topic, "x", { retain: true })));
  const late = await t.connect();
  await late.subscribe(subscribe({ "many/+": 0 }));
  const got = new Set<string>();
  for (const _ of topics) got.add((await late.readPublish()).topic);
  assertEquals(got, new Set(topics));
  await late.expectSilence();
});
