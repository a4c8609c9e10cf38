/** UNSUBSCRIBE and UNSUBACK (MQTT 5 §3.10 and §3.11). */
import { assertEquals } from "@std/assert";
import { hex } from "../harness.ts";
import {
  frame,
  properties,
  puback,
  pubcomp,
  publish,
  pubrec,
  subscribe,
  text,
  uint16,
  unsubscribe,
} from "./packets.ts";
import { specTest } from "./spec.ts";
import { BAD_UTF8, subscriber, thrownOut } from "./steps.ts";

const lasting = { clientId: "client", clean: false, properties: properties.sessionExpiry(10_000) };

/** UNSUBSCRIBE with these bytes after its properties, of which there are none. */
const unsubscribeOf = (...payload: Uint8Array[]) => frame(0xa2, uint16(1), hex("00"), ...payload);

specTest("UNSUBSCRIBE with other flags is malformed [MQTT-3.10.1-1]", async (t) => {
  const packet = unsubscribe(["a"]);
  for (let flags = 0; flags < 16; flags++) {
    if (flags === 0b0010) continue;
    packet[0] = 0xa0 | flags;
    await thrownOut(t, packet, 0x81);
  }
});

specTest("an ill-formed filter is malformed [MQTT-3.10.3-1]", async (t) => {
  for (const [, bytes] of BAD_UTF8) {
    await thrownOut(t, unsubscribeOf(text(bytes)), 0x81);
    await thrownOut(t, unsubscribeOf(text("a"), text(bytes)), 0x81);
  }
  await thrownOut(t, unsubscribeOf(text("a"), hex("00")), 0x81);
});

specTest("UNSUBSCRIBE without a filter is a fault [MQTT-3.10.3-2]", async (t) => {
  await thrownOut(t, unsubscribeOf(), 0x82);
});

specTest("only the very filter is removed [MQTT-3.10.4-1]", async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ "a/b": 0, "a/+": 0, "a/#": 0 }));
  await client.send(unsubscribe(["#", "+/b", "a", "a/", "a/B", "a/b/", "/a/b", "$share/g/a/b"]));
  await client.expect("b0 0b 0001 00 11 11 11 11 11 11 11 11");
  await client.send(publish("a/b", "1"));
  await client.expectPublish("a/b", "1");
  await client.send(unsubscribe(["a/#"]));
  await client.expect("b0 04 0001 00 00");
  await client.send(publish("a/b/c", "2"), publish("a/c", "3"));
  await client.expectPublish("a/c", "3");
  await client.send(unsubscribe(["a/+"]));
  await client.expect("b0 04 0001 00 00");
  await client.send(publish("a/c", "4"), publish("a/b", "5"));
  await client.expectPublish("a/b", "5");
  await client.expectSilence();
});

specTest("a shared subscription is removed by its whole name [MQTT-3.10.4-1]", async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ "$share/g/a": 0, "$share/h/a": 0, "a": 0 }));
  await client.send(unsubscribe(["$share/g/a", "$share/i/a"]));
  await client.expect("b0 05 0001 00 00 11");
  await client.send(publish("a", "x"));
  await client.expectPublish("a", "x");
  await client.expectPublish("a", "x");
  await client.expectSilence();
});

specTest("nothing more comes for a subscription that is gone [MQTT-3.10.4-2]", async (t) => {
  const client = await t.connect(lasting);
  await client.subscribe(subscribe({ a: 2, b: 2 }));
  await client.send(unsubscribe(["a"]));
  await client.expect("b0 04 0001 00 00");
  const publisher = await t.connect();
  const publishTo = async (topic: string, answer: string) => {
    await publisher.send(publish(topic, "x", { qos: 1 }), publish(topic, "y"));
    await publisher.expect(answer);
  };
  await publishTo("a", "40 03 0001 10");
  await client.expectSilence();
  await t.drop(client);
  await publishTo("a", "40 03 0001 10");
  await publishTo("b", "40 02 0001");
  const again = await t.connect(lasting);
  await again.expectPublish("b", "x");
  await again.expectSilence();
});

specTest("deliveries under way are carried through [MQTT-3.10.4-3]", async (t) => {
  const client = await subscriber(t, "a", 2, lasting);
  const publisher = await t.connect();
  await publisher.send(publish("a", "1", { qos: 1 }), publish("a", "2", { qos: 2, packetId: 2 }));
  const first = await client.expectPublish("a", "1");
  const second = await client.expectPublish("a", "2");
  await client.send(unsubscribe(["a"], { packetId: 9 }));
  await client.expect("b0 04 0009 00 00");
  await t.drop(client);
  const again = await t.connect(lasting);
  assertEquals((await again.expectPublish("a", "1")).packetId, first.packetId);
  assertEquals((await again.expectPublish("a", "2")).packetId, second.packetId);
  await again.send(puback(first.packetId), pubrec(second.packetId));
  await again.expect(frame(0x62, uint16(second.packetId)));
  await again.send(pubcomp(second.packetId));
  await again.ping();
  await t.drop(again);
  await (await t.connect(lasting)).expectSilence();
});

specTest(
  "each UNSUBSCRIBE is answered, with its identifier [MQTT-3.10.4-4] [MQTT-3.10.4-5]",
  async (t) => {
    const client = await subscriber(t, "a");
    const ids = [1, 300, 65_535];
    await client.send(...ids.map((packetId) => unsubscribe(["a"], { packetId })));
    await client.expect("b0 04 0001 00 00", "b0 04 012c 00 11", "b0 04 ffff 00 11");
  },
);

specTest("UNSUBSCRIBE is answered, too, if there is no subscription [MQTT-3.10.4-5]", async (t) => {
  const client = await t.connect();
  await client.send(unsubscribe(["never", "b/+"], { packetId: 7 }));
  await client.expect("b0 05 0007 00 11 11");
});

specTest(
  "several filters are several requests with one answer, in order [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2]",
  async (t) => {
    const client = await t.connect();
    await client.subscribe(subscribe({ a: 0, b: 0, "c/#": 0, d: 0 }));
    await client.send(unsubscribe(["a", "x", "c/#", "c#", "b", "b"], { packetId: 7 }));
    await client.expect("b0 09 0007 00 00 11 00 8f 00 11");
    await client.send(...["a", "b", "c/d", "d"].map((topic) => publish(topic, "x")));
    await client.expectPublish("d", "x");
    await client.expectSilence();
  },
);
