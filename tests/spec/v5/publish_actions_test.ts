import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import type { SpecClient } from "../harness.ts";
import { parsePublish } from "../parse.ts";
import {
  all,
  frame,
  properties,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  subscribe,
  uint16,
} from "./packets.ts";
import { specTest } from "./spec.ts";
import { subscriber, thrownOut } from "./steps.ts";

specTest("a PUBLISH is answered as its QoS says [MQTT-3.3.4-1]", async (t) => {
  await subscriber(t, "a");
  const client = await t.connect();
  await client.send(publish("a", "x"));
  await client.expectSilence();
  await client.send(publish("a", "x", { qos: 1, packetId: 1 }));
  await client.expect("40 02 0001");
  await client.send(publish("a", "x", { qos: 2, packetId: 2 }));
  await client.expect("50 02 0002");
  await client.expectSilence();
});

specTest("overlapping subscriptions deliver at their highest QoS [MQTT-3.3.4-2]", async (t) => {
  const publisher = await t.connect();
  const orders = [{ "a/#": 0, "a/b": 1, "+/b": 2 }, { "a/#": 2, "a/b": 1, "+/b": 0 }, {
    "a/b": 2,
    "#": 0,
  }];
  for (const filters of orders) {
    const client = await t.connect();
    await client.subscribe(subscribe(filters));
    for (const qos of [2, 1, 0] as const) {
      await publisher.send(publish("a/b", "x", { qos, packetId: 1 }), pubrel(1));
      const copies = await copiesOf(client, publisher);
      assertEquals(Math.max(...copies.map((delivery) => delivery.qos)), qos);
    }
    client.close();
  }
});

/** What a client receives of a message that was just published. */
async function copiesOf(client: SpecClient, publisher: SpecClient) {
  await publisher.send("c0 00");
  while ((await publisher.readFrame())[0] !== 0xd0);
  await client.send("c0 00");
  const frames: Uint8Array[] = [];
  for (let next; (next = await client.readFrame())[0] !== 0xd0;) frames.push(next);
  await client.expectSilence();
  return frames.map((next) => parsePublish(next, 5));
}

/** The Subscription Identifiers of a delivery, in rising order. */
function identifiersOf({ properties }: { properties: [number, number | string][] }): number[] {
  return properties.filter(([id]) => id === 0x0b).map(([, value]) => Number(value)).toSorted((
    a,
    b,
  ) => a - b);
}

/** SUBSCRIBE to one filter, with an identifier. */
function identified(filter: string, identifier: number, options = 0): Uint8Array {
  const property = properties.subscriptionIdentifier(identifier);
  return subscribe({ [filter]: options }, { properties: property });
}

specTest("a delivery names the subscription that caused it [MQTT-3.3.4-3]", async (t) => {
  const client = await t.connect();
  await client.subscribe(identified("a/#", 1, 2));
  await client.subscribe(identified("b", 268_435_455));
  await client.subscribe(subscribe({ c: 1 }));
  const publisher = await t.connect();
  for (const [topic, wanted] of [["a/b", [1]], ["b", [268_435_455]], ["c", []]] as const) {
    for (const qos of [0, 1, 2] as const) {
      await publisher.send(publish(topic, "x", { qos, packetId: 1 }), pubrel(1));
      const [delivery, ...others] = await copiesOf(client, publisher);
      assertEquals(identifiersOf(delivery!), [...wanted]);
      assertEquals(others, []);
    }
  }
});

specTest("an identifier is replaced with its subscription [MQTT-3.3.4-3]", async (t) => {
  const client = await t.connect();
  const publisher = await t.connect();
  for (const identifier of [1, 2, 0]) {
    await client.subscribe(identifier === 0 ? subscribe({ a: 0 }) : identified("a", identifier));
    await publisher.send(publish("a", "x"));
    assertEquals(identifiersOf(await client.readPublish()), identifier === 0 ? [] : [identifier]);
  }
});

specTest("retained messages and those that waited name it as well [MQTT-3.3.4-3]", async (t) => {
  t.broker.publish("a", "retained", { retain: true });
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  const client = await t.connect(session);
  await client.subscribe(identified("a", 5, 1));
  assertEquals(identifiersOf(await client.expectPublish("a", "retained")), [5]);
  await t.drop(client);
  t.broker.publish("a", "waited", { qos: 1 });
  const again = await t.connect(session);
  assertEquals(identifiersOf(await again.expectPublish("a", "waited")), [5]);
});

specTest("one copy for several subscriptions names them all [MQTT-3.3.4-4]", async (t) => {
  const client = await t.connect();
  for (const [filter, identifier, qos] of [["a/#", 3, 0], ["a/b", 1, 1], ["+/b", 2, 2]] as const) {
    await client.subscribe(identified(filter, identifier, qos));
  }
  await client.subscribe(subscribe({ "#": 0 }));
  const publisher = await t.connect();
  for (const qos of [0, 1] as const) {
    await publisher.send(publish("a/b", "x", { qos }));
    const copies = await copiesOf(client, publisher);
    // This broker sends one.
    assertEquals(copies.map(identifiersOf), [[1, 2, 3]]);
  }
});

specTest("several copies each name their own [MQTT-3.3.4-5]", async (t) => {
  const client = await t.connect();
  await client.subscribe(identified("a", 1));
  await client.subscribe(identified("$share/g/a", 2));
  await client.subscribe(subscribe({ "$share/h/a": 0 }));
  const publisher = await t.connect();
  await publisher.send(publish("a", "x"));
  const copies = await copiesOf(client, publisher);
  assertEquals(copies.map((copy) => identifiersOf(copy).join()).toSorted(), ["", "1", "2"]);
});

