import { assert, assertEquals } from "@std/assert";
import type { Authenticator } from "../../../auth/mod.ts";
import {
  all,
  auth,
  connect,
  disconnect,
  pingreq,
  properties,
  puback,
  publish,
  pubrel,
  subscribe,
  unsubscribe,
} from "./packets.ts";
import { specTest, timeTest } from "./spec.ts";
import { subscriber } from "./steps.ts";

timeTest("a client is closed after one and a half Keep Alive [MQTT-3.1.2-22]", async (t) => {
  const witness = await subscriber(t, "will");
  const will = { topic: "will", payload: "gone" };
  const client = await t.connect({ keepAliveSeconds: 10, will });
  await t.pass(14_999);
  await witness.expectSilence();
  await t.pass(1);
  await client.expectDisconnect(0x8d);
  await witness.expectPublish("will", "gone");
});

timeTest("the will of a silent client waits for nothing more [MQTT-3.1.2-22]", async (t) => {
  const will = { topic: "will", payload: "gone" };
  for (const level of [3, 4, 5] as const) {
    const witness = await subscriber(t, "will");
    const client = await t.connect({ level, clientId: "silent", keepAliveSeconds: 10, will });
    await t.pass(15_000);
    // It reads nothing: its last bytes have nobody to take them, and its connection lingers.
    await witness.expectPublish("will", "gone");
    assertEquals([t.broker.stats.clients, t.broker.stats.connections], [1, 2]);
    assertEquals(t.broker.stats.sessions, 1);
    await client.expectDisconnect(0x8d);
    await t.drop(witness);
  }
});

timeTest("a lasting session of a silent client is free at once [MQTT-3.1.2-22]", async (t) => {
  const lasting = {
    clientId: "silent",
    clean: false,
    properties: properties.sessionExpiry(1000),
  };
  const silent = await t.connect({ ...lasting, keepAliveSeconds: 10 });
  await silent.subscribe(subscribe({ a: 1 }));
  await t.pass(15_000);
  const publisher = await t.connect();
  await publisher.send(publish("a", "x", { qos: 1 }));
  assertEquals((await publisher.readAck()).reasonCodes, [0]);
  const again = await t.connect(lasting);
  assertEquals(again.connack!.flags, 1);
  await again.expectPublish("a", "x");
  await silent.expectDisconnect(0x8d);
  await again.expectSilence();
});

timeTest("every packet keeps a client alive [MQTT-3.1.2-22]", async (t) => {
  const client = await t.connect({ keepAliveSeconds: 10 });
  const sign = [pingreq(), publish("a", ""), subscribe({ a: 0 }), puback(9), pubrel(9)];
  for (const packet of sign) {
    await t.pass(14_999);
    await client.send(packet);
  }
  await client.expect("d0 00", "90 04 0001 00 00", "70 03 0009 92");
  await t.pass(14_999);
  await client.expectSilence();
  // What comes to the client does not.
  await t.pass(14_999);
  const publisher = await t.connect();
  await publisher.send(publish("a", "x"));
  await client.expectPublish("a", "x");
  await t.pass(1);
  await client.expectDisconnect(0x8d);
});

timeTest("without Keep Alive a client may be silent for ever [MQTT-3.1.2-22]", async (t) => {
  const client = await t.connect({ keepAliveSeconds: 0 });
  await t.pass(10 * 365 * 86_400_000);
  await client.expectSilence();
});

timeTest("a session outlives its connection by its expiry interval [MQTT-3.1.2-23]", async (t) => {
  const fields = { clientId: "a", clean: false, properties: properties.sessionExpiry(10) };
  await t.drop(await subscriber(t, "kept", 1, fields));
  await t.pass(9_999);
  t.broker.publish("kept", "queued", { qos: 1 });
  const client = await t.dial(fields);
  assertEquals((await client.expectWelcome()).flags, 1);
  await client.expectPublish("kept", "queued");
  // The interval counts from the last connection on.
  await t.pass(20_000);
  await t.drop(client);
  await t.pass(9_999);
  assertEquals((await (await t.dial(fields)).expectWelcome()).flags, 1);
});

