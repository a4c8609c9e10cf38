/** Packets of unusual size, in either direction. */
import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import type { Conversation } from "../harness.ts";
import {
  all,
  connect,
  frame,
  properties,
  publish,
  subscribe,
  text,
  uint16,
  varint,
} from "../v5/packets.ts";
import { subscriber } from "../v5/steps.ts";
import { specTest } from "./spec.ts";

const LONGEST = "x".repeat(65_535);

/** A subscriber that takes packets of `bytes` at most, and its broker's count of what is too large. */
async function narrow(t: Conversation, bytes: number, subscription: Uint8Array) {
  const fields = { properties: all(properties.maximumPacketSize(bytes)) };
  const client = await t.connect(fields);
  await client.subscribe(subscription);
  return { client, skipped: () => t.broker.stats.dropped["too-large"] };
}

specTest("a packet of just the largest size is sent, one of a byte more is not", async (t) => {
  const payload = "x".repeat(60);
  for (const qos of [0, 1, 2] as const) {
    const size = publish("a", payload, { qos }).length;
    const { client, skipped } = await narrow(t, size, subscribe({ a: qos }));
    t.broker.publish("a", payload, { qos });
    await client.expectPublish("a", payload);
    t.broker.publish("a", `${payload}x`, { qos });
    await client.expectSilence();
    assertEquals(skipped(), 1 + qos);
    client.close();
    await t.until(() => t.broker.stats.connections === 0);
  }
});

specTest("User Properties may make a message too large for one, and only for it", async (t) => {
  const { client, skipped } = await narrow(t, 60, subscribe({ a: 1 }));
  const other = await subscriber(t, "a", 1);
  const given = concat(Array.from({ length: 5 }, () => properties.user("name", "value")));
  const publisher = await t.connect();
  for (const qos of [0, 1] as const) {
    await publisher.send(publish("a", "large", { qos, properties: given }));
    await publisher.send(publish("a", "small", { qos, packetId: 2 }));
    await client.expectPublish("a", "small");
    await other.expectPublish("a", "large");
    await other.expectPublish("a", "small");
  }
  assertEquals(skipped(), 2);
});

specTest("a Subscription Identifier may make a message too large", async (t) => {
  const size = publish("a", "x".repeat(60), { qos: 1 }).length;
  const identified = subscribe({ a: 1 }, { properties: properties.subscriptionIdentifier(300) });
  const { client, skipped } = await narrow(t, size, identified);
  t.broker.publish("a", "x".repeat(60), { qos: 1 });
  await client.expectSilence();
  assertEquals(skipped(), 1);
  t.broker.publish("a", "x".repeat(57), { qos: 1 });
  await client.expectPublish("a", "x".repeat(57));
});

specTest("an alias never makes a message too large", async (t) => {
  const topic = "a/long/topic";
  const payload = "x".repeat(60);
  const size = publish(topic, payload, { qos: 1 }).length;
  const limits = all(properties.maximumPacketSize(size), properties.topicAliasMaximum(10));
  const client = await subscriber(t, "#", 1, { properties: limits });
  t.broker.publish(topic, payload, { qos: 1 });
  const plain = await client.expectPublish(topic, payload);
  assertEquals(plain.properties, []);
  // It is told as soon as there is room for it, and then used, which saves room.
  t.broker.publish(topic, "x", { qos: 1 });
  const set = await client.expectPublish(topic, "x");
  assertEquals(set.properties, [[0x23, 1]]);
  t.broker.publish(topic, payload, { qos: 1 });
  assertEquals((await client.expectPublish("", payload)).properties, [[0x23, 1]]);
});

specTest("a length of a thousand continued bytes ends the connection at once", async (t) => {
  const endless = new Uint8Array(1000).fill(0x80);
  const stranger = await t.client();
  await stranger.send(all(Uint8Array.of(0x10), endless));
  await stranger.expectClose();
  const sends: Uint8Array[] = [
    all(Uint8Array.of(0x30), endless),
    all(Uint8Array.of(0xc0), endless),
    frame(0x30, text("a"), endless),
    frame(0x82, uint16(1), endless),
    frame(0x82, uint16(1), Uint8Array.of(4, 0x0b, 0x80, 0x80, 0x80), endless),
  ];
  for (const bytes of sends) {
    const client = await t.connect();
    await client.send(bytes);
    await client.expectDisconnect(0x81);
  }
  // Not even the fifth byte is waited for.
  const client = await t.connect();
  await client.send("30 80808080");
  await client.expectDisconnect(0x81);
});

specTest("strings of 65,535 bytes are taken and forwarded, every one", async (t) => {
  const witness = await subscriber(t, "#");
  const will = { topic: `w${LONGEST.slice(1)}`, payload: "gone" };
  const client = await t.connect({ clientId: LONGEST, username: LONGEST, will });
  await client.subscribe(subscribe({ [LONGEST]: 1, [`+/${LONGEST.slice(2)}`]: 1 }));
  const given = all(properties.user(LONGEST, LONGEST), properties.contentType(LONGEST));
  await client.send(publish(LONGEST, LONGEST, { qos: 1, properties: given }));
  assertEquals((await client.readAck()).reasonCodes, [0]);
  for (const receiver of [client, witness]) {
    const { properties: got } = await receiver.expectPublish(LONGEST, LONGEST);
    assertEquals(got, [[0x26, `${LONGEST}=${LONGEST}`], [0x03, LONGEST]]);
  }
  await t.drop(client);
  await witness.expectPublish(will.topic, "gone");
});

specTest("thousands of User Properties are forwarded, in order", {
  broker: { limits: { userPropertiesMax: 20_000 } },
}, async (t) => {
  const count = 20_000;
  const given = concat(Array.from({ length: count }, (_, n) => properties.user(`${n}`, "")));
  const client = await subscriber(t, "a", 1);
  await client.send(publish("a", "x", { qos: 1, properties: given }));
  await client.readAck();
  const { properties: got } = await client.expectPublish("a", "x");
  assertEquals(got, Array.from({ length: count }, (_, n) => [0x26, `${n}=`]));
});

specTest(
  "a CONNECT of endless User Properties is closed before it has come",
  { broker: { limits: { connectBytesMax: 1000 } } },
  async (t) => {
    const user = properties.user("name", "value");
    const many = concat(Array.from({ length: 200 }, () => user));
    const large = connect({ properties: many });
    const client = await t.client();
    await client.send(large.subarray(0, 20));
    await client.expectRejection();
    await t.connect({ properties: concat(Array.from({ length: 50 }, () => user)) });
  },
);

specTest("no packet is larger than its size says, whatever its properties say", async (t) => {
  const client = await t.connect();
  const outside = frame(0x30, text("a"), varint(20), properties.user("a", "b"));
  await client.send(outside, publish("a", "x"));
  await client.expectDisconnect(0x81);
});
