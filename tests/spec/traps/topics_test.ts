/** Topics and filters that are easily got wrong. */
import { assertEquals } from "@std/assert";
import { properties, publish, subscribe, unsubscribe } from "../v5/packets.ts";
import { subscriber } from "../v5/steps.ts";
import { specTest } from "./spec.ts";

/** The most levels of a broker that is told nothing else. */
const LEVELS = 64;

specTest("a topic may begin with any character", async (t) => {
  for (const first of ["é", "ß", "中", "𝄞", "\u{7f}", "\u{80}", "\u{7ff}", "\u{800}", "\u{ffff}"]) {
    const topic = `${first}/b`;
    const filters = [topic, "+/b", `${first}/#`, "#", `${first}/+`];
    const clients = await Promise.all(filters.map((filter) => subscriber(t, filter)));
    const other = await subscriber(t, "e/#");
    await clients[0]!.send(publish(topic, "x", { retain: true }));
    for (const client of clients) await client.expectPublish(topic, "x");
    await other.expectSilence();
    const late = await subscriber(t, `${first}/+`);
    assertEquals((await late.expectPublish(topic, "x")).retain, true);
    await late.send(publish(topic, "", { retain: true }));
    for (const client of [...clients, other, late]) await t.drop(client);
  }
});

specTest("a/+/# matches a/b, live and retained", async (t) => {
  const client = await subscriber(t, "a/+/#");
  const publisher = await t.connect();
  const matching = ["a/b", "a/", "a/b/c/d"];
  for (const topic of ["a", ...matching, "b/a"]) {
    await publisher.send(publish(topic, "x", { retain: true }));
  }
  for (const topic of matching) await client.expectPublish(topic, "x");
  await client.expectSilence();
  const late = await subscriber(t, "a/+/#");
  const got = [];
  for (let n = 0; n < matching.length; n++) got.push((await late.readPublish()).topic);
  assertEquals(got.sort(), matching.toSorted());
  await late.expectSilence();
});

specTest("a topic has as many levels as the broker takes and no more", async (t) => {
  const deepest = Array.from({ length: LEVELS }, (_, n) => `${n}`).join("/");
  const client = await t.connect();
  await client.send(subscribe({ [deepest]: 0, [`${deepest}/x`]: 0, [`${deepest}/#`]: 0 }));
  assertEquals((await client.readAck()).reasonCodes, [0, 0x8f, 0x8f]);
  await client.send(publish(deepest, "x"));
  await client.expectPublish(deepest, "x");
  await client.send(publish(`${deepest}/x`, "x"));
  await client.expectDisconnect(0x90);
  const will = { topic: `${deepest}/x`, payload: "gone" };
  await (await t.dial({ will })).expectRefusal(0x90);
});

specTest("a topic of slashes alone is too deep, and costs its sender the connection", async (t) => {
  const slashes = "/".repeat(65_535);
  const witness = await subscriber(t, "#");
  const client = await t.connect();
  await client.send(subscribe({ [slashes]: 0 }), unsubscribe([slashes]));
  assertEquals((await client.readAck()).reasonCodes, [0x8f]);
  await client.readAck();
  await client.send(publish(slashes, "x", { qos: 1, retain: true }));
  await client.expectDisconnect(0x90);
  const old = await t.connect({ level: 4, clientId: "old" });
  await old.send(publish(slashes, "x", { level: 4, qos: 1 }));
  await old.expectClose();
  await witness.expectSilence();
  assertEquals(t.broker.stats.retainedMessages, 0);
});

specTest("topics that begin with $ are for anyone who asks for them by name", async (t) => {
  const plain = await subscriber(t, "#");
  const asking = await subscriber(t, "$data/#");
  const client = await t.connect();
  await client.send(publish("$data/a", "x", { qos: 1, retain: true }));
  assertEquals((await client.readAck()).reasonCodes, [0]);
  await asking.expectPublish("$data/a", "x");
  await plain.expectSilence();
  const late = await subscriber(t, "$data/a");
  assertEquals((await late.expectPublish("$data/a", "x")).retain, true);
  await (await subscriber(t, "+/a")).expectSilence();
});

specTest("$share is a prefix of filters, not of topics", async (t) => {
  const member = await subscriber(t, "$share/g/a");
  const client = await t.connect();
  await client.send(publish("$share/g/a", "x", { qos: 1 }));
  assertEquals((await client.readAck()).reasonCodes, [0x10]);
  await member.expectSilence();
  await client.send(publish("a", "y", { qos: 1 }));
  await member.expectPublish("a", "y");
});

specTest("older clients may share subscriptions, too", async (t) => {
  const fields = { level: 4, clientId: "old" } as const;
  const old = await t.connect(fields);
  await old.subscribe(subscribe({ "$share/g/a": 1 }, { level: 4 }));
  const member = await subscriber(t, "$share/g/a", 1);
  for (let n = 0; n < 2; n++) t.broker.publish("a", `${n}`, { qos: 1 });
  await old.expectPublish("a", "0");
  await member.expectPublish("a", "1");
});

specTest("overlapping subscriptions bring one copy, with all that they ask for", async (t) => {
  const client = await t.connect();
  const options = { "a/b": 0, "a/#": 2, "+/b": 1 };
  for (const [n, [filter, option]] of Object.entries(options).entries()) {
    const given = properties.subscriptionIdentifier(n + 1);
    await client.subscribe(subscribe({ [filter]: option | 0x08 }, { properties: given }));
  }
  const publisher = await t.connect();
  await publisher.send(publish("a/b", "x", { qos: 2, retain: true }));
  const { qos, retain, properties: got } = await client.expectPublish("a/b", "x");
  assertEquals([qos, retain], [2, true]);
  assertEquals(got.map(([, value]) => value).sort(), [1, 2, 3]);
  await client.expectSilence();
});

specTest("No Local of one overlapping subscription does not silence another", async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ "a/b": 0x04 | 2 }));
  await client.send(publish("a/b", "1"));
  await client.expectSilence();
  await client.subscribe(subscribe({ "a/#": 1 }));
  await client.send(publish("a/b", "2", { qos: 2, packetId: 2 }));
  assertEquals((await client.readAck()).type, 5);
  assertEquals((await client.expectPublish("a/b", "2")).qos, 1);
});