specTest("a client publishes without Subscription Identifier [MQTT-3.3.4-6]", async (t) => {
  const witness = await subscriber(t, "#");
  for (const qos of [0, 1, 2] as const) {
    const property = properties.subscriptionIdentifier(1);
    await thrownOut(t, publish("a", "x", { qos, properties: property }), 0x82);
  }
  await witness.expectSilence();
});

specTest("more messages unfinished than the broker takes are too many [MQTT-3.3.4-7]", {
  broker: { limits: { receiveMaximum: 3 } },
}, async (t) => {
  const witness = await subscriber(t, "a", 2);
  const client = await t.connect();
  assertEquals(client.connack!.properties.find(([id]) => id === 0x21)?.[1], 3);
  for (const packetId of [1, 2, 3]) {
    await client.send(publish("a", `${packetId}`, { qos: 2, packetId }));
    await client.expect("50 02", uint16(packetId));
    await witness.expectPublish("a", `${packetId}`);
  }
  // One that is finished makes room for one more; QoS 0 needs none.
  await client.send(pubrel(2), publish("a", "4", { qos: 2, packetId: 4 }), publish("a", "5"));
  await client.expect("70 02 0002 50 02 0004");
  await client.send(publish("a", "6", { qos: 2, packetId: 6 }));
  await client.expectDisconnect(0x93);
  await witness.expectPublish("a", "4");
  await witness.expectPublish("a", "5");
  await witness.expectSilence();
});

specTest("QoS 1 messages that are acknowledged are not too many [MQTT-3.3.4-7]", {
  broker: { limits: { receiveMaximum: 1 } },
}, async (t) => {
  const client = await t.connect();
  const ids = Array.from({ length: 100 }, (_, index) => index + 1);
  await client.send(concat(ids.map((packetId) => publish("a", "", { qos: 1, packetId }))));
  for (const id of ids) await client.expect("40 03", uint16(id), "10");
});

/** A subscriber to everything that takes so many messages at once. */
const takes = (receiveMaximum: number) => ({
  properties: properties.receiveMaximum(receiveMaximum),
});

specTest("no more deliveries are unfinished than the client takes [MQTT-3.3.4-9]", async (t) => {
  const client = await subscriber(t, "#", 2, takes(2));
  for (let index = 1; index <= 8; index++) {
    t.broker.publish("a", `${index}`, { qos: index === 2 || index === 4 ? 2 : 1 });
  }
  const one = await client.expectPublish("a", "1");
  const two = await client.expectPublish("a", "2");
  await client.expectSilence();
  // PUBACK finishes a delivery.
  await client.send(puback(one.packetId));
  const three = await client.expectPublish("a", "3");
  await client.expectSilence();
  // PUBREC does not, PUBCOMP does.
  await client.send(pubrec(two.packetId));
  await client.expect("62 02", uint16(two.packetId));
  await client.expectSilence();
  await client.send(pubcomp(two.packetId));
  const four = await client.expectPublish("a", "4");
  await client.expectSilence();
  // So do a PUBREC and a PUBACK that refuse.
  await client.send(frame(0x50, uint16(four.packetId), Uint8Array.of(0x97)));
  const five = await client.expectPublish("a", "5");
  await client.expectSilence();
  await client.send(frame(0x40, uint16(three.packetId), Uint8Array.of(0x80)));
  await client.expectPublish("a", "6");
  // What is finished already finishes nothing more.
  await client.send(puback(one.packetId), puback(three.packetId), pubcomp(two.packetId));
  await client.expectSilence();
  await client.send(puback(five.packetId));
  await client.expectPublish("a", "7");
  await client.expectSilence();
});

specTest("what is sent again counts, too [MQTT-3.3.4-9]", async (t) => {
  const session = { clientId: "a", clean: false };
  const limit = (count: number) =>
    all(properties.sessionExpiry(100), properties.receiveMaximum(count));
  const client = await subscriber(t, "a", 1, { ...session, properties: limit(4) });
  for (let index = 1; index <= 6; index++) t.broker.publish("a", `${index}`, { qos: 1 });
  for (let index = 1; index <= 4; index++) await client.expectPublish("a", `${index}`);
  await client.expectSilence();
  await t.drop(client);
  const again = await t.connect({ ...session, properties: limit(2) });
  for (const index of [1, 2]) await again.expectPublish("a", `${index}`);
  for (let index = 3; index <= 6; index++) {
    await again.expectSilence();
    await again.send(puback(index - 2));
    await again.expectPublish("a", `${index}`);
  }
});

specTest("without a Receive Maximum of its own a client takes many [MQTT-3.3.4-9]", async (t) => {
  const client = await subscriber(t, "a", 1);
  for (let index = 0; index < 500; index++) t.broker.publish("a", "", { qos: 1 });
  for (let index = 0; index < 500; index++) await client.expectPublish("a", "");
});

specTest("a client that takes no more deliveries is answered [MQTT-3.3.4-10]", async (t) => {
  const client = await subscriber(t, "#", 2, takes(1));
  t.broker.publish("a", "1", { qos: 1 });
  t.broker.publish("a", "2", { qos: 2 });
  const { packetId } = await client.expectPublish("a", "1");
  await client.send("c0 00");
  await client.expect("d0 00");
  await client.send(subscribe({ b: 0 }, { packetId: 9 }));
  await client.expect("90 04 0009 00 00");
  await client.send(publish("c", "", { qos: 1, packetId: 1 }));
  await client.expect("40 02 0001");
  await client.send(publish("c", "", { qos: 2, packetId: 2 }), pubrel(2));
  await client.expect("50 02 0002 70 02 0002");
  // QoS 0 needs no quota either.
  await client.send(publish("d", "x"));
  await client.expectPublish("d", "x");
  await client.send(puback(packetId));
  await client.expectPublish("a", "2");
});
