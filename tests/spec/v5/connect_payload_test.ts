import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { ConnectRequest } from "../../../auth/mod.ts";
import { all, connect, frame, properties, publish, subscribe, text } from "./packets.ts";
import { specTest } from "./spec.ts";
import { BAD_UTF8, rawConnect, rejected, subscriber } from "./steps.ts";

/** What authenticators are asked, last first. */
const asked: ConnectRequest[] = [];

const remembers = {
  authenticate(request: ConnectRequest) {
    asked.unshift({ ...request, password: request.password?.slice() ?? null });
    return { reasonCode: 0 };
  },
};

specTest("the fields of the payload are read in their order [MQTT-3.1.3-1]", {
  broker: { authenticator: remembers },
}, async (t) => {
  const witness = await subscriber(t, "will");
  const will = { topic: "will", payload: "gone", properties: properties.contentType("text") };
  const fields = { clientId: "id", will, username: "user", password: "secret" };
  await t.drop(await t.connect(fields));
  const { properties: seen } = await witness.expectPublish("will", "gone");
  assertEquals(seen, [[0x03, "text"]]);
  assertEquals(asked[0]!.clientId, "id");
  assertEquals(asked[0]!.username, "user");
  assertEquals(asked[0]!.password, new TextEncoder().encode("secret"));
  await t.connect({ clientId: "id2", password: "only" });
  assertEquals(asked[0]!.username, null);
  assertEquals(asked[0]!.password, new TextEncoder().encode("only"));
});

specTest("a client identifier finds its own session [MQTT-3.1.3-2]", async (t) => {
  const session = { clean: false, properties: properties.sessionExpiry(100) };
  const names = ["a", "A", "a ", "ä", "a\u0308"];
  for (const name of names) {
    await t.drop(await subscriber(t, `to/${name}`, 1, { ...session, clientId: name }));
  }
  for (const name of names) t.broker.publish(`to/${name}`, name, { qos: 1 });
  for (const name of names) {
    const client = await t.dial({ ...session, clientId: name });
    assertEquals((await client.expectWelcome()).flags, 1);
    await client.expectPublish(`to/${name}`, name);
    await client.expectSilence();
  }
  const stranger = await t.dial({ ...session, clientId: "b" });
  assertEquals((await stranger.expectWelcome()).flags, 0);
  await stranger.expectSilence();
});

specTest("a CONNECT without client identifier is not let in [MQTT-3.1.3-3]", async (t) => {
  await rejected(t, rawConnect({ payload: new Uint8Array() }));
  await rejected(t, rawConnect({ payload: Uint8Array.of(0) }));
  const client = await t.client();
  await client.send(rawConnect({ payload: text("") }));
  await client.expectWelcome();
});

specTest("an ill-formed client identifier is not let in [MQTT-3.1.3-4]", async (t) => {
  for (const [, bytes] of BAD_UTF8) await rejected(t, rawConnect({ payload: text(bytes) }));
  await t.connect({ clientId: "\u{10ffff}é" });
});

specTest("identifiers of 1 to 23 letters and digits are accepted [MQTT-3.1.3-5]", async (t) => {
  const characters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const ids = [...characters, ...characters.match(/.{1,23}/g)!];
  for (let length = 1; length <= 23; length++) ids.push("Z9".repeat(12).slice(0, length));
  for (const clientId of ids) {
    const { properties } = await (await t.dial({ clientId })).expectWelcome();
    assertEquals(properties.filter(([id]) => id === 0x12), []);
  }
});

/** Comes without an identifier; tells the one that was assigned. */
const assigned = (connack: { properties: [number, number | string][] }) =>
  connack.properties.find(([id]) => id === 0x12)?.[1];

specTest("whoever has no identifier is given one [MQTT-3.1.3-6] [MQTT-3.2.2-16]", async (t) => {
  const ids = new Set<unknown>();
  for (let count = 0; count < 50; count++) {
    const id = assigned(await (await t.dial({ clean: count % 2 === 0 })).expectWelcome());
    assert(typeof id === "string" && id.length > 0);
    ids.add(id);
  }
  assertEquals(ids.size, 50);
});

