/** UNSUBSCRIBE and UNSUBACK (MQTT 3.1.1 §3.10 and §3.11). */
import { assertEquals } from "@std/assert";
import {
  frame,
  puback,
  pubcomp,
  publish,
  pubrec,
  subscribe,
  text,
  uint16,
  unsubscribe,
} from "../../harness/packets.ts";
import { hex } from "../harness.ts";
import { expectFault } from "./steps.ts";
import { specTest } from "./spec.ts";

specTest("an ill-formed filter ends the connection [MQTT-3.10.3-1]", async (t) => {
  for (const filter of ["ed a0 80", "61 ff", "c0 af"]) {
    await expectFault(t, frame(0xa2, uint16(1), text(hex(filter))));
    await expectFault(t, frame(0xa2, uint16(1), text("a"), text(hex(filter))));
  }
});

specTest("filters stand back to back and fill the packet [MQTT-3.10.3-1]", async (t) => {
  await expectFault(t, frame(0xa2, uint16(1), text("a"), hex("00")));
  await expectFault(t, frame(0xa2, uint16(1), hex("0003 61")));
  const client = await t.connect();
  await client.subscribe(subscribe({ a: 0, b: 0 }));
  await client.send(frame(0xa2, uint16(9), text("a"), text("b")));
  await client.expect("b0 02 0009");
  await client.send(publish("a", "x"), publish("b", "x"));
  await client.expectSilence();
});

specTest("UNSUBSCRIBE without a filter ends the connection [MQTT-3.10.3-2]", async (t) => {
  await expectFault(t, frame(0xa2, uint16(1)));
});

specTest("only the very filter is removed [MQTT-3.10.4-1]", async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ "a/b": 0, "a/+": 0, "a/#": 0 }));
  const filters = ["#", "+/b", "a", "a/", "a/B", "a/b/", "/a/b", "+/+"];
  await client.send(unsubscribe(filters, { packetId: 2 }));
  await client.expect("b0 02 0002");
  await client.send(publish("a/b", "1"));
  await client.expectPublish("a/b", "1");
  await client.send(unsubscribe(["a/#"], { packetId: 3 }));
  await client.expect("b0 02 0003");
  await client.send(publish("a/b/c", "2"), publish("a/c", "3"));
  await client.expectPublish("a/c", "3");
  await client.send(unsubscribe(["a/+"], { packetId: 4 }));
  await client.expect("b0 02 0004");
  await client.send(publish("a/c", "4"), publish("a/b", "5"));
  await client.expectPublish("a/b", "5");
  await client.expectSilence();
});

specTest("nothing more comes for a subscription that is gone [MQTT-3.10.4-2]", async (t) => {
  const client = await t.connect({ clientId: "client", clean: false });
  await client.subscribe(subscribe({ a: 2, b: 2 }));
  await client.send(unsubscribe(["a"]));
  await client.expect("b0 02 0001");
  const publisher = await t.connect();
  const publishTo = async (topic: string) => {
    await publisher.send(publish(topic, "x", { qos: 1 }), publish(topic, "y"));
    await publisher.expect("40 02 0001");
  };
  await publishTo("a");
  await client.expectSilence();
  await t.drop(client);
  await publishTo("a");
  await publishTo("b");
  const again = await t.connect({ clientId: "client", clean: false });
  await again.expectPublish("b", "x");
  await again.expectSilence();
});

specTest("other clients keep their subscriptions [MQTT-3.10.4-1]", async (t) => {
  const client = await t.connect();
  const other = await t.connect();
  await client.subscribe(subscribe({ a: 0 }));
  await other.subscribe(subscribe({ a: 0 }));
  await client.send(unsubscribe(["a"]));
  await client.expect("b0 02 0001");
  await client.send(publish("a", "x"));
  await other.expectPublish("a", "x");
  await client.expectSilence();
});

specTest("deliveries under way are carried through [MQTT-3.10.4-3]", async (t) => {
  const fields = { clientId: "client", clean: false };
  const client = await t.connect(fields);
  await client.subscribe(subscribe({ a: 2 }));
  const publisher = await t.connect();
  await publisher.send(publish("a", "1", { qos: 1 }), publish("a", "2", { qos: 2 }));
  const first = await client.expectPublish("a", "1");
  const second = await client.expectPublish("a", "2");
  await client.send(unsubscribe(["a"], { packetId: 9 }));
  await client.expect("b0 02 0009");
  await t.drop(client);
  const again = await t.connect(fields);
  assertEquals((await again.expectPublish("a", "1")).packetId, first.packetId);
  assertEquals((await again.expectPublish("a", "2")).packetId, second.packetId);
  await again.send(puback(first.packetId), pubrec(second.packetId));
  assertEquals(await again.readAck(), {
    type: 6,
    packetId: second.packetId,
    properties: [],
    reasonCodes: [0],
  });
  await again.send(pubcomp(second.packetId));
  await again.ping();
  await t.drop(again);
  await (await t.connect(fields)).expectSilence();
});

specTest("each UNSUBSCRIBE is answered, with its identifier [MQTT-3.10.4-4]", async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ a: 0 }));
  const ids = [1, 300, 65_535];
  await client.send(...ids.map((packetId) => unsubscribe(["a"], { packetId })));
  await client.expect("b0 02 0001", "b0 02 012c", "b0 02 ffff");
});

specTest("UNSUBSCRIBE is answered, too, if there is no subscription [MQTT-3.10.4-5]", async (t) => {
  const client = await t.connect();
  await client.send(unsubscribe(["never", "b/+"], { packetId: 7 }));
  await client.expect("b0 02 0007");
});

specTest("several filters are several requests with one answer [MQTT-3.10.4-6]", async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ a: 0, b: 0, "c/#": 0, d: 0 }));
  await client.send(unsubscribe(["a", "x", "c/#", "b"], { packetId: 7 }));
  await client.expect("b0 02 0007");
  await client.send(...["a", "b", "c/d", "d"].map((topic) => publish(topic, "x")));
  await client.expectPublish("d", "x");
  await client.expectSilence();
});
