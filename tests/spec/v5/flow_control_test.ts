/** Flow control (MQTT 5 §4.9). */
import { assertEquals } from "@std/assert";
import type { SpecClient } from "../harness.ts";
import {
  frame,
  properties,
  puback,
  pubcomp,
  publish,
  pubrec,
  subscribe,
  uint16,
  unsubscribe,
} from "./packets.ts";
import { specTest } from "./spec.ts";
import { subscriber } from "./steps.ts";

/** A client whose session lasts, and that takes so many unacknowledged messages. */
const fields = (max: number) => ({
  clientId: "client",
  clean: false,
  properties: Uint8Array.of(...properties.receiveMaximum(max), ...properties.sessionExpiry(60)),
});

/** Publishes "0" to "9" to the topic "a"; QoS 1 and 2 take turns, or as given. */
async function publishTen(publisher: SpecClient, only?: 1 | 2): Promise<void> {
  for (let n = 0; n < 10; n++) {
    const qos = only ?? (n % 2 === 0 ? 1 : 2);
    await publisher.send(publish("a", `${n}`, { qos, packetId: n + 1 }));
    await publisher.readAck();
  }
}

for (const max of [1, 2, 7, 10, 65_535]) {
  specTest(`no more than a Receive Maximum of ${max} is under way [MQTT-4.9.0-1]`, async (t) => {
    const client = await subscriber(t, "a", 2, { properties: properties.receiveMaximum(max) });
    await publishTen(await t.connect());
    for (let n = 0; n < Math.min(max, 10); n++) await client.expectPublish("a", `${n}`);
    await client.expectSilence();
  });
}

specTest("without a Receive Maximum there is room for many [MQTT-4.9.0-1]", async (t) => {
  const client = await subscriber(t, "a", 2);
  await publishTen(await t.connect());
  for (let n = 0; n < 10; n++) await client.expectPublish("a", `${n}`);
});

specTest("the quota begins anew with each connection [MQTT-4.9.0-1]", async (t) => {
  const first = await subscriber(t, "a", 1, fields(5));
  await publishTen(await t.connect(), 1);
  for (let n = 0; n < 5; n++) await first.expectPublish("a", `${n}`);
  await t.drop(first);
  // What is sent again counts, too.
  const second = await t.connect(fields(2));
  const ids: number[] = [];
  for (let n = 0; n < 2; n++) ids.push((await second.expectPublish("a", `${n}`)).packetId);
  await second.expectSilence();
  await second.send(...ids.map(puback));
  for (let n = 2; n < 4; n++) await second.expectPublish("a", `${n}`);
  await second.expectSilence();
  await t.drop(second);
  const third = await t.connect(fields(20));
  for (let n = 2; n < 10; n++) await third.expectPublish("a", `${n}`);
});

specTest(
  "what is acknowledged before it was sent again makes no room [MQTT-4.9.0-2]",
  async (t) => {
    const first = await subscriber(t, "a", 1, fields(10));
    await publishTen(await t.connect(), 1);
    const ids: number[] = [];
    for (let n = 0; n < 10; n++) ids.push((await first.expectPublish("a", `${n}`)).packetId);
    await t.drop(first);
    const second = await t.connect(fields(2));
    for (let n = 0; n < 2; n++) await second.expectPublish("a", `${n}`);
    await second.send(puback(ids[3]!), puback(ids[4]!));
    await second.expectSilence();
    await second.send(puback(ids[0]!), puback(ids[1]!));
    for (const n of [2, 5]) await second.expectPublish("a", `${n}`);
    await second.expectSilence();
  },
);

specTest("each PUBACK makes room for one more [MQTT-4.9.0-2]", async (t) => {
  const client = await subscriber(t, "a", 1, { properties: properties.receiveMaximum(3) });
  await publishTen(await t.connect(), 1);
  const ids: number[] = [];
  for (let n = 0; n < 3; n++) ids.push((await client.expectPublish("a", `${n}`)).packetId);
  for (let n = 3; n < 10; n++) {
    await client.expectSilence();
    await client.send(puback(ids.shift()!));
    ids.push((await client.expectPublish("a", `${n}`)).packetId);
  }
});

specTest("PUBREC makes no room, PUBCOMP does [MQTT-4.9.0-2]", async (t) => {
  const client = await subscriber(t, "a", 2, { properties: properties.receiveMaximum(1) });
  await publishTen(await t.connect(), 2);
  for (let n = 0; n < 10; n++) {
    const { packetId } = await client.expectPublish("a", `${n}`);
    await client.send(pubrec(packetId));
    await client.expect(frame(0x62, uint16(packetId)));
    await client.expectSilence();
    await client.send(pubcomp(packetId));
  }
  await client.expectSilence();
});

specTest("PUBACK and PUBREC of 0x80 and above make room [MQTT-4.9.0-2]", async (t) => {
  const client = await subscriber(t, "a", 2, { properties: properties.receiveMaximum(1) });
  await publishTen(await t.connect());
  for (let n = 0; n < 10; n++) {
    const { qos, packetId } = await client.expectPublish("a", `${n}`);
    await client.expectSilence();
    const first = qos === 1 ? 0x40 : 0x50;
    await client.send(frame(first, uint16(packetId), Uint8Array.of(0x83)));
  }
  await client.expectSilence();
});

specTest("an acknowledgement of nothing makes no room [MQTT-4.9.0-2]", async (t) => {
  const client = await subscriber(t, "a", 1, { properties: properties.receiveMaximum(2) });
  await publishTen(await t.connect(), 1);
  const { packetId } = await client.expectPublish("a", "0");
  await client.expectPublish("a", "1");
  await client.send(puback(packetId + 10), pubcomp(packetId + 10), puback(packetId + 11));
  await client.expectSilence();
  await client.send(puback(packetId), puback(packetId));
  await client.expectPublish("a", "2");
  await client.expectSilence();
});

specTest("QoS 0 messages need no quota [MQTT-4.9.0-2]", async (t) => {
  const client = await t.connect({ properties: properties.receiveMaximum(1) });
  await client.subscribe(subscribe({ a: 1, b: 0 }));
  const publisher = await t.connect();
  await publishTen(publisher, 1);
  await client.expectPublish("a", "0");
  for (const qos of [0, 1] as const) {
    await publisher.send(publish("b", "x", { qos }));
    assertEquals((await client.expectPublish("b", "x")).qos, 0);
  }
  await client.expectSilence();
});

specTest("without quota everything else is served [MQTT-4.9.0-3]", async (t) => {
  const client = await subscriber(t, "a", 2, { properties: properties.receiveMaximum(1) });
  await publishTen(await t.connect());
  const { packetId } = await client.expectPublish("a", "0");
  await client.ping();
  await client.subscribe(subscribe({ b: 0 }));
  await client.send(publish("b", "1", { qos: 1, packetId: 30 }));
  await client.expect("40 02 001e");
  await client.expectPublish("b", "1");
  await client.send(publish("b", "2", { qos: 2, packetId: 31 }));
  await client.expect("50 02 001f");
  await client.expectPublish("b", "2");
  await client.send("62 02 001f", unsubscribe(["b"]));
  await client.expect("70 02 001f", "b0 04 0001 00 00");
  await client.expectSilence();
  await client.send(puback(packetId));
  await client.expectPublish("a", "1");
});