specTest("an identifier that is in use is not given again [MQTT-3.2.2-16]", {
  // A poor source of randomness, which says everything a thousand times.
  broker: { random: ((calls) => () => Math.floor(calls++ / 1_000) / 100)(0) },
}, async (t) => {
  const first = assigned(await (await t.dial()).expectWelcome());
  const second = await t.dial();
  assertNotEquals(assigned(await second.expectWelcome()), first);
  assertEquals(t.broker.stats.sessions, 2);
});

specTest("an identifier given is as good as any [MQTT-3.1.3-7]", async (t) => {
  const session = { clean: false, properties: properties.sessionExpiry(100) };
  const client = await t.dial(session);
  const clientId = `${assigned(await client.expectWelcome())}`;
  await client.subscribe(subscribe({ a: 1 }));
  await t.drop(client);
  t.broker.publish("a", "queued", { qos: 1 });
  const again = await t.dial({ ...session, clientId });
  const connack = await again.expectWelcome();
  assertEquals([connack.flags, assigned(connack)], [1, undefined]);
  await again.expectPublish("a", "queued");
});

specTest("an identifier that is not accepted closes the connection [MQTT-3.1.3-8]", {
  broker: {
    authenticator: {
      authenticate: ({ clientId }) => ({ reasonCode: clientId === "bad" ? 0x85 : 0 }),
    },
  },
}, async (t) => {
  await (await t.dial({ clientId: "bad" })).expectRefusal(0x85);
  await t.connect({ clientId: "good" });
});

specTest("an ill-formed will topic is not let in [MQTT-3.1.3-11]", async (t) => {
  const none = Uint8Array.of(0);
  const willTo = (topic: Uint8Array) =>
    rawConnect({ flags: 0x06, payload: all(text("id"), none, text(topic), text("")) });
  for (const [, bytes] of BAD_UTF8) await rejected(t, willTo(bytes));
  const client = await t.client();
  await client.send(willTo(new TextEncoder().encode("é/\u{10ffff}")));
  await client.expectWelcome();
});

specTest("an ill-formed user name is not let in [MQTT-3.1.3-12]", async (t) => {
  const named = (name: Uint8Array) =>
    rawConnect({ flags: 0x82, payload: all(text("id"), text(name)) });
  for (const [, bytes] of BAD_UTF8) await rejected(t, named(bytes));
  const client = await t.client();
  await client.send(named(new TextEncoder().encode("é/\u{10ffff}")));
  await client.expectWelcome();
  // A password may be any bytes.
  const [, bytes] = BAD_UTF8[0]!;
  const other = await t.client();
  await other.send(rawConnect({ flags: 0x42, payload: all(text("id"), text(bytes)) }));
  await other.expectWelcome();
});

specTest("a CONNECT that is not laid out as one is not let in [MQTT-3.1.4-1]", async (t) => {
  const whole = connect({ clientId: "id", username: "user", password: "secret" }).subarray(2);
  for (let length = 0; length < whole.length; length++) {
    await rejected(t, frame(0x10, whole.subarray(0, length)));
  }
  await rejected(t, frame(0x10, whole, Uint8Array.of(0)));
  const property = (...bytes: number[]) =>
    rawConnect({ properties: Uint8Array.of(bytes.length, ...bytes) });
  // Session Expiry Interval twice, Receive Maximum and Maximum Packet Size of 0, flags of 2.
  await rejected(t, property(0x11, 0, 0, 0, 1, 0x11, 0, 0, 0, 1));
  await rejected(t, property(0x21, 0, 0));
  await rejected(t, property(0x27, 0, 0, 0, 0));
  await rejected(t, property(0x17, 2));
  await rejected(t, property(0x19, 2));
  // Authentication Data without a method, a property of PUBLISH, one that does not exist.
  await rejected(t, property(0x16, 0, 1, 0x61));
  await rejected(t, property(0x23, 0, 1));
  await rejected(t, property(0x7f, 0));
  // A section that is longer or shorter than it says.
  await rejected(t, rawConnect({ properties: Uint8Array.of(4, 0x11, 0, 0, 0, 1) }));
  await rejected(t, rawConnect({ properties: Uint8Array.of(90, 0x11, 0, 0, 0, 1) }));
  const client = await t.client();
  await client.send(frame(0x10, whole));
  await client.expectWelcome();
});

