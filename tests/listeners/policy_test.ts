/** What a listener says in CONNACK, and then holds its clients to. */
import { assertEquals } from "@std/assert";
import type { Authorizer } from "../../auth/mod.ts";
import type { SpecClient } from "../spec/harness.ts";
import { properties, puback, publish, subscribe } from "../spec/v5/packets.ts";
import { specTest, timeTest } from "./spec.ts";

/** The properties of the CONNACK that let a client in. */
function told(client: SpecClient): Record<number, number | string> {
  return Object.fromEntries(client.connack!.properties);
}

/** Two listeners of one broker: the first as the broker is, the second with rules of its own. */
const narrow = [{}, {
  maximumQoS: 1,
  retainAvailable: false,
  wildcardSubscriptionAvailable: false,
  sharedSubscriptionAvailable: false,
  subscriptionIdentifiersAvailable: false,
  packetBytesMax: 1000,
  receiveMaximum: 3,
  topicAliasMax: 5,
  keepAliveSecondsMax: 60,
  sessionExpirySecondsMax: 120,
}] as const;

specTest("CONNACK says what holds at the listener that was connected to [MQTT-3.2.2-9]", {
  listeners: narrow,
}, async (t) => {
  const session = { properties: properties.sessionExpiry(600), keepAliveSeconds: 300 };
  const { 0x12: _first, ...wide } = told(await t.connect(session, 0));
  assertEquals(wide, { 0x21: 1024, 0x22: 64, 0x27: 16 * 1024 * 1024 });
  const { 0x12: _second, ...small } = told(await t.connect(session, 1));
  assertEquals(small, {
    0x11: 120,
    0x13: 60,
    0x21: 3,
    0x22: 5,
    0x24: 1,
    0x25: 0,
    0x27: 1000,
    0x28: 0,
    0x29: 0,
    0x2a: 0,
  });
});

specTest("each listener holds its clients to its own policy [MQTT-3.2.2-11]", {
  listeners: narrow,
}, async (t) => {
  const faults: [packet: Uint8Array, reasonCode: number][] = [
    [publish("a", "", { qos: 2 }), 0x9b],
    [publish("a", "", { retain: true }), 0x9a],
    [publish("a", "x".repeat(1000)), 0x95],
    [publish("a", "", { properties: properties.topicAlias(6) }), 0x94],
    [subscribe({ a: 0 }, { properties: properties.subscriptionIdentifier(1) }), 0xa1],
  ];
  for (const [packet, reasonCode] of faults) {
    const free = await t.connect({}, 0);
    await free.send(packet);
    const bound = await t.connect({}, 1);
    await bound.send(packet);
    await bound.expectDisconnect(reasonCode);
  }
  const client = await t.connect({}, 1);
  await client.send(subscribe({ "a/#": 0, "$share/g/a": 0 }));
  assertEquals((await client.readAck()).reasonCodes, [0xa2, 0x9e]);
});

specTest("a version that a listener does not speak is refused [MQTT-3.1.2-2]", {
  listeners: [{ protocolVersions: [4] }],
}, async (t) => {
  await t.connect({ level: 4 });
  await (await t.dial({ level: 5 })).expectRefusal(0x84);
  await (await t.dial({ level: 3, clientId: "old" })).expectRefusal(1);
});

specTest("each listener has its own limit of connections", {
  listeners: [{ connectionsMax: 1 }, {}],
}, async (t) => {
  const first = await t.connect({}, 0);
  await (await t.dial({}, 0)).expectRefusal(0x97);
  await t.connect({}, 1);
  assertEquals(t.broker.stats.connectionsRefused, 1);
  await t.drop(first);
  await t.connect({}, 0);
});

const never: Authorizer = { mayPublish: () => false, maySubscribe: () => false };

specTest("each listener has its own authenticator and authorizer", {
  broker: { authorizer: never, authenticator: { authenticate: () => ({ reasonCode: 0x86 }) } },
  listeners: [{}, { authorizer: null, authenticator: { authenticate: () => ({ reasonCode: 0 }) } }],
}, async (t) => {
  await (await t.dial({}, 0)).expectRefusal(0x86);
  const client = await t.connect({ will: { topic: "will", payload: "" } }, 1);
  await client.subscribe(subscribe({ a: 1 }));
  await client.send(publish("a", "x"));
  await client.expectPublish("a", "x");
});

