import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import type { Conversation } from "../harness.ts";
import { parseProperties, parseReasoned } from "../parse.ts";
import { properties, puback, publish, subscribe } from "./packets.ts";
import { specTest, timeTest } from "./spec.ts";
import { BAD_UTF8, publishBytes, subscriber, thrownOut } from "./steps.ts";

specTest("an ill-formed topic closes the connection [MQTT-3.3.2-1]", async (t) => {
  const witness = await subscriber(t, "#");
  for (const [, topic] of BAD_UTF8) await thrownOut(t, publishBytes(topic, "x"), 0x81);
  await witness.expectSilence();
});

specTest("the topic is the first field of a delivery [MQTT-3.3.2-1]", async (t) => {
  const client = await subscriber(t, "#", 1);
  await client.send(publish("é", "x"));
  await client.expect("30 06 0002 c3a9 00 78");
});

specTest("a topic with a wildcard is published to nobody [MQTT-3.3.2-2]", async (t) => {
  const witness = await subscriber(t, "#", 2);
  for (const topic of ["#", "+", "a/#", "a/+/b", "a+", "a#b", "/+"]) {
    for (const qos of [0, 1, 2] as const) {
      await thrownOut(t, publish(topic, "x", { qos, retain: qos === 1 }), 0x90);
    }
  }
  await witness.expectSilence();
  assertEquals(t.broker.stats.retainedMessages, 0);
});

specTest("a delivery has the topic that matched, as it was published [MQTT-3.3.2-3]", async (t) => {
  const client = await t.connect();
  const filters = ["a/+", "b/#", "c", "/+/", "d//e"];
  await client.subscribe(subscribe(Object.fromEntries(filters.map((filter) => [filter, 0]))));
  const publisher = await t.connect();
  const matched = ["a/x", "a/", "b", "b/", "b/x/y", "c", "/x/", "//", "d//e"];
  const others = ["a", "a/x/y", "bb", "c/", "/c", "C", "/x", "x//", "d/e", "d/x/e"];
  for (const topic of others) await publisher.send(publish(topic, "no"));
  for (const topic of matched) await publisher.send(publish(topic, "yes"));
  for (const topic of matched) await client.expectPublish(topic, "yes");
  await client.expectSilence();
});

/**
 * Publishes with the properties given, at each QoS, to subscribers of all kinds: one that is there,
 * one that is away, one that comes later; and with what the broker changes beside them.
 */
async function forwardsAsIs(t: Conversation, given: Uint8Array): Promise<void> {
  const session = { clean: false, properties: properties.sessionExpiry(100) };
  const away = { ...session, clientId: "away" };
  await t.drop(await subscriber(t, "a", 2, away));
  const present = await subscriber(t, "a", 2);
  const publisher = await t.connect();
  const wanted = parseProperties(given);
  const own = [properties.topicAlias(1), properties.messageExpiry(9)];
  const all = [given, concat([own[0]!, given]), concat([given, own[1]!])];
  for (const qos of [0, 1] as const) {
    for (const sent of all) {
      await publisher.send(publish("a", "x", { qos, retain: true, properties: sent }));
      if (qos > 0) await publisher.expect("40 02 0001");
      const delivery = await present.expectPublish("a", "x");
      assertEquals(delivery.properties.filter(([id]) => id !== 0x02), wanted);
    }
  }
  const later = await subscriber(t, "a");
  const returned = await t.connect(away);
  const waited = [await later.readPublish()];
  for (let count = 0; count < all.length; count++) waited.push(await returned.readPublish());
  for (const { properties } of waited) {
    assertEquals(properties.filter(([id]) => id !== 0x02), wanted);
  }
}

specTest("the Payload Format Indicator is forwarded as it is [MQTT-3.3.2-4]", async (t) => {
  await forwardsAsIs(t, properties.payloadFormat(1));
});

specTest("a Payload Format Indicator of 0 is forwarded too [MQTT-3.3.2-4]", async (t) => {
  await forwardsAsIs(t, properties.payloadFormat(0));
});

specTest("the Response Topic is forwarded as it is [MQTT-3.3.2-15]", async (t) => {
  await forwardsAsIs(t, properties.responseTopic("/reply//to/é"));
});

specTest("Correlation Data are forwarded byte for byte [MQTT-3.3.2-16]", async (t) => {
  const bytes = Uint8Array.of(0x00, 0xff, 0xed, 0xa0, 0x80);
  await forwardsAsIs(t, properties.correlationData(bytes));
});

specTest("the Content Type is forwarded as it is [MQTT-3.3.2-20]", async (t) => {
  await forwardsAsIs(t, properties.contentType("text/plain; charset=ü"));
});

specTest("User Properties are forwarded, every one [MQTT-3.3.2-17]", async (t) => {
  const pairs = Array.from({ length: 200 }, (_, i) => properties.user(`name ${i}`, "é".repeat(i)));
  await forwardsAsIs(t, concat([...pairs, properties.user("", "")]));
});

