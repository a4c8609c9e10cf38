/** What only MQTT 5 says of SUBSCRIBE and SUBACK (§3.8 and §3.9); the rest is in `both/`. */
import { assertEquals } from "@std/assert";
import type { Authorizer } from "../../../auth/mod.ts";
import {
  NO_LOCAL,
  properties,
  publish,
  RETAIN_AS_PUBLISHED,
  subscribe,
  unsubscribe,
} from "./packets.ts";
import { specTest } from "./spec.ts";
import { subscriber, thrownOut } from "./steps.ts";

specTest("SUBSCRIBE with other flags is malformed [MQTT-3.8.1-1]", async (t) => {
  const packet = subscribe({ a: 0 });
  for (let flags = 0; flags < 16; flags++) {
    if (flags === 0b0010) continue;
    packet[0] = 0x80 | flags;
    await thrownOut(t, packet, 0x81);
  }
});

specTest("No Local keeps a client's own messages from it [MQTT-3.8.3-3]", async (t) => {
  const client = await t.connect({ clientId: "client" });
  await client.subscribe(subscribe({ a: NO_LOCAL | 2, b: 2 }));
  const other = await t.connect({ clientId: "other" });
  for (const qos of [0, 1, 2] as const) {
    await client.send(publish("a", "own", { qos, packetId: 7 }), publish("b", "own"));
    if (qos > 0) await client.readAck();
    await client.expectPublish("b", "own");
    await other.send(publish("a", "other's", { qos, packetId: 7 }));
    if (qos > 0) await other.readAck();
    await client.expectPublish("a", "other's");
  }
  await client.expectSilence();
});

specTest("No Local goes by the client identifier, not the connection [MQTT-3.8.3-3]", async (t) => {
  const fields = { clientId: "client", clean: false, properties: properties.sessionExpiry(100) };
  const first = await subscriber(t, "a", NO_LOCAL | 1, fields);
  await t.drop(first);
  const second = await t.connect(fields);
  await second.send(publish("a", "own", { qos: 1 }));
  await second.readAck();
  await second.expectSilence();
});

specTest("No Local counts for retained messages, too [MQTT-3.8.3-3]", async (t) => {
  const client = await t.connect({ clientId: "client" });
  await client.send(publish("a", "own", { retain: true }));
  await client.subscribe(subscribe({ a: NO_LOCAL }));
  await client.expectSilence();
  await (await subscriber(t, "a", NO_LOCAL)).expectPublish("a", "own");
});

specTest("No Local on a shared subscription is a fault [MQTT-3.8.3-4]", async (t) => {
  await thrownOut(t, subscribe({ "$share/group/a": NO_LOCAL }), 0x82);
  await thrownOut(t, subscribe({ a: 0, "$share/group/a": NO_LOCAL | 1 }), 0x82);
  await subscriber(t, "$share/group/a", 1);
});

specTest("reserved bits of the options are malformed [MQTT-3.8.3-5]", async (t) => {
  for (const bits of [0x40, 0x80, 0xc0]) {
    for (const options of [0, 1, 2, NO_LOCAL, RETAIN_AS_PUBLISHED, 0x10, 0x20]) {
      await thrownOut(t, subscribe({ a: bits | options }), 0x81);
    }
  }
});

specTest("QoS 3 and Retain Handling 3 are faults [MQTT-3.8.3-5]", async (t) => {
  await thrownOut(t, subscribe({ a: 3 }), 0x81);
  await thrownOut(t, subscribe({ a: 0x30 }), 0x82);
});

specTest("every other value of the options is taken [MQTT-3.8.3-5]", async (t) => {
  const client = await t.connect();
  for (let options = 0; options < 0x30; options++) {
    if ((options & 3) === 3) continue;
    await client.send(subscribe({ a: options }));
    await client.expect("90 04 0001 00", Uint8Array.of(options & 3));
  }
});

specTest(
  "subscribing again takes the place of the subscription, options included [MQTT-3.8.4-3]",
  async (t) => {
    const client = await t.connect({ clientId: "client" });
    const { subscriptionIdentifier } = properties;
    const publisher = await t.connect();
    for (const [n, options] of [0, 2, RETAIN_AS_PUBLISHED | 1].entries()) {
      const identifier = subscriptionIdentifier(n + 1);
      await client.subscribe(subscribe({ "a/+": options }, { properties: identifier }));
      await publisher.send(publish("a/b", "x", { qos: 1, retain: true }));
      await publisher.expect("40 02 0001");
      const delivery = await client.expectPublish("a/b", "x");
      assertEquals(delivery.qos, Math.min(1, options & 3));
      assertEquals(delivery.retain, options > 3);
      assertEquals(delivery.properties, [[0x0b, n + 1]]);
      await publisher.send(publish("a/b", "", { retain: true }));
      await client.expectPublish("a/b", "");
    }
    await client.subscribe(subscribe({ "a/+": NO_LOCAL }));
    await client.send(publish("a/b", "own"));
    await client.expectSilence();
  },
);

const authorizer: Authorizer = {
  mayPublish: () => true,
  maySubscribe: (_client, { filter }) => !filter.startsWith("secret"),
};

specTest(
  "SUBACK has a code of its own for an ill-formed filter [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2]",
  { broker: { authorizer, limits: { subscriptionsMax: 3 } } },
  async (t) => {
    const client = await t.connect();
    const filters = { a: 2, "secret/1": 1, "b#": 0, b: 0, "$share/g/secret": 2, c: 1, d: 1 };
    await client.send(subscribe(filters));
    await client.expect("90 0a 0001 00 02 87 8f 00 87 01 97");
    await client.send(publish("secret/1", "x"), publish("d", "x"), publish("b", "x"));
    await client.expectPublish("b", "x");
    await client.expectSilence();
  },
);

specTest(
  "SUBACK and UNSUBACK fit a client that takes little [MQTT-3.9.2-1] [MQTT-3.9.2-2] [MQTT-3.11.2-1] [MQTT-3.11.2-2]",
  { broker: { limits: { receiveMaximum: 65_535, topicAliasMax: 0 }, authorizer } },
  async (t) => {
    const fields = { clientId: "small", properties: properties.maximumPacketSize(10) };
    const client = await t.connect(fields);
    await client.send(subscribe({ "secret/1": 0, "b#": 0, "#": 1, "+": 2, "c": 2 }));
    await client.expect("90 08 0001 00 87 8f 01 02 02");
    await client.send(unsubscribe(["a", "b#", "+", "c", "d"], { packetId: 2 }));
    await client.expect("b0 08 0002 00 11 8f 00 00 11");
  },
);
