/** Shared subscriptions (MQTT 5 §4.8.2). */
import { assertEquals } from "@std/assert";
import type { Conversation, SpecClient } from "../harness.ts";
import {
  frame,
  properties,
  pubcomp,
  publish,
  pubrec,
  subscribe,
  uint16,
  unsubscribe,
} from "./packets.ts";
import { specTest, timeTest } from "./spec.ts";
import { subscriber, thrownOut } from "./steps.ts";

const SHARED = "$share/group/a";
const member = (clientId: string, seconds = 60) => ({
  clientId,
  clean: false,
  properties: properties.sessionExpiry(seconds),
});

/** Publishes one message to the topic "a", and waits until the broker has it. */
async function publishOne(t: Conversation, qos: 1 | 2): Promise<void> {
  const publisher = await t.connect();
  await publisher.send(publish("a", "x", { qos }));
  assertEquals((await publisher.readAck()).reasonCodes, [0]);
  await t.leave(publisher);
}

specTest("a shared filter has a name of at least one character [MQTT-4.8.2-1]", async (t) => {
  const client = await t.connect();
  await client.send(subscribe({ "$share//a": 1, "$share///": 1, "$share/g/a": 1 }));
  await client.expect("90 06 0001 00 8f 8f 01");
  await client.send(unsubscribe(["$share//a", "$share/g/a"]));
  await client.expect("b0 05 0001 00 8f 00");
});

specTest("a shared name has no wildcard, and a filter follows it [MQTT-4.8.2-2]", async (t) => {
  const client = await t.connect();
  const bad = ["$share/g+/a", "$share/+/a", "$share/#/a", "$share/g#/a"];
  await client.send(subscribe(Object.fromEntries(bad.map((filter) => [filter, 1]))));
  await client.expect("90 07 0001 00 8f 8f 8f 8f");
  await client.send(subscribe({ "$share/g/#": 1, "$share/g/+/b": 1, "$share/g//": 1 }));
  await client.expect("90 06 0001 00 01 01 01");
  await client.send(subscribe({ "$share/g/a#": 1, "$share/g/a/#/b": 1 }));
  await client.expect("90 05 0001 00 8f 8f");
});

specTest("a shared name without a filter is malformed [MQTT-4.7.3-1] [MQTT-4.8.2-2]", async (t) => {
  for (const filter of ["$share/g", "$share/g/", "$share/", "$share//"]) {
    await thrownOut(t, subscribe({ a: 1, [filter]: 1 }), 0x81);
    await thrownOut(t, unsubscribe([filter]), 0x81);
  }
});

specTest("each message goes to one member of each group [MQTT-4.8.2-2]", async (t) => {
  const groups: SpecClient[][] = [];
  for (const filter of ["$share/g/a", "$share/h/a", "$share/g/#"]) {
    groups.push([await subscriber(t, filter), await subscriber(t, filter)]);
  }
  const publisher = await subscriber(t, "a");
  for (let n = 0; n < 20; n++) await publisher.send(publish("a", `${n}`));
  for (let n = 0; n < 20; n++) await publisher.expectPublish("a", `${n}`);
  for (const group of groups) {
    const got: string[] = [];
    for (const client of group) {
      await client.send("c0 00 c0 00");
      for (let pings = 0; pings < 2;) {
        const packet = await client.readFrame();
        if (packet[0] === 0xd0) pings++;
        else got.push(new TextDecoder().decode(packet.subarray(6)));
      }
    }
    assertEquals(got.map(Number).sort((a, b) => a - b), Array.from({ length: 20 }, (_, n) => n));
  }
});

specTest("a member gets messages with its own QoS at most [MQTT-4.8.2-3]", async (t) => {
  const publisher = await t.connect();
  let packetId = 0;
  for (const granted of [0, 1, 2] as const) {
    const client = await subscriber(t, SHARED, granted);
    for (const qos of [0, 1, 2] as const) {
      await publisher.send(publish("a", "x", { qos, packetId: ++packetId }));
      assertEquals((await client.expectPublish("a", "x")).qos, Math.min(granted, qos));
    }
    await t.drop(client);
  }
});

specTest("members of one group may have been granted different QoS [MQTT-4.8.2-3]", async (t) => {
  const low = await subscriber(t, SHARED, 0);
  const high = await subscriber(t, SHARED, 2);
  for (let n = 0; n < 2; n++) await publishOne(t, 1);
  assertEquals((await low.expectPublish("a", "x")).qos, 0);
  assertEquals((await high.expectPublish("a", "x")).qos, 1);
});

specTest("a QoS 2 message under way is finished with the same member [MQTT-4.8.2-4]", async (t) => {
  const first = await subscriber(t, SHARED, 2, member("first"));
  await publishOne(t, 2);
  const { packetId } = await first.expectPublish("a", "x");
  await t.drop(first);
  const other = await subscriber(t, SHARED, 2, member("other"));
  await other.expectSilence();
  const again = await t.connect(member("first"));
  const delivery = await again.expectPublish("a", "x");
  assertEquals([delivery.packetId, delivery.dup, delivery.qos], [packetId, true, 2]);
  await again.send(pubrec(packetId));
  await again.expect(frame(0x62, uint16(packetId)));
  await t.drop(again);
  const last = await t.connect(member("first"));
  await last.expect(frame(0x62, uint16(packetId)));
  await last.send(pubcomp(packetId));
  await last.expectSilence();
  await other.expectSilence();
});

timeTest(
  "a QoS 2 message under way ends with the session of its member [MQTT-4.8.2-5]",
  async (t) => {
    const first = await subscriber(t, SHARED, 2, member("first"));
    await publishOne(t, 2);
    await first.expectPublish("a", "x");
    const other = await subscriber(t, SHARED, 2, member("other"));
    await t.drop(first);
    await t.pass(61_000);
    await other.expectSilence();
    assertEquals((await t.connect(member("first"))).connack!.flags, 0);
    await other.expectSilence();
  },
);

specTest(
  "nor does a clean start hand a QoS 2 message under way to another [MQTT-4.8.2-5]",
  async (t) => {
    const first = await subscriber(t, SHARED, 2, member("first"));
    await publishOne(t, 2);
    await first.expectPublish("a", "x");
    const other = await subscriber(t, SHARED, 2, member("other"));
    await t.drop(first);
    const anew = await t.connect({ ...member("first"), clean: true });
    await anew.expectSilence();
    await other.expectSilence();
  },
);

specTest("a QoS 1 message that a member leaves behind goes to another", async (t) => {
  const first = await subscriber(t, SHARED, 1, { clientId: "first" });
  await publishOne(t, 1);
  await first.expectPublish("a", "x");
  const other = await subscriber(t, SHARED, 1, member("other"));
  await t.drop(first);
  const { qos, packetId } = await other.expectPublish("a", "x");
  assertEquals([qos, packetId > 0], [1, true]);
});

specTest("what a member refuses goes to no other [MQTT-4.8.2-6]", async (t) => {
  const one = await subscriber(t, SHARED, 2, member("one"));
  await publishOne(t, 1);
  const first = await one.expectPublish("a", "x");
  await publishOne(t, 2);
  const second = await one.expectPublish("a", "x");
  const other = await subscriber(t, SHARED, 2, member("other"));
  await one.send(frame(0x40, uint16(first.packetId), Uint8Array.of(0x97)));
  await one.send(frame(0x50, uint16(second.packetId), Uint8Array.of(0x80)));
  await one.expectSilence();
  await other.expectSilence();
  await t.leave(one, 0x00, properties.sessionExpiry(0));
  await other.expectSilence();
});
