/** What a listener says in CONNACK, and then holds its clients to. */
import { assertEquals } from "@std/assert";
import type { Authorizer } from "../../mod.ts";
import type { SpecClient } from "../spec/harness.ts";
import { properties, publish, subscribe } from "../spec/v5/packets.ts";
import { specTest } from "./spec.ts";

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

specTest("each listener holds its clients to its own terms [MQTT-3.2.2-11]", {
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