specTest("no packet is larger than the client takes [MQTT-3.1.2-24]", async (t) => {
  // A PUBLISH to "a" is five bytes longer than its payload.
  const client = await subscriber(t, "a", 1, { properties: properties.maximumPacketSize(40) });
  const publisher = await t.connect();
  for (const size of [36, 35, 100, 35]) await publisher.send(publish("a", "x".repeat(size - 1)));
  await publisher.ping();
  const exact = "x".repeat(34);
  await client.expectPublish("a", exact);
  await client.expectPublish("a", exact);
  await client.expectSilence();
  // A subscriber without a limit gets them all.
  const wide = await subscriber(t, "a");
  await publisher.send(publish("a", "x".repeat(1_000)));
  await wide.expectPublish("a", "x".repeat(1_000));
});

specTest("a client that takes hardly anything gets nothing larger [MQTT-3.1.2-24]", async (t) => {
  for (let size = 5; size <= 40; size++) {
    const client = await t.dial({ properties: properties.maximumPacketSize(size) });
    const frame = await client.readFrameOrEnd();
    assert(frame === null || frame.length <= size, `${frame?.length} bytes, of at most ${size}`);
    if (frame === null || frame[3] !== 0) continue;
    // An answer that fits comes; one that does not ends the connection.
    await client.send(subscribe({ a: 0 }));
    await client.expect("90 04 0001 00 00");
    const many = Array.from({ length: 40 }, (_, index) => `${index}`);
    const isEven = size % 2 === 0;
    await client.send(
      isEven ? unsubscribe(many) : subscribe(Object.fromEntries(many.map((filter) => [filter, 0]))),
    );
    await client.expectDisconnect(0x95);
  }
});

specTest("a message too large for a client is as good as delivered [MQTT-3.1.2-25]", async (t) => {
  const limits = all(properties.maximumPacketSize(40), properties.receiveMaximum(1));
  const fields = { clientId: "a", clean: false };
  const kept = { ...fields, properties: all(limits, properties.sessionExpiry(100)) };
  const client = await subscriber(t, "a", 2, kept);
  const publisher = await t.connect();
  for (const qos of [1, 2, 0] as const) {
    await publisher.send(publish("a", "x".repeat(100), { qos, packetId: 1 }));
    if (qos > 0) await publisher.readFrame();
    if (qos === 2) await publisher.send(pubrel(1)), await publisher.readFrame();
  }
  await publisher.send(publish("a", "small", { qos: 1 }));
  const { packetId } = await client.expectPublish("a", "small");
  // It holds no quota, and does not come when the session goes on.
  await publisher.send(publish("a", "next", { qos: 1 }));
  await client.send(puback(packetId));
  await client.expectPublish("a", "next");
  await t.drop(client);
  const again = await t.connect(kept);
  await again.expectPublish("a", "next");
  await again.expectSilence();
});

/** Topics long enough to be worth an alias. */
const TOPICS = ["a/long/topic", "another/long/topic", "a/third/long/topic"];

specTest("aliases stay within what the client takes [MQTT-3.1.2-26] [MQTT-3.3.2-11]", async (t) => {
  for (const max of [1, 2, 65_535]) {
    const client = await subscriber(t, "#", 1, { properties: properties.topicAliasMaximum(max) });
    const known = new Map<number, string>();
    for (const [round, topic] of [...TOPICS, ...TOPICS].entries()) {
      t.broker.publish(topic, `${round}`, { qos: 1 });
      const delivery = await client.readPublish();
      const alias = delivery.properties.find(([id]) => id === 0x23)?.[1];
      if (alias !== undefined) {
        assert(typeof alias === "number" && alias >= 1 && alias <= max, `Alias ${alias}`);
        if (delivery.topic !== "") known.set(alias, delivery.topic);
      }
      assertEquals(delivery.topic || known.get(Number(alias)), topic);
    }
    client.close();
  }
});

