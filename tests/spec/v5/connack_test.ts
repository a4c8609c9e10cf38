import { assert, assertEquals } from "@std/assert";
import type { SpecClient } from "../harness.ts";
import { parseConnack } from "../parse.ts";
import { all, connect, pingreq, properties, publish, pubrel, subscribe } from "./packets.ts";
import { specTest, timeTest } from "./spec.ts";
import { subscriber, thrownOut } from "./steps.ts";

/** Lets everyone in, but takes a while. */
const slow = { authenticate: () => Promise.resolve().then(() => ({ reasonCode: 0 })) };

specTest("CONNACK is the first packet of all [MQTT-3.2.0-1]", {
  broker: { authenticator: slow },
}, async (t) => {
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  const before = await subscriber(t, "#", 1, session);
  t.broker.publish("a", "in flight", { qos: 1 });
  await before.expectPublish("a", "in flight");
  await t.drop(before);
  t.broker.publish("a", "queued", { qos: 1 });
  const client = await t.client();
  await client.send(connect(session), pingreq(), subscribe({ b: 0 }), publish("b", "", { qos: 1 }));
  assertEquals((await client.expectWelcome()).flags, 1);
});

specTest("AUTH may come before CONNACK [MQTT-3.2.0-1]", {
  broker: {
    authenticator: {
      ...slow,
      begin: () => ({ next: () => ({ kind: "continue" }) }),
    },
  },
}, async (t) => {
  const method = properties.authenticationMethod("m");
  const client = await t.dial({ properties: method });
  assertEquals((await client.readAuth()).reasonCode, 0x18);
});

specTest("there is one CONNACK at most [MQTT-3.2.0-2]", async (t) => {
  const client = await t.client();
  await client.send(connect(), connect());
  await client.expectWelcome();
  await client.expectDisconnect(0x82);
  const refused = await t.client();
  await refused.send(connect({ will: { topic: "#", payload: "" } }), connect());
  await refused.expectRefusal(0x90);
});

specTest("of the acknowledge flags only Session Present is used [MQTT-3.2.2-1]", async (t) => {
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  for (const flags of [0, 1, 1]) {
    const client = await t.dial(session);
    assertEquals((await client.expectWelcome()).flags, flags);
    await t.drop(client);
  }
});

specTest("a session begun anew is not present [MQTT-3.2.2-2]", async (t) => {
  const session = { clientId: "a", properties: properties.sessionExpiry(100) };
  for (let count = 0; count < 3; count++) {
    const { flags, reasonCode } = await (await t.dial({ ...session, clean: true })).readConnack();
    assertEquals([flags, reasonCode], [0, 0]);
  }
});

specTest("a session gone on with is present, if there was one [MQTT-3.2.2-3]", async (t) => {
  const lasting = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  const fleeting = { clientId: "b", clean: false };
  for (const [fields, present] of [[lasting, 1], [fleeting, 0]] as const) {
    await t.drop(await t.connect(fields));
    const client = await t.dial(fields);
    const { flags, reasonCode } = await client.readConnack();
    assertEquals([flags, reasonCode], [present, 0]);
    await t.leave(client);
  }
});

/** Lets in whoever does not name a reason as user name. */
const asToldBy = {
  authenticate: ({ username }: { username: string | null }) => ({
    reasonCode: Number(username ?? 0),
  }),
};

/** The reasons for which a client may be refused in CONNACK. */
const REFUSALS = [
  ...[0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c],
  ...[0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f],
];

specTest("who is refused has no session and no connection [MQTT-3.2.2-6] [MQTT-3.2.2-7]", {
  broker: { authenticator: asToldBy },
}, async (t) => {
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  await t.drop(await t.connect(session));
  for (const reason of REFUSALS) {
    const client = await t.dial({ ...session, username: `${reason}` });
    await client.expectRefusal(reason);
  }
  assertEquals((await (await t.dial(session)).expectWelcome()).flags, 1);
});

specTest("CONNACK has only reasons that it may have [MQTT-3.2.2-8]", {
  broker: { authenticator: asToldBy },
}, async (t) => {
  for (let reason = 1; reason < 256; reason++) {
    const client = await t.dial({ username: `${reason}` });
    const { reasonCode } = await client.readConnack();
    assertEquals(reasonCode, REFUSALS.includes(reason) ? reason : 0x80);
    await client.expectClose();
  }
});

/** The value of a property of the CONNACK that let the client in. */
function announced(client: SpecClient, id: number): number | string | undefined {
  return client.connack!.properties.find(([known]) => known === id)?.[1];
}

for (const maximumQoS of [0, 1] as const) {
  specTest(`a broker limited to QoS ${maximumQoS} says so [MQTT-3.2.2-9] [MQTT-3.2.2-11]`, {
    broker: { maximumQoS },
  }, async (t) => {
    const client = await t.connect();
    assertEquals(announced(client, 0x24), maximumQoS);
    await client.send(publish("a", "", { qos: maximumQoS }));
    if (maximumQoS === 1) await client.expect("40 03 0001 10");
    await client.ping();
    for (const qos of [1, 2] as const) {
      if (qos > maximumQoS) await thrownOut(t, publish("a", "", { qos }), 0x9b);
    }
  });

  specTest(`a broker limited to QoS ${maximumQoS} takes any subscription [MQTT-3.2.2-10]`, {
    broker: { maximumQoS },
  }, async (t) => {
    const client = await t.connect();
    await client.send(subscribe({ a: 0, b: 1, c: 2 }));
    const { reasonCodes } = await client.readAck();
    assertEquals(reasonCodes.map((code, qos) => code <= qos), [true, true, true]);
    await client.send(publish("c", "x", { qos: maximumQoS }));
    if (maximumQoS === 1) await client.expect("40 02 0001");
    assertEquals((await client.expectPublish("c", "x")).qos, maximumQoS);
  });

  specTest(`a broker limited to QoS ${maximumQoS} takes no will above it [MQTT-3.2.2-12]`, {
    broker: { maximumQoS },
  }, async (t) => {
    const will = { topic: "a", payload: "" };
    for (const qos of [0, 1, 2] as const) {
      const client = await t.dial({ will: { ...will, qos } });
      if (qos <= maximumQoS) await client.expectWelcome();
      else await client.expectRefusal(0x9b);
    }
  });
}