specTest("User Properties are forwarded in their order [MQTT-3.3.2-18]", async (t) => {
  const pairs = ["b1", "a2", "b1", "b0", "a2"].map(([name, value]) =>
    properties.user(name!, value!)
  );
  const content = properties.contentType("between");
  await forwardsAsIs(t, concat(pairs));
  const client = await subscriber(t, "#");
  await client.readFrame();
  const packet = publish("b", "", { properties: concat([pairs[0]!, content, ...pairs.slice(1)]) });
  await client.send(packet);
  const seen = (await client.expectPublish("b", "")).properties.filter(([id]) => id === 0x26);
  assertEquals(seen.map(([, value]) => value), ["b=1", "a=2", "b=1", "b=0", "a=2"]);
});

timeTest("a message that expired while it waited is not delivered [MQTT-3.3.2-5]", async (t) => {
  const fields = { clientId: "a", clean: false };
  const session = { ...fields, properties: properties.sessionExpiry(1_000) };
  await t.drop(await subscriber(t, "a", 2, session));
  const publisher = await t.connect();
  for (const seconds of [10, 20, 0, 5]) {
    const expiry = seconds === 0 ? new Uint8Array() : properties.messageExpiry(seconds);
    await publisher.send(publish("a", `${seconds}`, { qos: 1, properties: expiry }));
    await publisher.expect("40 02 0001");
  }
  await t.pass(10_000);
  const client = await t.connect(session);
  await client.expectPublish("a", "20");
  await client.expectPublish("a", "0");
  await client.expectSilence();
});

timeTest("a retained message that expired is not delivered [MQTT-3.3.2-5]", async (t) => {
  const publisher = await t.connect();
  const sent = { retain: true, properties: properties.messageExpiry(10) };
  await publisher.send(publish("a", "x", sent));
  await t.pass(9_999);
  await (await subscriber(t, "a")).expectPublish("a", "x");
  await t.pass(1);
  await (await subscriber(t, "a")).expectSilence();
  assertEquals(t.broker.stats.retainedMessages, 0);
});

timeTest("a message that waits for quota expires too [MQTT-3.3.2-5]", async (t) => {
  const client = await subscriber(t, "a", 1, { properties: properties.receiveMaximum(1) });
  t.broker.publish("a", "sent", { qos: 1 });
  t.broker.publish("a", "waits", { qos: 1, properties: { messageExpiryInterval: 10 } });
  t.broker.publish("a", "last", { qos: 1 });
  const { packetId } = await client.expectPublish("a", "sent");
  await t.pass(10_000);
  await client.send(puback(packetId));
  await client.expectPublish("a", "last");
});

timeTest("what is left of the expiry interval is forwarded [MQTT-3.3.2-6]", async (t) => {
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(1_000) };
  const present = await subscriber(t, "a", 1);
  await t.drop(await subscriber(t, "a", 1, session));
  const publisher = await t.connect();
  const sent = { qos: 1, retain: true, properties: properties.messageExpiry(100) } as const;
  await publisher.send(publish("a", "x", sent));
  assertEquals((await present.expectPublish("a", "x")).properties, [[0x02, 100]]);
  await t.pass(40_000);
  const later = await subscriber(t, "a");
  assertEquals((await later.expectPublish("a", "x")).properties, [[0x02, 60]]);
  await t.pass(59_000);
  const returned = await t.connect(session);
  assertEquals((await returned.expectPublish("a", "x")).properties, [[0x02, 1]]);
});

specTest("an ill-formed Response Topic closes the connection [MQTT-3.3.2-13]", async (t) => {
  const witness = await subscriber(t, "#");
  for (const [, bytes] of BAD_UTF8) {
    const property = properties.responseTopic(bytes);
    await thrownOut(t, publish("a", "x", { properties: property }), 0x81);
  }
  await witness.expectSilence();
});

specTest("a Response Topic with a wildcard closes the connection [MQTT-3.3.2-14]", async (t) => {
  const witness = await subscriber(t, "#");
  for (const topic of ["#", "+", "a/#", "a+"]) {
    for (const qos of [0, 1, 2] as const) {
      const property = properties.responseTopic(topic);
      const client = await t.connect();
      await client.send(publish("a", "x", { qos, properties: property }));
      const { reasonCode } = parseReasoned(await client.readFrame());
      assertEquals(reasonCode >= 0x80, true);
      await client.expectClose();
    }
  }
  await witness.expectSilence();
});

specTest("an ill-formed Content Type closes the connection [MQTT-3.3.2-19]", async (t) => {
  const witness = await subscriber(t, "#");
  for (const [, bytes] of BAD_UTF8) {
    const property = properties.contentType(bytes);
    await thrownOut(t, publish("a", "x", { properties: property }), 0x81);
  }
  await witness.expectSilence();
});
