/** PUBLISH, apart from RETAIN (MQTT 3.1.1 §3.3). */
import { assertEquals } from "@std/assert";
import type { Authorizer } from "../../../auth/mod.ts";
import { frame, publish, subscribe, text, uint16 } from "../../harness/packets.ts";
import { hex } from "../harness.ts";
import { expectFault } from "./steps.ts";
import { specTest } from "./spec.ts";

specTest("a message that is sent again has DUP 1, and only then [MQTT-3.3.1-1]", async (t) => {
  const fields = { clientId: "client", clean: false };
  const first = await t.connect(fields);
  await first.subscribe(subscribe({ "#": 2 }));
  const publisher = await t.connect();
  for (const qos of [1, 2] as const) {
    await publisher.send(publish("a", `${qos}`, { qos, packetId: qos }));
    assertEquals((await first.expectPublish("a", `${qos}`)).dup, false);
  }
  await t.drop(first);
  await publisher.send(publish("a", "new", { qos: 1, packetId: 3 }));
  await publisher.expect("40 02 0001", "50 02 0002", "40 02 0003");
  const second = await t.connect(fields);
  assertEquals((await second.expectPublish("a", "1")).dup, true);
  assertEquals((await second.expectPublish("a", "2")).dup, true);
  assertEquals((await second.expectPublish("a", "new")).dup, false);
});

specTest("DUP 1 with QoS 0 ends the connection [MQTT-3.3.1-2]", async (t) => {
  await expectFault(t, frame(0x38, text("a")));
  await expectFault(t, frame(0x39, text("a")));
});

specTest(
  "QoS 0 deliveries have DUP 0, whatever the publisher set [MQTT-3.3.1-2] [MQTT-3.3.1-3]",
  async (t) => {
    const client = await t.connect();
    await client.subscribe(subscribe({ a: 0 }));
    await client.send(publish("a", "x", { qos: 1, dup: true }));
    await client.expect("40 02 0001", "30 04 0001 61 78");
  },
);

specTest("DUP of a publisher is not passed on [MQTT-3.3.1-3]", async (t) => {
  const subscriber = await t.connect();
  await subscriber.subscribe(subscribe({ a: 2 }));
  const publisher = await t.connect();
  for (const qos of [1, 2] as const) {
    await publisher.send(publish("a", "x", { qos, packetId: qos, dup: true }));
    assertEquals((await subscriber.expectPublish("a", "x")).dup, false);
  }
});

specTest("QoS 3 ends the connection [MQTT-3.3.1-4]", async (t) => {
  await expectFault(t, frame(0x36, text("a"), uint16(1)));
  await expectFault(t, frame(0x37, text("a"), uint16(1)));
  await expectFault(t, frame(0x3e, text("a"), uint16(1)));
});

specTest("PUBLISH begins with its topic, or ends the connection [MQTT-3.3.2-1]", async (t) => {
  await expectFault(t, frame(0x30));
  await expectFault(t, frame(0x30, hex("00")));
  await expectFault(t, frame(0x30, hex("0002 61")));
  await expectFault(t, frame(0x30, text(hex("ed a0 80"))));
  await expectFault(t, frame(0x32, text("a"), hex("00")));
  const client = await t.connect();
  await client.send(frame(0x30, text("a")), frame(0x32, text("a"), uint16(1)));
  await client.expect("40 02 0001");
});

specTest(
  "a topic with a wildcard ends the connection, and nobody gets it [MQTT-3.3.2-2] [MQTT-4.7.1-1]",
  async (t) => {
    const witness = await t.connect();
    await witness.subscribe(subscribe({ "#": 2 }));
    for (const topic of ["#", "+", "a/#", "a/+/b", "a+", "a#b"]) {
      for (const qos of [0, 1, 2] as const) await expectFault(t, publish(topic, "x", { qos }));
    }
    await witness.expectSilence();
  },
);

specTest("what a client gets matches what it has asked for [MQTT-3.3.2-3]", async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ "a/+": 0, "b/#": 0, "c": 0 }));
  const topics = ["a", "a/b", "a/b/c", "b", "b/c/d", "c", "c/d", "d", "a/"];
  await client.send(...topics.map((topic) => publish(topic, "x")));
  for (const topic of ["a/b", "b", "b/c/d", "c", "a/"]) await client.expectPublish(topic, "x");
  await client.expectSilence();
});

specTest("PUBLISH is answered according to its QoS [MQTT-3.3.4-1]", async (t) => {
  const client = await t.connect();
  await client.send(publish("a", "x", { qos: 0 }));
  await client.expectSilence();
  await client.send(publish("a", "x", { qos: 1, packetId: 10 }));
  await client.expect("40 02 000a");
  await client.send(publish("a", "x", { qos: 2, packetId: 11 }));
  await client.expect("50 02 000b");
  await client.expectSilence();
});

specTest("overlapping subscriptions count with their highest QoS [MQTT-3.3.5-1]", async (t) => {
  const publisher = await t.connect();
  const filters = ["#", "a/#", "a/b", "+/b", "a/+", "+/+"];
  for (const best of filters) {
    const client = await t.connect();
    await client.subscribe(
      subscribe(Object.fromEntries(filters.map((filter) => [filter, filter === best ? 2 : 0]))),
    );
    for (const qos of [0, 1, 2] as const) {
      await publisher.send(publish("a/b", "x", { qos }));
      assertEquals((await client.expectPublish("a/b", "x")).qos, qos);
      if (qos > 0) await publisher.readAck();
    }
    await publisher.send("62 02 0001");
    await publisher.readAck();
    await t.drop(client);
  }
});

const authorizer: Authorizer = {
  mayPublish: (_client, { topic }) => !topic.startsWith("secret"),
  maySubscribe: () => true,
};

specTest(
  "what a client may not publish is acknowledged and goes nowhere [MQTT-3.3.5-2]",
  { broker: { authorizer } },
  async (t) => {
    const witness = await t.connect();
    await witness.subscribe(subscribe({ "#": 2 }));
    const publisher = await t.connect();
    const secret = (qos: 0 | 1 | 2) => publish("secret", "x", { qos, packetId: 1, retain: true });
    await publisher.send(secret(0), secret(1), secret(2));
    await publisher.expect("40 02 0001", "50 02 0001");
    await publisher.send(frame(0x62, uint16(1)));
    await publisher.expect("70 02 0001");
    await publisher.send(publish("open", "x"));
    await witness.expectPublish("open", "x");
    const late = await t.connect();
    await late.subscribe(subscribe({ "#": 2 }));
    await late.expectSilence();
  },
);