specTest("a subscriber is granted no more than the Maximum QoS [MQTT-3.8.4-7]", {
  listeners: [{ maximumQoS: 1 }],
}, async (t) => {
  for (const level of [5, 4] as const) {
    const client = await t.connect({ level });
    await client.send(level === 5 ? subscribe({ a: 2, b: 0 }) : "82 0a 0001 0001 61 02 0001 62 00");
    assertEquals((await client.readAck()).reasonCodes, [1, 0]);
    t.broker.publish("a", "x", { qos: 2 });
    assertEquals((await client.expectPublish("a", "x")).qos, 1);
  }
});

specTest(
  "a payload that is too large for its listener is acknowledged and dropped [MQTT-3.4.2-1]",
  {
    listeners: [{ payloadBytesMax: 5 }, {}],
  },
  async (t) => {
    const reader = await t.connect({}, 1);
    await reader.subscribe(subscribe({ "#": 0 }));
    const large = { level: 5 as const, will: { topic: "w", payload: "123456" } };
    await (await t.dial(large, 0)).expectRefusal(0x95);
    await t.connect({ ...large, will: { topic: "w", payload: "12345" } }, 0);
    const client = await t.connect({}, 0);
    await client.send(
      publish("a", "123456"),
      publish("a", "12345"),
      publish("long/".repeat(20), "12345"),
      publish("a", "123456", { qos: 1, packetId: 1 }),
      publish("a", "123456", { qos: 2, packetId: 2, retain: true }),
      publish("a", "12345", { qos: 1, packetId: 3 }),
    );
    await client.expect("40 03 0001 97", "50 03 0002 97", "40 02 0003");
    await reader.expectPublish("a", "12345");
    await reader.expectPublish("long/".repeat(20), "12345");
    await reader.expectPublish("a", "12345");
    assertEquals(t.broker.stats.dropped["payload-too-large"], 3);
    assertEquals(t.broker.stats.retainedMessages, 0);
  },
);

specTest("in 3.1.1 a payload that is too large is acknowledged like any other [MQTT-3.3.5-2]", {
  listeners: [{ payloadBytesMax: 1 }],
}, async (t) => {
  const client = await t.connect({ level: 4 });
  await client.send("32 07 0001 61 0001 7878", "34 07 0001 61 0002 7878");
  await client.expect("40 02 0001", "50 02 0002");
  assertEquals(t.broker.stats.dropped["payload-too-large"], 2);
});

timeTest("a Keep Alive is shortened where that can be told, and nowhere else [MQTT-3.2.2-21]", {
  listeners: [{ keepAliveSecondsMax: 10 }],
}, async (t) => {
  const v5 = await t.connect({ keepAliveSeconds: 60 });
  const v311 = await t.connect({ level: 4, keepAliveSeconds: 60 });
  const endless = await t.connect({ level: 4, keepAliveSeconds: 0 });
  await t.pass(15_000);
  await v5.expectDisconnect(0x8d);
  await t.pass(74_999);
  assertEquals(t.broker.stats.connections, 2);
  await t.pass(1);
  await v311.expectClose();
  await endless.ping();
});

specTest("a client is sent no more at once than its listener has in flight [MQTT-3.3.4-9]", {
  listeners: [{ inflightMax: 2 }],
}, async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ a: 1 }));
  for (const payload of ["1", "2", "3"]) t.broker.publish("a", payload, { qos: 1 });
  const { packetId } = await client.expectPublish("a", "1");
  await client.expectPublish("a", "2");
  await client.expectSilence();
  await client.send(puback(packetId));
  await client.expectPublish("a", "3");
});

timeTest("a session outlives its connection no longer than its listener has it [MQTT-3.1.2-23]", {
  listeners: [{ sessionExpirySecondsMax: 60 }],
}, async (t) => {
  for (const level of [5, 4] as const) {
    const session = { level, clientId: `s${level}`, clean: false };
    const asked = level === 5 ? { properties: properties.sessionExpiry(600) } : {};
    await t.drop(await t.connect({ ...session, ...asked }));
  }
  await t.pass(59_999);
  assertEquals(t.broker.stats.sessions, 2);
  await t.pass(1);
  assertEquals(t.broker.stats.sessions, 0);
});