specTest("a broker without limits announces no maximum of QoS [MQTT-3.2.2-9]", async (t) => {
  const client = await t.connect();
  assertEquals(announced(client, 0x24), undefined);
  await client.send(publish("a", "", { qos: 2 }));
  await client.expect("50 03 0001 10");
});

specTest("a broker that retains nothing takes no will to be retained [MQTT-3.2.2-13]", {
  broker: { retainAvailable: false },
}, async (t) => {
  const will = { topic: "a", payload: "" };
  await (await t.dial({ will: { ...will, retain: true } })).expectRefusal(0x9a);
  await t.connect({ will });
});

specTest("a broker that retains nothing takes no RETAIN [MQTT-3.2.2-14]", {
  broker: { retainAvailable: false },
}, async (t) => {
  const client = await t.connect();
  assertEquals(announced(client, 0x25), 0);
  await client.send(publish("a", "x"));
  await client.ping();
  for (const qos of [0, 1, 2] as const) {
    await thrownOut(t, publish("a", "x", { retain: true, qos }), 0x9a);
  }
  assertEquals(t.broker.stats.retainedMessages, 0);
});

specTest("a packet larger than announced is not taken [MQTT-3.2.2-15]", {
  broker: { limits: { packetBytesMax: 200 } },
}, async (t) => {
  const client = await subscriber(t, "a");
  assertEquals(announced(client, 0x27), 200);
  // With a length of two bytes, a PUBLISH to "a" is seven bytes longer than its payload.
  const exact = publish("a", "x".repeat(193));
  assertEquals(exact.length, 200);
  await client.send(exact);
  await client.expect(exact);
  for (const qos of [0, 1] as const) {
    await thrownOut(t, publish("a", "x".repeat(194), { qos }), 0x95);
  }
  // The beginning is enough.
  await thrownOut(t, "30 ff ff ff 7f", 0x95);
  await client.expectSilence();
});

specTest("an alias above the maximum announced is not taken [MQTT-3.2.2-17]", {
  broker: { limits: { topicAliasMax: 3 } },
}, async (t) => {
  const client = await subscriber(t, "a");
  assertEquals(announced(client, 0x22), 3);
  await client.send(publish("a", "x", { properties: properties.topicAlias(3) }));
  await client.expectPublish("a", "x");
  for (const alias of [4, 65_535]) {
    await thrownOut(t, publish("a", "x", { properties: properties.topicAlias(alias) }), 0x94);
  }
  await client.expectSilence();
});

specTest("without a maximum announced no alias is taken [MQTT-3.2.2-18]", {
  broker: { limits: { topicAliasMax: 0 } },
}, async (t) => {
  const client = await t.connect();
  assert(announced(client, 0x22) === undefined);
  await thrownOut(t, publish("a", "x", { properties: properties.topicAlias(1) }), 0x94);
});

specTest("a Reason String that makes CONNACK too large is left out [MQTT-3.2.2-19]", {
  broker: {
    authenticator: {
      authenticate: () => ({ reasonCode: 0x87, reasonString: "somebody else's" }),
    },
  },
}, async (t) => {
  // With it CONNACK has 23 bytes, without 5.
  for (const size of [5, 22, 23]) {
    const client = await t.dial({ properties: properties.maximumPacketSize(size) });
    const told = (await client.expectRefusal(0x87)).properties;
    assertEquals(told, size < 23 ? [] : [[0x1f, "somebody else's"]]);
  }
});

specTest("CONNACK has no User Properties that make it too large [MQTT-3.2.2-20]", async (t) => {
  const fields = { properties: properties.user("name", "value"), clientId: "a" };
  const whole = await (await t.dial(fields)).readFrame();
  const limit = all(fields.properties, properties.maximumPacketSize(whole.length));
  const client = await t.dial({ ...fields, properties: limit });
  const frame = await client.readFrame();
  assert(frame.length <= whole.length);
  const { reasonCode, properties: told } = parseConnack(frame, 5);
  assertEquals(reasonCode, 0);
  assertEquals(told.filter(([id]) => id === 0x26), []);
});

timeTest("without Server Keep Alive that of the client counts [MQTT-3.2.2-22]", {
  broker: { limits: { keepAliveSecondsMax: 60 } },
}, async (t) => {
  for (const seconds of [1, 60]) {
    const client = await t.connect({ keepAliveSeconds: seconds });
    assertEquals(announced(client, 0x13), undefined);
    await t.pass(seconds * 1_500 - 1);
    await client.expectSilence();
    await t.pass(seconds * 1_500);
    await client.expectDisconnect(0x8d);
  }
});

timeTest("a Server Keep Alive counts for the broker too [MQTT-3.2.2-22]", {
  broker: { limits: { keepAliveSecondsMax: 60 } },
}, async (t) => {
  for (const seconds of [0, 61, 65_535]) {
    const client = await t.connect({ keepAliveSeconds: seconds });
    assertEquals(announced(client, 0x13), 60);
    await t.pass(89_999);
    await client.send(pubrel(1));
    await client.expect("70 03 0001 92");
    await t.pass(90_000);
    await client.expectDisconnect(0x8d);
  }
});
