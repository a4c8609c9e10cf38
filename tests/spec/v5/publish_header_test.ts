import { assertEquals } from "@std/assert";
import {
  properties,
  publish,
  RETAIN_AS_PUBLISHED,
  RETAIN_IF_NEW,
  RETAIN_NEVER,
  subscribe,
  unsubscribe,
} from "./packets.ts";
import { specTest } from "./spec.ts";
import { subscriber, thrownOut } from "./steps.ts";

specTest("a PUBLISH that is sent again has DUP [MQTT-3.3.1-1]", async (t) => {
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  const client = await subscriber(t, "a", 2, session);
  t.broker.publish("a", "one", { qos: 1 });
  t.broker.publish("a", "two", { qos: 2 });
  const first = [await client.readPublish(), await client.readPublish()];
  assertEquals(first.map(({ dup }) => dup), [false, false]);
  await t.drop(client);
  t.broker.publish("a", "three", { qos: 1 });
  const again = await t.connect(session);
  const second = [await again.readPublish(), await again.readPublish()];
  assertEquals(second, first.map((delivery) => ({ ...delivery, dup: true })));
  // What was never sent is not sent again.
  assertEquals((await again.expectPublish("a", "three")).dup, false);
});

specTest("a QoS 0 PUBLISH never has DUP [MQTT-3.3.1-2]", async (t) => {
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  const client = await subscriber(t, "a", 0, session);
  const publisher = await t.connect();
  for (const qos of [1, 2] as const) {
    await publisher.send(publish("a", "x", { qos, dup: true }));
    await client.expect("30 05 0001 61 00 78");
  }
  await t.drop(client);
  const again = await t.connect(session);
  await publisher.send(publish("a", "y"));
  await again.expect("30 05 0001 61 00 79");
});

specTest("the DUP of a publisher says nothing to subscribers [MQTT-3.3.1-3]", async (t) => {
  const client = await subscriber(t, "a", 2);
  const publisher = await t.connect();
  for (const qos of [1, 2] as const) {
    await publisher.send(publish("a", `${qos}`, { qos, dup: true, packetId: qos }));
    const delivery = await client.expectPublish("a", `${qos}`);
    assertEquals([delivery.qos, delivery.dup], [qos, false]);
  }
});

specTest("a QoS of 3 is malformed [MQTT-3.3.1-4]", async (t) => {
  const witness = await subscriber(t, "#");
  for (const flags of [0x36, 0x37, 0x3e, 0x3f]) {
    await thrownOut(t, Uint8Array.of(flags, 6, 0, 1, 0x61, 0, 1, 0), 0x81);
  }
  await witness.expectSilence();
});

specTest("RETAIN replaces the message of the topic [MQTT-3.3.1-5]", async (t) => {
  const publisher = await t.connect();
  for (const [index, qos] of ([0, 1, 2] as const).entries()) {
    const packet = publish("a/b", `${index}`, {
      qos,
      retain: true,
      properties: properties.user("at", `${index}`),
    });
    await publisher.send(packet);
    if (qos > 0) await publisher.readFrame();
    await publisher.ping();
    const later = await subscriber(t, "a/#", 2);
    const delivery = await later.expectPublish("a/b", `${index}`);
    assertEquals([delivery.qos, delivery.retain], [qos, true]);
    assertEquals(delivery.properties, [[0x26, `at=${index}`]]);
    await later.expectSilence();
  }
  assertEquals(t.broker.stats.retainedMessages, 1);
});

specTest("an empty message clears its topic, and is delivered [MQTT-3.3.1-6]", async (t) => {
  const publisher = await t.connect();
  await publisher.send(publish("a", "x", { retain: true }), publish("b", "y", { retain: true }));
  const client = await subscriber(t, "a", RETAIN_AS_PUBLISHED | RETAIN_NEVER);
  await publisher.send(publish("a", "", { retain: true }));
  assertEquals((await client.expectPublish("a", "")).retain, true);
  const later = await subscriber(t, "#");
  await later.expectPublish("b", "y");
  await later.expectSilence();
});

specTest("an empty message is not retained [MQTT-3.3.1-7]", async (t) => {
  const publisher = await t.connect();
  for (const qos of [0, 1, 2] as const) {
    await publisher.send(publish(`new/${qos}`, "", { qos, retain: true }));
    if (qos > 0) await publisher.readFrame();
  }
  await publisher.send(publish("a", "x", { retain: true }), publish("a", "", { retain: true }));
  await publisher.ping();
  const later = await subscriber(t, "#");
  await later.expectSilence();
  assertEquals(t.broker.stats.retainedMessages, 0);
});

