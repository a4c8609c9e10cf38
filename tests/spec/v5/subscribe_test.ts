/** SUBSCRIBE and SUBACK (MQTT 5 §3.8 and §3.9). */
import { assertEquals } from "@std/assert";
import type { Authorizer } from "../../../auth/mod.ts";
import { hex } from "../harness.ts";
import {
  frame,
  NO_LOCAL,
  properties,
  puback,
  publish,
  RETAIN_AS_PUBLISHED,
  subscribe,
  text,
  uint16,
  unsubscribe,
} from "./packets.ts";
import { resubscribeInTraffic } from "../sequence.ts";
import { specTest } from "./spec.ts";
import { BAD_UTF8, subscriber, thrownOut } from "./steps.ts";

/** SUBSCRIBE with these bytes after its properties, of which there are none. */
const subscribeOf = (...payload: Uint8Array[]) => frame(0x82, uint16(1), hex("00"), ...payload);

specTest("SUBSCRIBE with other flags is malformed [MQTT-3.8.1-1]", async (t) => {
  const packet = subscribe({ a: 0 });
  for (let flags = 0; flags < 16; flags++) {
    if (flags === 0b0010) continue;
    packet[0] = 0x80 | flags;
    await thrownOut(t, packet, 0x81);
  }
});

specTest("an ill-formed filter is malformed [MQTT-3.8.3-1]", async (t) => {
  for (const [, bytes] of BAD_UTF8) {
    await thrownOut(t, subscribeOf(text(bytes), hex("00")), 0x81);
    await thrownOut(t, subscribeOf(text("a"), hex("00"), text(bytes), hex("00")), 0x81);
  }
});

specTest("SUBSCRIBE without a filter is a fault [MQTT-3.8.3-2]", async (t) => {
  await thrownOut(t, subscribeOf(), 0x82);
  await thrownOut(t, subscribeOf(text("a")), 0x81);
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
  "each SUBSCRIBE is answered, with its identifier [MQTT-3.8.4-1] [MQTT-3.8.4-2]",
  async (t) => {
    const client = await t.connect();
    const ids = [1, 300, 300, 65_535];
    await client.send(...ids.map((packetId) => subscribe({ a: 0 }, { packetId })));
    await client.expect("90 04 0001 00 00", "90 04 012c 00 00", "90 04 012c 00 00");
    await client.expect("90 04 ffff 00 00");
  },
);

specTest("subscribing again takes the place of the subscription [MQTT-3.8.4-3]", async (t) => {
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
});

specTest("subscribing again sends retained messages again [MQTT-3.8.4-4]", async (t) => {
  const client = await t.connect();
  await client.send(publish("a/b", "kept", { retain: true }));
  for (let n = 0; n < 3; n++) {
    await client.subscribe(subscribe({ "a/+": 0 }));
    assertEquals((await client.expectPublish("a/b", "kept")).retain, true);
    await client.expectSilence();
  }
});

for (const [qos, others] of [[0, 0], [1, 0], [0, 10], [1, 10]] as const) {
  specTest(
    `with QoS ${qos} and ${others} others, subscribing again interrupts no traffic [MQTT-3.8.4-4]`,
    (t) => resubscribeInTraffic(t, qos, others),
  );
}

specTest(
  "several filters are several subscriptions with one answer [MQTT-3.8.4-5] [MQTT-3.8.4-6]",
  async (t) => {
    const client = await t.connect();
    const entry = (filter: string, qos: number) => [text(filter), Uint8Array.of(qos)];
    await client.send(subscribeOf(...entry("a", 1), ...entry("b", 0), ...entry("a", 2)));
    await client.expect("90 06 0001 00 01 00 02");
    const publisher = await t.connect();
    await publisher.send(publish("a", "x", { qos: 2 }), publish("b", "y", { qos: 2, packetId: 2 }));
    assertEquals((await client.expectPublish("a", "x")).qos, 2);
    assertEquals((await client.expectPublish("b", "y")).qos, 0);
    await client.expectSilence();
  },
);

specTest("SUBACK has as many codes as there are filters [MQTT-3.8.4-6]", async (t) => {
  const client = await t.connect();
  for (const count of [1, 2, 10, 200]) {
    const filters = Array.from({ length: count }, (_, n) => [`filter/${n}`, n % 3] as const);
    await client.send(subscribe(Object.fromEntries(filters)));
    assertEquals((await client.readAck()).reasonCodes, filters.map(([, qos]) => qos));
  }
});

const authorizer: Authorizer = {
  mayPublish: () => true,
  maySubscribe: (_client, { filter }) => !filter.startsWith("secret"),
};

specTest(
  "SUBACK says for each filter, in order, what was granted or why not [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2]",
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
  "what the broker does not support is told in SUBACK [MQTT-3.8.4-7] [MQTT-3.9.3-2]",
  { broker: { wildcardSubscriptionAvailable: false, sharedSubscriptionAvailable: false } },
  async (t) => {
    const client = await t.connect();
    await client.send(subscribe({ "a/#": 2, "$share/group/a": 1, "b": 0, "+": 0 }));
    await client.expect("90 07 0001 00 a2 9e 00 a2");
  },
);

specTest("a message comes with the lower of two QoS [MQTT-3.8.4-8]", async (t) => {
  const publisher = await t.connect();
  let packetId = 0;
  for (const granted of [0, 1, 2] as const) {
    const client = await subscriber(t, "a", granted);
    for (const qos of [0, 1, 2] as const) {
      await publisher.send(publish("a", "x", { qos, packetId: ++packetId }));
      const delivery = await client.expectPublish("a", "x");
      assertEquals(delivery.qos, Math.min(granted, qos));
      if (delivery.qos === 1) await client.send(puback(delivery.packetId));
    }
  }
});

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
