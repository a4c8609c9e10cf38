/** A listener whose clients have a part of all topics for themselves. */
import { assertEquals } from "@std/assert";
import type { Authorizer } from "../../auth/mod.ts";
import { properties, puback, publish, subscribe, unsubscribe } from "../spec/v5/packets.ts";
import { specTest } from "./spec.ts";

const OUTSIDE = 0;
const MOUNTED = 1;
const listeners = [{}, { mountPoint: "m/" }];

specTest("topics are mounted on the way in, and unmounted on the way out", {
  listeners,
}, async (t) => {
  const outside = await t.connect({}, OUTSIDE);
  await outside.subscribe(subscribe({ "#": 1 }));
  for (const level of [5, 4] as const) {
    const mounted = await t.connect({ level }, MOUNTED);
    await mounted.subscribe(level === 5 ? subscribe({ "+/b": 1 }) : hexSubscribe("+/b"));
    const publisher = await t.connect({}, MOUNTED);
    for (const qos of [0, 1] as const) {
      await publisher.send(publish("a/b", `in ${qos}`, { qos, packetId: 1 }));
      const { packetId } = await mounted.expectPublish("a/b", `in ${qos}`);
      await outside.expectPublish("m/a/b", `in ${qos}`);
      if (qos > 0) await mounted.send(`40 02 000${packetId}`);
      t.broker.publish("m/x/b", "from outside", { qos });
      const second = await mounted.expectPublish("x/b", "from outside");
      await outside.expectPublish("m/x/b", "from outside");
      if (qos > 0) await mounted.send(`40 02 000${second.packetId}`);
      t.broker.publish("x/b", "not for them", { qos });
      await outside.expectPublish("x/b", "not for them");
    }
    await t.leave(mounted);
  }
});

/** SUBSCRIBE of 3.1.1 to one short filter, with QoS 1. */
function hexSubscribe(filter: string): Uint8Array {
  const bytes = new TextEncoder().encode(filter);
  return Uint8Array.of(0x82, 5 + bytes.length, 0, 1, 0, bytes.length, ...bytes, 1);
}

specTest("a burst is mounted message by message", { listeners }, async (t) => {
  const outside = await t.connect({}, OUTSIDE);
  await outside.subscribe(subscribe({ "m/a": 0 }));
  const mounted = await t.connect({}, MOUNTED);
  await mounted.subscribe(subscribe({ a: 0 }));
  await mounted.send(...["1", "2", "3"].map((payload) => publish("a", payload)));
  await outside.send(...["4", "5"].map((payload) => publish("m/a", payload)));
  for (const client of [outside, mounted]) {
    const topic = client === outside ? "m/a" : "a";
    const payloads = [];
    for (let i = 0; i < 5; i++) {
      const delivery = await client.readPublish();
      assertEquals(delivery.topic, topic);
      payloads.push(delivery.payload);
    }
    assertEquals(payloads.sort(), ["1", "2", "3", "4", "5"]);
  }
});

specTest("a wide audience is sent what each member is to see", { listeners }, async (t) => {
  const members = [];
  for (let i = 0; i < 12; i++) {
    const at = i % 2;
    const client = await t.connect({}, at);
    await client.subscribe(subscribe({ [at === MOUNTED ? "a" : "m/a"]: (i >> 1) % 2 }));
    members.push([client, at === MOUNTED ? "a" : "m/a"] as const);
  }
  for (const qos of [0, 1] as const) {
    t.broker.publish("m/a", `${qos}`, { qos });
    for (const [client, topic] of members) await client.expectPublish(topic, `${qos}`);
  }
});

specTest("retained messages and wills are mounted", { listeners }, async (t) => {
  const outside = await t.connect({}, OUTSIDE);
  await outside.subscribe(subscribe({ "m/#": 0 }));
  const will = { topic: "will", payload: "gone", retain: true };
  const mounted = await t.connect({ will }, MOUNTED);
  await mounted.send(publish("kept", "x", { retain: true }));
  await outside.expectPublish("m/kept", "x");
  await t.drop(mounted);
  await outside.expectPublish("m/will", "gone");
  t.broker.publish("kept", "outside", { retain: true });
  const late = await t.connect({}, MOUNTED);
  await late.subscribe(subscribe({ "#": 0 }));
  const got = [await late.readPublish(), await late.readPublish()];
  assertEquals(got.map(({ topic, retain }) => `${topic} ${retain}`).sort(), [
    "kept true",
    "will true",
  ]);
  await late.expectSilence();
});

specTest("shared subscriptions are mounted behind the name of the group [MQTT-4.8.2-1]", {
  listeners,
}, async (t) => {
  const [outside, mounted] = [await t.connect({}, OUTSIDE), await t.connect({}, MOUNTED)];
  await outside.subscribe(subscribe({ "$share/g/m/a": 0 }));
  await mounted.subscribe(subscribe({ "$share/g/a": 0 }));
  for (const payload of ["1", "2"]) t.broker.publish("m/a", payload);
  const [first, second] = [await outside.readPublish(), await mounted.readPublish()];
  assertEquals([first.topic, second.topic], ["m/a", "a"]);
  assertEquals([first.payload, second.payload].sort(), ["1", "2"]);
});