specTest("a client that wants no aliases gets none [MQTT-3.1.2-27]", async (t) => {
  for (const wish of [new Uint8Array(), properties.topicAliasMaximum(0)]) {
    const client = await subscriber(t, "#", 2, { properties: wish });
    for (const qos of [0, 1, 2] as const) {
      for (const topic of [...TOPICS, ...TOPICS]) {
        t.broker.publish(topic, "x", { qos });
        assertEquals((await client.expectPublish(topic, "x")).properties, []);
      }
    }
  }
});

specTest("Response Information comes only when it is asked for [MQTT-3.1.2-28]", {
  broker: { responseInformation: "reply/here" },
}, async (t) => {
  const informed = async (wish: Uint8Array) => {
    const connack = await (await t.dial({ properties: wish })).expectWelcome();
    return connack.properties.filter(([id]) => id === 0x1a);
  };
  assertEquals(await informed(new Uint8Array()), []);
  assertEquals(await informed(properties.requestResponseInformation(0)), []);
  assertEquals(await informed(properties.requestResponseInformation(1)), [[0x1a, "reply/here"]]);
});

specTest("who wants no problem information gets none but where it may be [MQTT-3.1.2-29]", {
  broker: {
    authorizer: { mayPublish: (_, { topic }) => topic !== "no", maySubscribe: () => false },
  },
}, async (t) => {
  const wish = properties.requestProblemInformation(0);
  const client = await t.connect({ properties: wish });
  await client.send(
    publish("no", "", { qos: 1, packetId: 1 }),
    publish("no", "", { qos: 2, packetId: 2 }),
    pubrel(3),
    subscribe({ a: 0, "#/": 0 }, { packetId: 4 }),
    unsubscribe(["a", "#/"], { packetId: 5 }),
  );
  for (let count = 0; count < 5; count++) {
    const { reasonCodes, properties } = await client.readAck();
    // They say that something is wrong, but not in words.
    assert(reasonCodes.some((code) => code !== 0));
    assertEquals(properties, []);
  }
});

specTest("User Properties of a message come all the same [MQTT-3.1.2-29]", async (t) => {
  const client = await subscriber(t, "a", 0, {
    properties: properties.requestProblemInformation(0),
  });
  const packet = publish("a", "x", { properties: properties.user("name", "value") });
  await client.send(packet);
  await client.expect(packet);
});

/** Asks twice before it lets anyone in. */
const asksTwice: Authenticator = {
  authenticate: () => ({ reasonCode: 0 }),
  begin() {
    let step = 0;
    return { next: () => ++step <= 2 ? { kind: "continue" } : { kind: "success" } };
  },
};

const METHOD = properties.authenticationMethod("m");

specTest("while a client is authenticated it sends AUTH and DISCONNECT [MQTT-3.1.2-30]", {
  broker: { authenticator: asksTwice },
}, async (t) => {
  const client = await t.dial({ properties: METHOD });
  assertEquals((await client.readAuth()).reasonCode, 0x18);
  await client.send(auth(0x18, METHOD));
  assertEquals((await client.readAuth()).reasonCode, 0x18);
  await client.send(auth(0x18, METHOD));
  await client.expectWelcome();
  const other = await t.dial({ properties: METHOD });
  await other.readAuth();
  await other.send(disconnect());
  await other.expectClose();
});

specTest("while a client is authenticated it sends nothing else [MQTT-3.1.2-30]", {
  broker: { authenticator: asksTwice },
}, async (t) => {
  const witness = await subscriber(t, "#");
  for (
    const packet of [
      publish("a", "x"),
      publish("a", "x", { retain: true }),
      subscribe({ a: 0 }),
      unsubscribe(["a"]),
      pingreq(),
      puback(1),
      connect({ properties: METHOD }),
    ]
  ) {
    const client = await t.dial({ properties: METHOD });
    await client.readAuth();
    await client.send(packet);
    await client.expectRejection();
  }
  await witness.expectSilence();
  assertEquals(t.broker.stats.retainedMessages, 0);
});
