/** What a listener can do beyond MQTT: QoS 0 messages that wait, and a QoS that is raised. */
import { assertEquals } from "@std/assert";
import type { Conversation, SpecClient } from "../spec/harness.ts";
import { properties, puback, publish, subscribe } from "../spec/v5/packets.ts";
import { specTest } from "./spec.ts";

const session = { clientId: "s", clean: false, properties: properties.sessionExpiry(100) };

/** Members of a wide audience of `a`, so that it shares logs. */
async function crowd(t: Conversation, listener: number): Promise<SpecClient[]> {
  const members = [];
  for (let i = 0; i < 12; i++) {
    const member = await t.connect({}, listener);
    await member.subscribe(subscribe({ a: 0 }));
    members.push(member);
  }
  return members;
}

for (const isWide of [false, true]) {
  const audience = isWide ? "wide" : "narrow";
  specTest(`QoS 0 messages wait for a client that may return, in a ${audience} audience`, {
    listeners: [{ queueQoS0: true }, {}],
  }, async (t) => {
    const others = isWide ? await crowd(t, 1) : [];
    const before = await t.connect(session, 0);
    await before.subscribe(subscribe({ a: 1, b: 0 }));
    const plain = await t.connect({ ...session, clientId: "plain" }, 1);
    await plain.subscribe(subscribe({ a: 1 }));
    const brief = await t.connect({ clientId: "brief" }, 0);
    await brief.subscribe(subscribe({ a: 1 }));
    for (const client of [before, plain, brief]) await t.drop(client);
    const publisher = await t.connect({}, 1);
    await publisher.send(
      publish("a", "1"),
      publish("a", "2", { qos: 1, packetId: 1 }),
      publish("a", "3"),
      publish("b", "4", { qos: 1, packetId: 2 }),
    );
    await publisher.expect("40 02 0001", "40 02 0002");
    for (const other of others) {
      for (const payload of ["1", "2", "3"]) await other.expectPublish("a", payload);
    }
    const after = await t.connect(session, 0);
    const got = [];
    for (const payload of ["1", "2", "3", "4"]) {
      got.push((await after.expectPublish(payload === "4" ? "b" : "a", payload)).qos);
    }
    assertEquals(got, [0, 1, 0, 0]);
    t.broker.publish("a", "5");
    await after.expectPublish("a", "5");
    const plainAfter = await t.connect({ ...session, clientId: "plain" }, 1);
    await plainAfter.expectPublish("a", "2");
    t.broker.publish("a", "5");
    await plainAfter.expectPublish("a", "5");
  });
}

specTest("a QoS 0 message does not overtake those that wait [MQTT-4.6.0-6]", {
  listeners: [{ queueQoS0: true }],
}, async (t) => {
  const fields = [session.properties, properties.receiveMaximum(1)];
  const all = Uint8Array.from(fields.flatMap((bytes) => [...bytes]));
  const client = await t.connect({ ...session, properties: all });
  await client.subscribe(subscribe({ a: 1 }));
  t.broker.publish("a", "1", { qos: 1 });
  const { packetId } = await client.expectPublish("a", "1");
  t.broker.publish("a", "2", { qos: 1 });
  t.broker.publish("a", "3");
  await client.expectSilence();
  await client.send(puback(packetId));
  await client.expectPublish("a", "2");
  await client.expectPublish("a", "3");
});

specTest("a QoS 0 message for which there is no room ends no session", {
  broker: { limits: { backlogMessagesMax: 2 } },
  listeners: [{ queueQoS0: true }],
}, async (t) => {
  const before = await t.connect(session);
  await before.subscribe(subscribe({ a: 1 }));
  await t.drop(before);
  for (const payload of ["1", "2", "3", "4"]) t.broker.publish("a", payload);
  assertEquals(t.broker.stats.dropped.backlog, 2);
  const after = await t.connect(session);
  for (const payload of ["1", "2"]) await after.expectPublish("a", payload);
  await after.expectSilence();
});

specTest("QoS 0 messages of a shared subscription wait where they may", {
  listeners: [{ queueQoS0: true }],
}, async (t) => {
  const before = await t.connect(session);
  await before.subscribe(subscribe({ "$share/g/a": 0 }));
  await t.drop(before);
  t.broker.publish("a", "1");
  await (await t.connect(session)).expectPublish("a", "1");
});

for (const isWide of [false, true]) {
  specTest(`a QoS is raised to that of the subscription, ${isWide ? "widely" : "narrowly"}`, {
    listeners: [{ upgradeOutgoingQoS: true }, {}],
  }, async (t) => {
    const others = isWide ? await crowd(t, 1) : [];
    const raised = await t.connect(session, 0);
    await raised.subscribe(subscribe({ a: 1, b: 0 }));
    const plain = await t.connect({}, 1);
    await plain.subscribe(subscribe({ a: 1 }));
    const publisher = await t.connect({}, 1);
    for (const payload of ["1", "2"]) await publisher.send(publish("a", payload));
    for (const payload of ["1", "2"]) {
      const { qos, packetId } = await raised.expectPublish("a", payload);
      assertEquals(qos, 1);
      await raised.send(puback(packetId));
      assertEquals((await plain.expectPublish("a", payload)).qos, 0);
      for (const other of others) await other.expectPublish("a", payload);
    }
    t.broker.publish("b", "x", { qos: 2 });
    assertEquals((await raised.expectPublish("b", "x")).qos, 0);
    await t.drop(raised);
    await publisher.send(publish("a", "away"));
    await plain.expectPublish("a", "away");
    const again = await t.connect(session, 0);
    assertEquals((await again.expectPublish("a", "away")).qos, 1);
  });
}

specTest("a QoS of retained messages is raised as well", {
  listeners: [{ upgradeOutgoingQoS: true }],
}, async (t) => {
  t.broker.publish("a", "kept", { retain: true });
  const client = await t.connect();
  await client.subscribe(subscribe({ a: 2 }));
  const { qos, retain } = await client.expectPublish("a", "kept");
  assertEquals([qos, retain], [2, true]);
});

specTest("the rules of the whole broker hold where a listener has none", {
  broker: { rules: { upgradeOutgoingQoS: true, queueQoS0: true } },
}, async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ a: 1 }));
  t.broker.publish("a", "x");
  assertEquals((await client.expectPublish("a", "x")).qos, 1);
});