specTest("without RETAIN nothing is retained, and nothing replaced [MQTT-3.3.1-8]", async (t) => {
  const publisher = await t.connect();
  await publisher.send(publish("kept", "x", { retain: true }));
  await publisher.send(publish("kept", "y"), publish("kept", ""), publish("new", "z"));
  await publisher.ping();
  const later = await subscriber(t, "#");
  assertEquals((await later.expectPublish("kept", "x")).retain, true);
  await later.expectSilence();
});

specTest("Retain Handling 0 sends retained messages each time [MQTT-3.3.1-9]", async (t) => {
  const publisher = await t.connect();
  for (const topic of ["a", "b"]) await publisher.send(publish(topic, "x", { retain: true }));
  await publisher.ping();
  const client = await t.connect();
  for (let times = 0; times < 3; times++) {
    await client.subscribe(subscribe({ "+": 1 }));
    const topics = [(await client.readPublish()).topic, (await client.readPublish()).topic];
    assertEquals(topics.toSorted(), ["a", "b"]);
    await client.expectSilence();
  }
});

specTest("Retain Handling 1 sends them for a new subscription only [MQTT-3.3.1-10]", async (t) => {
  const publisher = await t.connect();
  await publisher.send(publish("a", "x", { retain: true }));
  await publisher.ping();
  const client = await t.connect();
  await client.subscribe(subscribe({ a: RETAIN_IF_NEW }));
  await client.expectPublish("a", "x");
  for (const options of [RETAIN_IF_NEW, RETAIN_IF_NEW | 1, RETAIN_IF_NEW | RETAIN_AS_PUBLISHED]) {
    await client.subscribe(subscribe({ a: options }));
    await client.expectSilence();
  }
  // Another filter for the same topic is new, and so is the old one once it was gone.
  await client.subscribe(subscribe({ "+": RETAIN_IF_NEW }));
  await client.expectPublish("a", "x");
  await client.send(unsubscribe(["a"]));
  await client.expect("b0 04 0001 00 00");
  await client.subscribe(subscribe({ a: RETAIN_IF_NEW }));
  await client.expectPublish("a", "x");
});

specTest("Retain Handling 1 knows the subscriptions of a session [MQTT-3.3.1-10]", async (t) => {
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  await t.drop(await subscriber(t, "a", 0, session));
  t.broker.publish("a", "x", { retain: true });
  const client = await t.connect(session);
  await client.subscribe(subscribe({ a: RETAIN_IF_NEW }));
  await client.expectSilence();
});

specTest("Retain Handling 2 sends no retained messages [MQTT-3.3.1-11]", async (t) => {
  const publisher = await t.connect();
  await publisher.send(publish("a", "x", { retain: true }));
  await publisher.ping();
  const client = await t.connect();
  for (const filter of ["a", "a", "#"]) {
    await client.subscribe(subscribe({ [filter]: RETAIN_NEVER }));
    await client.expectSilence();
  }
  await publisher.send(publish("a", "live"));
  await client.expectPublish("a", "live");
});

specTest("without Retain As Published no message has RETAIN [MQTT-3.3.1-12]", async (t) => {
  const client = await subscriber(t, "a", 2);
  const publisher = await t.connect();
  for (const retain of [true, false]) {
    for (const qos of [0, 1, 2] as const) {
      await publisher.send(publish("a", "x", { qos, retain, packetId: 1 + qos }));
      assertEquals((await client.expectPublish("a", "x")).retain, false);
      if (qos === 2) await publisher.send("62 02 0003");
    }
  }
});

specTest("with Retain As Published each keeps its RETAIN [MQTT-3.3.1-13]", async (t) => {
  const client = await subscriber(t, "a", 2 | RETAIN_AS_PUBLISHED);
  const publisher = await t.connect();
  for (const retain of [true, false]) {
    for (const qos of [0, 1, 2] as const) {
      await publisher.send(publish("a", "x", { qos, retain, packetId: 1 + qos }));
      assertEquals((await client.expectPublish("a", "x")).retain, retain);
      if (qos === 2) await publisher.send("62 02 0003");
    }
  }
});

specTest("Retain As Published holds for what waits in a session too [MQTT-3.3.1-13]", async (t) => {
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  const client = await subscriber(t, "a", 1 | RETAIN_AS_PUBLISHED, session);
  await t.drop(client);
  for (const retain of [true, false]) t.broker.publish("a", `${retain}`, { qos: 1, retain });
  const again = await t.connect(session);
  assertEquals((await again.expectPublish("a", "true")).retain, true);
  assertEquals((await again.expectPublish("a", "false")).retain, false);
});