specTest("response topics are left as they are [MQTT-3.3.2-15]", { listeners }, async (t) => {
  const mounted = await t.connect({}, MOUNTED);
  await mounted.subscribe(subscribe({ a: 0 }));
  await mounted.send(publish("a", "?", { properties: properties.responseTopic("r") }));
  assertEquals(new Map((await mounted.expectPublish("a", "?")).properties).get(8), "r");
});

specTest("unsubscribing finds the mounted filter [MQTT-3.10.4-1]", { listeners }, async (t) => {
  const mounted = await t.connect({}, MOUNTED);
  await mounted.subscribe(subscribe({ a: 0, "$share/g/b": 0 }));
  await mounted.send(unsubscribe(["a", "$share/g/b", "m/a"]));
  assertEquals((await mounted.readAck()).reasonCodes, [0, 0, 0x11]);
  t.broker.publish("m/a", "x");
  await mounted.expectSilence();
});

specTest("topic aliases stand for mounted topics, both ways [MQTT-3.3.2-7]", {
  listeners,
}, async (t) => {
  const outside = await t.connect({}, OUTSIDE);
  await outside.subscribe(subscribe({ "#": 0 }));
  const mounted = await t.connect({ properties: properties.topicAliasMaximum(5) }, MOUNTED);
  await mounted.subscribe(subscribe({ "a/longer/topic": 1 }));
  const alias = properties.topicAlias(1);
  const publisher = await t.connect({}, MOUNTED);
  await publisher.send(
    publish("a/longer/topic", "1", { qos: 1, packetId: 1, properties: alias }),
    publish("", "2", { qos: 1, packetId: 2, properties: alias }),
  );
  await publisher.expect("40 02 0001", "40 02 0002");
  for (const payload of ["1", "2"]) await outside.expectPublish("m/a/longer/topic", payload);
  const first = await mounted.expectPublish("a/longer/topic", "1");
  const second = await mounted.expectPublish("", "2");
  assertEquals([first, second].map((each) => new Map(each.properties).get(0x23)), [1, 1]);
});

specTest("what is no topic is none when it is mounted [MQTT-4.7.3-1] [MQTT-3.3.2-2]", {
  listeners: [{}, { mountPoint: "m" }],
}, async (t) => {
  for (const topic of ["+", "a/#", "t".repeat(65_535)]) {
    const client = await t.connect({}, MOUNTED);
    await client.send(publish(topic, ""));
    await client.expectDisconnect(0x90);
  }
  for (const level of [5, 4] as const) {
    const empty = await t.connect({ level }, MOUNTED);
    await empty.send(level === 5 ? "30 03 0000 00" : "30 02 0000");
    await empty.expectDisconnect(level === 5 ? 0x82 : 0);
  }
  for (const topic of ["", "#", "t".repeat(65_535)]) {
    await (await t.dial({ will: { topic, payload: "" } }, MOUNTED)).expectRefusal(0x90);
  }
  const client = await t.connect({}, MOUNTED);
  // Before a wildcard the prefix needs a slash at its end.
  await client.send(subscribe({ "#": 0, "/#": 0 }));
  assertEquals((await client.readAck()).reasonCodes, [0x8f, 0]);
});

specTest("a topic that begins with a dollar is one like any other when it is mounted", {
  listeners,
}, async (t) => {
  const mounted = await t.connect({}, MOUNTED);
  await mounted.subscribe(subscribe({ "$SYS/#": 0 }));
  t.broker.publish("$SYS/secret", "x");
  await mounted.send(publish("$SYS/own", "y"));
  await mounted.expectPublish("$SYS/own", "y");
});

specTest("a session that comes back by a mount point is sent only what lies there", {
  listeners,
}, async (t) => {
  const session = { clientId: "s", clean: false, properties: properties.sessionExpiry(100) };
  const before = await t.connect(session, OUTSIDE);
  await before.subscribe(subscribe({ "a": 1, "m/b": 1, "m": 0 }));
  await t.drop(before);
  t.broker.publish("a", "outside", { qos: 1 });
  t.broker.publish("m/b", "inside", { qos: 1 });
  const after = await t.connect(session, MOUNTED);
  const { packetId } = await after.expectPublish("b", "inside");
  await after.send(puback(packetId));
  t.broker.publish("m", "above");
  t.broker.publish("a", "outside", { qos: 1 });
  await after.expectSilence();
  assertEquals(t.broker.stats.dropped["outside-mount"], 3);
});

const asked: string[] = [];
const authorizer: Authorizer = {
  mayPublish: (_client, { topic }) => asked.push(topic) > 0,
  maySubscribe: (_client, { filter }) => asked.push(filter) > 0,
};

specTest("the authorizer is asked about topics as the broker knows them", {
  broker: { authorizer },
  listeners,
}, async (t) => {
  asked.length = 0;
  const client = await t.connect({ will: { topic: "w", payload: "" } }, MOUNTED);
  await client.subscribe(subscribe({ "$share/g/+/b": 0 }));
  await client.send(publish("a", "x"));
  await client.ping();
  assertEquals(asked, ["m/w", "m/+/b", "m/a"]);
});