specTest("who fails a further check is closed [MQTT-3.1.4-2]", {
  broker: {
    authenticator: {
      authenticate: ({ username }) => ({ reasonCode: username === "good" ? 0 : 0x86 }),
    },
    authorizer: { mayPublish: (_, { will }) => !will, maySubscribe: () => true },
  },
}, async (t) => {
  await (await t.dial()).expectRefusal(0x86);
  await (await t.dial({ username: "bad", password: "x" })).expectRefusal(0x86);
  const will = { topic: "will", payload: "" };
  await (await t.dial({ username: "good", will })).expectRefusal(0x87);
  await (await t.dial({ username: "good", will: { ...will, topic: "a/+" } })).expectRefusal(0x90);
  assertEquals(t.broker.stats.sessions, 0);
  await t.connect({ username: "good" });
});

specTest("a second connection of a client ends the first [MQTT-3.1.4-3]", async (t) => {
  const witness = await t.connect({ clientId: "A" });
  for (const clean of [true, false]) {
    const first = await t.connect({ clientId: "a", clean });
    const second = await t.connect({ clientId: "a", clean });
    await first.expectDisconnect(0x8e);
    await second.expectSilence();
    await t.drop(second);
  }
  await witness.expectSilence();
});

specTest("who fails to authenticate ends nobody's connection [MQTT-3.1.4-3]", {
  broker: {
    authenticator: {
      authenticate: ({ username }) => ({ reasonCode: username === "bad" ? 0x87 : 0 }),
    },
  },
}, async (t) => {
  const first = await t.connect({ clientId: "a" });
  await (await t.dial({ clientId: "a", username: "bad" })).expectRefusal(0x87);
  await first.expectSilence();
});

specTest("the session is wiped or resumed before CONNACK [MQTT-3.1.4-4]", async (t) => {
  const session = { clientId: "a", properties: properties.sessionExpiry(100) };
  const first = await subscriber(t, "a", 1, { ...session, clean: true });
  // While the first is still connected.
  const second = await t.dial({ ...session, clean: false });
  assertEquals((await second.expectWelcome()).flags, 1);
  t.broker.publish("a", "resumed", { qos: 1 });
  await second.expectPublish("a", "resumed");
  await first.expectDisconnect(0x8e);
  const third = await t.dial({ ...session, clean: true });
  assertEquals((await third.expectWelcome()).flags, 0);
  t.broker.publish("a", "wiped", { qos: 1 });
  await third.expectSilence();
  assertEquals(t.broker.stats.sessions, 1);
});

specTest("a valid CONNECT is answered by CONNACK 0x00 [MQTT-3.1.4-5]", async (t) => {
  const many = all(
    properties.sessionExpiry(0xffff_ffff),
    properties.receiveMaximum(1),
    properties.maximumPacketSize(0xffff_ffff),
    properties.topicAliasMaximum(65_535),
    properties.requestResponseInformation(1),
    properties.requestProblemInformation(0),
    properties.user("a", "b"),
  );
  for (const fields of [{}, { properties: many }, { keepAliveSeconds: 65_535, clean: false }]) {
    const connack = await (await t.dial(fields)).expectWelcome();
    assertEquals(connack.flags, 0);
  }
});

specTest("nothing sent behind a CONNECT that is refused is done [MQTT-3.1.4-6]", {
  broker: {
    authenticator: { authenticate: ({ username }) => ({ reasonCode: username ? 0 : 0x87 }) },
  },
}, async (t) => {
  const witness = await subscriber(t, "#", 0, { username: "good" });
  const more = [publish("a", "x"), publish("a", "kept", { retain: true }), subscribe({ b: 0 })];
  const client = await t.client();
  await client.send(connect(), ...more);
  await client.expectRefusal(0x87);
  const faulty = await t.client();
  await faulty.send(rawConnect({ flags: 0x01 }), ...more);
  await faulty.expectRejection();
  await witness.expectSilence();
  assertEquals(t.broker.stats.retainedMessages, 0);
});

specTest("what is sent behind a CONNECT that is accepted is done [MQTT-3.1.4-6]", async (t) => {
  const witness = await subscriber(t, "#");
  const client = await t.client();
  await client.send(connect(), publish("a", "x"), subscribe({ b: 0 }));
  await client.expectWelcome();
  await client.expect("90 04 0001 00 00");
  await witness.expectPublish("a", "x");
});
