/** Delivery with QoS 0 and 1 (MQTT 3.1.1 §4.3.1, §4.3.2 and §4.4). */
import { assertEquals, assertNotEquals } from "@std/assert";
import { pingreq, puback, publish, subscribe } from "../../harness/packets.ts";
import { specTest, timeTest } from "./spec.ts";

const lasting = { clientId: "client", clean: false };

specTest("QoS 0 messages go out once, with QoS 0 and DUP 0 [MQTT-4.3.1-1]", async (t) => {
  const first = await t.connect(lasting);
  await first.subscribe(subscribe({ a: 0, b: 2 }));
  const publisher = await t.connect();
  await publisher.send(publish("a", "x", { qos: 1 }), publish("b", "y"));
  await publisher.expect("40 02 0001");
  await first.expect("30 04 0001 61 78", "30 04 0001 62 79");
  await t.drop(first);
  await (await t.connect(lasting)).expectSilence();
});

specTest(
  "a QoS 1 message goes out with QoS 1, DUP 0 and a free identifier [MQTT-4.3.2-1]",
  async (t) => {
    const client = await t.connect();
    await client.subscribe(subscribe({ a: 1 }));
    const publisher = await t.connect();
    await publisher.send(publish("a", "1", { qos: 1, packetId: 77 }));
    const first = await client.expectPublish("a", "1");
    assertEquals([first.qos, first.dup], [1, false]);
    await publisher.send(publish("a", "2", { qos: 1, packetId: 77 }));
    const second = await client.expectPublish("a", "2");
    assertEquals([second.qos, second.dup], [1, false]);
    assertNotEquals(second.packetId, first.packetId);
  },
);

specTest("a QoS 1 message is unfinished until PUBACK [MQTT-4.3.2-1] [MQTT-4.4.0-1]", async (t) => {
  const publisher = await t.connect();
  let client = await t.connect(lasting);
  await client.subscribe(subscribe({ a: 1 }));
  await publisher.send(publish("a", "x", { qos: 1 }));
  const { packetId } = await client.expectPublish("a", "x");
  for (let n = 0; n < 3; n++) {
    await t.drop(client);
    client = await t.connect(lasting);
    const again = await client.expectPublish("a", "x");
    assertEquals([again.packetId, again.qos, again.dup], [packetId, 1, true]);
  }
  await client.send(puback(packetId));
  await client.ping();
  await t.drop(client);
  await (await t.connect(lasting)).expectSilence();
});

specTest("PUBACK ends its own exchange only [MQTT-4.3.2-1]", async (t) => {
  const publisher = await t.connect();
  const client = await t.connect(lasting);
  await client.subscribe(subscribe({ a: 1 }));
  const ids: number[] = [];
  for (const payload of ["1", "2", "3"]) {
    await publisher.send(publish("a", payload, { qos: 1 }));
    ids.push((await client.expectPublish("a", payload)).packetId);
  }
  await client.send(puback(ids[1]!), puback(9_999));
  await client.ping();
  await t.drop(client);
  const again = await t.connect(lasting);
  await again.expectPublish("a", "1");
  await again.expectPublish("a", "3");
  await again.expectSilence();
});

timeTest("nothing is sent again on a connection that stays [MQTT-4.3.2-1]", async (t) => {
  const publisher = await t.connect();
  const client = await t.connect(lasting);
  await client.subscribe(subscribe({ a: 2 }));
  await publisher.send(publish("a", "1", { qos: 1 }), publish("a", "2", { qos: 2 }));
  await client.expectPublish("a", "1");
  await client.expectPublish("a", "2");
  await t.pass(3_600_000);
  await client.expectSilence();
});

specTest("PUBACK has the identifier of its message [MQTT-4.3.2-2]", async (t) => {
  const publisher = await t.connect();
  await publisher.send(
    publish("a", "1", { qos: 1, packetId: 3 }),
    publish("a", "2", { qos: 1, packetId: 65_535 }),
    publish("a", "3", { qos: 1, packetId: 1 }),
  );
  await publisher.expect("40 02 0003", "40 02 ffff", "40 02 0001");
});

specTest(
  "an identifier is free again after PUBACK, whatever DUP says [MQTT-4.3.2-2]",
  async (t) => {
    const witness = await t.connect();
    await witness.subscribe(subscribe({ a: 0 }));
    const publisher = await t.connect();
    for (const dup of [false, false, true, true]) {
      await publisher.send(publish("a", "x", { qos: 1, packetId: 3, dup }));
      await publisher.expect("40 02 0003");
      await witness.expectPublish("a", "x");
    }
    await witness.expectSilence();
  },
);

specTest(
  "what is sent again goes with unchanged identifiers, in order [MQTT-4.4.0-1] [MQTT-4.6.0-6]",
  async (t) => {
    const publisher = await t.connect();
    const client = await t.connect(lasting);
    await client.subscribe(subscribe({ "#": 2 }));
    const before: [string, number][] = [];
    for (let n = 0; n < 20; n++) {
      await publisher.send(publish("a", `${n}`, { qos: n % 2 === 0 ? 1 : 2, packetId: n + 1 }));
      const { payload, packetId } = await client.expectPublish("a", `${n}`);
      before.push([payload, packetId]);
    }
    await t.drop(client);
    const again = await t.connect(lasting);
    for (const [payload, packetId] of before) {
      const delivery = await again.expectPublish("a", payload);
      assertEquals([delivery.packetId, delivery.dup], [packetId, true]);
    }
  },
);

specTest(
  "what is sent again is in order, however many were acknowledged before [MQTT-4.4.0-1] [MQTT-4.6.0-6]",
  async (t) => {
    const publisher = await t.connect();
    let client = await t.connect(lasting);
    await client.subscribe(subscribe({ a: 2 }));
    // One that is never acknowledged, and after it the last three of all that come.
    const waiting: [string, number][] = [];
    for (let n = 0; n < 70; n++) {
      await publisher.send(publish("a", `${n}`, { qos: 1 }));
      waiting.push([`${n}`, (await client.expectPublish("a", `${n}`)).packetId]);
      const done = waiting.length > 4 ? waiting.splice(1, 1) : [];
      await client.send(...done.map(([, packetId]) => puback(packetId)), pingreq());
      await client.expect("d0 00");
      await t.drop(client);
      client = await t.connect(lasting);
      for (const [payload, packetId] of waiting) {
        assertEquals((await client.expectPublish("a", payload)).packetId, packetId);
      }
    }
  },
);
