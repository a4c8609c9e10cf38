/** Retained messages and wills. */
import { assertEquals } from "@std/assert";
import { all, disconnect, properties, publish, subscribe } from "../v5/packets.ts";
import { RETAIN_AS_PUBLISHED, RETAIN_IF_NEW, RETAIN_NEVER } from "../v5/packets.ts";
import { subscriber } from "../v5/steps.ts";
import { specTest, timeTest } from "./spec.ts";

/** Every property that a will may have and that is forwarded, with what a subscriber sees. */
const WHOLE = all(
  properties.payloadFormat(1),
  properties.contentType("text/plain"),
  properties.responseTopic("answer/here"),
  properties.correlationData(Uint8Array.of(0, 1, 255)),
  properties.user("a", "1"),
  properties.user("a", "2"),
);
const SEEN = [
  [0x01, 1],
  [0x03, "text/plain"],
  [0x08, "answer/here"],
  [0x09, "0001ff"],
  [0x26, "a=1"],
  [0x26, "a=2"],
].map(([id, value]) => `${id} ${value}`).sort();

function seen(got: [number, number | string][]): string[] {
  return got.map(([id, value]) => `${id} ${String(value).replaceAll(" ", "")}`).sort();
}

timeTest("what is left of a retained message's expiry is told however often it is", async (t) => {
  const publisher = await t.connect();
  const given = properties.messageExpiry(10);
  await publisher.send(publish("a", "x", { retain: true, properties: given }));
  await publisher.ping();
  for (let second = 0; second < 10; second++) {
    for (let n = 0; n < 2; n++) {
      const client = await subscriber(t, "a");
      assertEquals((await client.expectPublish("a", "x")).properties, [[0x02, 10 - second]]);
      await t.drop(client);
    }
    assertEquals(t.broker.stats.retainedMessages, 1);
    await t.pass(1000);
  }
  await (await subscriber(t, "a")).expectSilence();
  assertEquals(t.broker.stats.retainedMessages, 0);
});

specTest("an empty message without RETAIN leaves the retained one", async (t) => {
  for (const level of [4, 5] as const) {
    const publisher = await t.connect({ level, clientId: "publisher" });
    await publisher.send(publish("a", "x", { level, retain: true }));
    await publisher.send(publish("a", "", { level }), publish("a", "", { level, qos: 1 }));
    await publisher.readAck();
    const client = await subscriber(t, "a");
    await client.expectPublish("a", "x");
    await client.expectSilence();
    await publisher.send(publish("a", "", { level, retain: true }));
    await client.expectPublish("a", "");
    assertEquals(t.broker.stats.retainedMessages, 0);
    await t.drop(client);
    await t.drop(publisher);
  }
});

specTest("Retain Handling is a matter of the filter, whatever else has changed", async (t) => {
  const publisher = await t.connect();
  await publisher.send(publish("a", "x", { retain: true }));
  await publisher.ping();
  const client = await subscriber(t, "a", RETAIN_NEVER);
  await client.subscribe(subscribe({ a: RETAIN_IF_NEW | 2 }));
  await client.expectSilence();
  await client.subscribe(subscribe({ "+": RETAIN_IF_NEW }));
  await client.expectPublish("a", "x");
  await client.subscribe(subscribe({ "+": RETAIN_IF_NEW | RETAIN_AS_PUBLISHED }));
  await client.expectSilence();
  await client.subscribe(subscribe({ "+": 0 }));
  await client.expectPublish("a", "x");
});

specTest(
  "a retained message that No Local keeps from its publisher is kept for others",
  async (t) => {
    const client = await t.connect({ clientId: "one" });
    await client.send(publish("a", "x", { retain: true }));
    await client.subscribe(subscribe({ a: 0x04 }));
    await client.expectSilence();
    const other = await subscriber(t, "a", 0x04, { clientId: "other" });
    await other.expectPublish("a", "x");
  },
);

specTest("a will carries its properties whole", async (t) => {
  const witness = await subscriber(t, "will", RETAIN_AS_PUBLISHED | 2);
  const given = all(WHOLE, properties.willDelay(0));
  const will = { topic: "will", payload: "gone", qos: 2, retain: true, properties: given } as const;
  await t.drop(await t.connect({ will }));
  const { qos, retain, properties: got } = await witness.expectPublish("will", "gone");
  assertEquals([qos, retain], [2, true]);
  assertEquals(seen(got), SEEN);
  const late = await subscriber(t, "will");
  assertEquals(seen((await late.expectPublish("will", "gone")).properties), SEEN);
});

timeTest("the expiry of a will begins when it is published", async (t) => {
  const witness = await subscriber(t, "will");
  const given = all(properties.willDelay(20), properties.messageExpiry(10));
  const will = { topic: "will", payload: "gone", retain: true, properties: given };
  const fields = { clientId: "a", properties: properties.sessionExpiry(100), will };
  await t.drop(await t.connect(fields));
  await t.pass(20_000);
  assertEquals((await witness.expectPublish("will", "gone")).properties, [[0x02, 10]]);
  await t.pass(4000);
  const late = await subscriber(t, "will");
  assertEquals((await late.expectPublish("will", "gone")).properties, [[0x02, 6]]);
  await t.pass(6000);
  await (await subscriber(t, "will")).expectSilence();
});

timeTest("a will delay without a session to wait with is no delay", async (t) => {
  const witness = await subscriber(t, "will");
  const will = { topic: "will", payload: "gone", properties: properties.willDelay(1000) };
  await t.drop(await t.connect({ will }));
  await witness.expectPublish("will", "gone");
  // A goodbye that asks for the will, too, and one that ends a lasting session.
  const lasting = { clientId: "a", properties: properties.sessionExpiry(100), will };
  await t.leave(await t.connect({ will }), 0x04);
  await witness.expectPublish("will", "gone");
  const client = await t.connect(lasting);
  await client.send(disconnect(0x04, properties.sessionExpiry(0)));
  await client.expectClose();
  await witness.expectPublish("will", "gone");
  assertEquals(t.broker.stats.sessions, 1);
});

timeTest("a will that waits is forgotten with the goodbye of a later connection", async (t) => {
  const witness = await subscriber(t, "will");
  const will = { topic: "will", payload: "gone", properties: properties.willDelay(10) };
  const lasting = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  await t.drop(await t.connect({ ...lasting, will }));
  await t.pass(9_999);
  const again = await t.connect(lasting);
  await t.pass(10_000);
  await t.drop(again);
  await t.pass(90_000);
  await witness.expectSilence();
});
