/** Delivery with QoS 2 (MQTT 3.1.1 §4.3.3 and §4.4). */
import { assertEquals, assertNotEquals } from "@std/assert";
import { pubcomp, publish, pubrec, pubrel, subscribe } from "../../harness/packets.ts";
import { specTest } from "./spec.ts";

const lasting = { clientId: "client", clean: false };
const ack = (first: number, packetId: number) =>
  Uint8Array.of(first, 2, packetId >> 8, packetId & 0xff);

specTest(
  "a QoS 2 message goes out with QoS 2, DUP 0 and a free identifier [MQTT-4.3.3-1]",
  async (t) => {
    const client = await t.connect();
    await client.subscribe(subscribe({ a: 2 }));
    const publisher = await t.connect();
    const ids: number[] = [];
    for (const packetId of [77, 78]) {
      await publisher.send(publish("a", "x", { qos: 2, packetId }));
      const delivery = await client.expectPublish("a", "x");
      assertEquals([delivery.qos, delivery.dup], [2, false]);
      ids.push(delivery.packetId);
    }
    assertNotEquals(ids[0], ids[1]);
  },
);

specTest("a QoS 2 message is sent again until PUBREC [MQTT-4.3.3-1] [MQTT-4.4.0-1]", async (t) => {
  const publisher = await t.connect();
  let client = await t.connect(lasting);
  await client.subscribe(subscribe({ a: 2 }));
  await publisher.send(publish("a", "x", { qos: 2 }));
  const { packetId } = await client.expectPublish("a", "x");
  for (let n = 0; n < 2; n++) {
    await t.drop(client);
    client = await t.connect(lasting);
    const again = await client.expectPublish("a", "x");
    assertEquals([again.packetId, again.qos, again.dup], [packetId, 2, true]);
  }
  await client.send(pubrec(packetId));
  await client.expect(ack(0x62, packetId));
});

specTest(
  "after PUBREC it is PUBREL that is sent again, until PUBCOMP [MQTT-4.3.3-1] [MQTT-4.4.0-1]",
  async (t) => {
    const publisher = await t.connect();
    let client = await t.connect(lasting);
    await client.subscribe(subscribe({ a: 2 }));
    await publisher.send(publish("a", "x", { qos: 2 }));
    const { packetId } = await client.expectPublish("a", "x");
    await client.send(pubrec(packetId));
    await client.expect(ack(0x62, packetId));
    for (let n = 0; n < 2; n++) {
      await t.drop(client);
      client = await t.connect(lasting);
      await client.expect(ack(0x62, packetId));
      await client.expectSilence();
    }
    await client.send(pubcomp(packetId));
    await client.ping();
    await t.drop(client);
    await (await t.connect(lasting)).expectSilence();
  },
);

specTest("each PUBREC is answered by PUBREL [MQTT-4.3.3-1]", async (t) => {
  const publisher = await t.connect();
  const client = await t.connect();
  await client.subscribe(subscribe({ a: 2 }));
  await publisher.send(publish("a", "x", { qos: 2 }));
  const { packetId } = await client.expectPublish("a", "x");
  await client.send(pubrec(packetId), pubrec(packetId));
  await client.expect(ack(0x62, packetId), ack(0x62, packetId));
  await client.send(pubcomp(packetId));
  await client.expectSilence();
});

specTest(
  "a repeated QoS 2 message is acknowledged and delivered once [MQTT-4.3.3-2]",
  async (t) => {
    const witness = await t.connect();
    await witness.subscribe(subscribe({ a: 0 }));
    const publisher = await t.connect();
    for (const dup of [false, true, false, true]) {
      await publisher.send(publish("a", "x", { qos: 2, packetId: 6, dup }));
      await publisher.expect("50 02 0006");
    }
    await witness.expectPublish("a", "x");
    await witness.expectSilence();
  },
);

specTest(
  "a QoS 2 message repeated on another connection is delivered once [MQTT-4.3.3-2] [MQTT-4.1.0-1]",
  async (t) => {
    const witness = await t.connect();
    await witness.subscribe(subscribe({ a: 0 }));
    const publisher = await t.connect(lasting);
    await publisher.send(publish("a", "x", { qos: 2, packetId: 6 }));
    await publisher.expect("50 02 0006");
    await witness.expectPublish("a", "x");
    await t.drop(publisher);
    const again = await t.connect(lasting);
    await again.send(publish("a", "x", { qos: 2, packetId: 6, dup: true }));
    await again.expect("50 02 0006");
    await witness.expectSilence();
    await again.send(pubrel(6));
    await again.expect("70 02 0006");
  },
);

specTest("after PUBCOMP the identifier stands for a new message [MQTT-4.3.3-2]", async (t) => {
  const witness = await t.connect();
  await witness.subscribe(subscribe({ a: 0 }));
  const publisher = await t.connect();
  for (const dup of [false, false, true]) {
    await publisher.send(publish("a", "x", { qos: 2, packetId: 6, dup }));
    await publisher.expect("50 02 0006");
    await publisher.send(pubrel(6));
    await publisher.expect("70 02 0006");
    await witness.expectPublish("a", "x");
  }
  await witness.expectSilence();
});

specTest("each PUBREL is answered by PUBCOMP, known or not [MQTT-4.3.3-2]", async (t) => {
  const publisher = await t.connect();
  await publisher.send(publish("a", "x", { qos: 2, packetId: 6 }));
  await publisher.expect("50 02 0006");
  await publisher.send(pubrel(6), pubrel(6), pubrel(7));
  await publisher.expect("70 02 0006", "70 02 0006", "70 02 0007");
});

specTest(
  "exchanges of the two ends do not meet, though identifiers are equal [MQTT-4.3.3-2]",
  async (t) => {
    const client = await t.connect();
    await client.subscribe(subscribe({ a: 2 }));
    const publisher = await t.connect();
    await publisher.send(publish("a", "to", { qos: 2 }));
    const { packetId } = await client.expectPublish("a", "to");
    await client.send(publish("b", "from", { qos: 2, packetId }));
    await client.expect(ack(0x50, packetId));
    await client.send(pubrec(packetId));
    await client.expect(ack(0x62, packetId));
    await client.send(pubrel(packetId));
    await client.expect(ack(0x70, packetId));
    await client.send(pubcomp(packetId));
    await client.expectSilence();
  },
);

specTest(
  "a QoS 2 message is delivered once, wherever its publisher is lost [MQTT-4.3.3-2]",
  async (t) => {
    const witness = await t.connect();
    await witness.subscribe(subscribe({ a: 0 }));
    let publisher = await t.connect(lasting);
    const reconnect = async () => {
      await t.drop(publisher);
      publisher = await t.connect(lasting);
    };
    await publisher.send(publish("a", "x", { qos: 2, packetId: 6 }));
    await witness.expectPublish("a", "x");
    await reconnect();
    await publisher.send(publish("a", "x", { qos: 2, packetId: 6, dup: true }));
    await publisher.expect("50 02 0006");
    await publisher.send(pubrel(6));
    await reconnect();
    await publisher.send(pubrel(6));
    await publisher.expect("70 02 0006");
    await witness.expectSilence();
  },
);
