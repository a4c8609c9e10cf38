/** Delivery with QoS 2 (MQTT 5 §4.3.3 and §4.4). */
import { assertEquals, assertNotEquals } from "@std/assert";
import type { Authorizer } from "../../../auth/mod.ts";
import { frame, properties, pubcomp, publish, pubrec, pubrel, uint16 } from "./packets.ts";
import { specTest, timeTest } from "./spec.ts";
import { subscriber } from "./steps.ts";

const lasting = { clientId: "client", clean: false, properties: properties.sessionExpiry(10_000) };

specTest(
  "each new QoS 2 message has a free identifier, QoS 2 and DUP 0 [MQTT-4.3.3-1] [MQTT-4.3.3-2]",
  async (t) => {
    const client = await subscriber(t, "a", 2);
    const publisher = await t.connect();
    const ids = new Set<number>();
    for (let n = 0; n < 50; n++) {
      await publisher.send(publish("a", `${n}`, { qos: 2, packetId: n + 1, dup: n % 2 === 1 }));
      const { qos, dup, packetId } = await client.expectPublish("a", `${n}`);
      assertEquals([qos, dup], [2, false]);
      assertNotEquals(packetId, 0);
      ids.add(packetId);
      // Half of them go on to wait for PUBCOMP: their identifiers are in use, too.
      if (n % 2 === 0) await client.send(pubrec(packetId));
      if (n % 2 === 0) await client.expect(frame(0x62, uint16(packetId)));
    }
    assertEquals(ids.size, 50);
  },
);

specTest("a QoS 2 message is sent again until PUBREC [MQTT-4.3.3-3] [MQTT-4.4.0-1]", async (t) => {
  const publisher = await t.connect();
  let client = await subscriber(t, "a", 2, lasting);
  await publisher.send(publish("a", "x", { qos: 2 }));
  const { packetId } = await client.expectPublish("a", "x");
  for (let n = 0; n < 2; n++) {
    await t.drop(client);
    client = await t.connect(lasting);
    const again = await client.expectPublish("a", "x");
    assertEquals([again.packetId, again.qos, again.dup], [packetId, 2, true]);
  }
});

specTest("PUBREC below 0x80 is answered by PUBREL [MQTT-4.3.3-4]", async (t) => {
  const publisher = await t.connect();
  const client = await subscriber(t, "a", 2);
  for (const [n, code] of [0x00, 0x10].entries()) {
    await publisher.send(publish("a", "x", { qos: 2, packetId: n + 1 }));
    const { packetId } = await client.expectPublish("a", "x");
    await client.send(frame(0x50, uint16(packetId), Uint8Array.of(code)));
    await client.expect(frame(0x62, uint16(packetId)));
  }
});

specTest(
  "after PUBREC it is PUBREL that is sent again, until PUBCOMP [MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT-4.4.0-1]",
  async (t) => {
    const publisher = await t.connect();
    let client = await subscriber(t, "a", 2, lasting);
    await publisher.send(publish("a", "x", { qos: 2 }));
    const { packetId } = await client.expectPublish("a", "x");
    await client.send(pubrec(packetId));
    await client.expect(frame(0x62, uint16(packetId)));
    for (let n = 0; n < 2; n++) {
      await t.drop(client);
      client = await t.connect(lasting);
      await client.expect(frame(0x62, uint16(packetId)));
      await client.expectSilence();
    }
    await client.send(pubcomp(packetId));
    await client.ping();
    await t.drop(client);
    await (await t.connect(lasting)).expectSilence();
  },
);

timeTest("a QoS 2 message that was sent expires no more [MQTT-4.3.3-7]", async (t) => {
  const publisher = await t.connect();
  const client = await subscriber(t, "a", 2, lasting);
  const expiring = properties.messageExpiry(10);
  await publisher.send(publish("a", "sent", { qos: 2, properties: expiring }));
  const { packetId } = await client.expectPublish("a", "sent");
  await t.drop(client);
  await publisher.send(publish("a", "never sent", { qos: 2, packetId: 2, properties: expiring }));
  await publisher.expect("50 02 0001", "50 02 0002");
  await t.pass(60_000);
  const again = await t.connect(lasting);
  const delivery = await again.expectPublish("a", "sent");
  assertEquals([delivery.packetId, delivery.dup], [packetId, true]);
  await again.send(pubrec(packetId));
  await again.expect(frame(0x62, uint16(packetId)));
  await again.send(pubcomp(packetId));
  await again.expectSilence();
});

specTest("PUBREC has the identifier of its message, which was taken [MQTT-4.3.3-8]", async (t) => {
  const away = { ...lasting, clientId: "away" };
  await t.drop(await subscriber(t, "a", 2, away));
  const publisher = await t.connect();
  for (const packetId of [1, 700, 65_535]) {
    await publisher.send(publish("a", `${packetId}`, { qos: 2, packetId }));
    await publisher.expect(frame(0x50, uint16(packetId)));
  }
  const back = await t.connect(away);
  for (const packetId of [1, 700, 65_535]) await back.expectPublish("a", `${packetId}`);
});

let mayPublish = false;
const authorizer: Authorizer = { mayPublish: () => mayPublish, maySubscribe: () => true };

specTest(
  "after a PUBREC of 0x80 and above the identifier stands for a new message [MQTT-4.3.3-9]",
  { broker: { authorizer } },
  async (t) => {
    const witness = await subscriber(t, "a");
    const publisher = await t.connect();
    mayPublish = false;
    await publisher.send(publish("a", "refused", { qos: 2, packetId: 6 }));
    await publisher.expect("50 03 0006 87");
    mayPublish = true;
    await publisher.send(publish("a", "new", { qos: 2, packetId: 6 }));
    await publisher.expect("50 02 0006");
    await witness.expectPublish("a", "new");
    await witness.expectSilence();
  },
);

specTest(
  "a repeated QoS 2 message is acknowledged and delivered once [MQTT-4.3.3-10]",
  async (t) => {
    const witness = await subscriber(t, "a");
    let publisher = await t.connect(lasting);
    for (const dup of [false, true, false, true]) {
      await publisher.send(publish("a", "x", { qos: 2, packetId: 6, dup }));
      await publisher.expect("50 02 0006");
    }
    await witness.expectPublish("a", "x");
    await t.drop(publisher);
    publisher = await t.connect(lasting);
    await publisher.send(publish("a", "x", { qos: 2, packetId: 6, dup: true }));
    await publisher.expect("50 02 0006");
    await witness.expectSilence();
  },
);

specTest("each PUBREL is answered by PUBCOMP [MQTT-4.3.3-11]", async (t) => {
  const publisher = await t.connect();
  await subscriber(t, "a");
  for (const packetId of [1, 700, 65_535]) {
    await publisher.send(publish("a", "x", { qos: 2, packetId }));
    await publisher.expect(frame(0x50, uint16(packetId)));
    await publisher.send(pubrel(packetId));
    await publisher.expect(frame(0x70, uint16(packetId)));
  }
});

specTest("after PUBCOMP the identifier stands for a new message [MQTT-4.3.3-12]", async (t) => {
  const witness = await subscriber(t, "a");
  const publisher = await t.connect();
  for (const dup of [false, false, true]) {
    await publisher.send(publish("a", "x", { qos: 2, packetId: 6, dup }));
    await publisher.expect("50 02 0006");
    await publisher.send(pubrel(6));
    await publisher.expect("70 02 0006");
    await witness.expectPublish("a", "x");
  }
});

timeTest("the exchange goes on though the message has expired [MQTT-4.3.3-13]", async (t) => {
  const publisher = await t.connect();
  const witness = await subscriber(t, "a");
  const message = { qos: 2, packetId: 6, properties: properties.messageExpiry(10) } as const;
  await publisher.send(publish("a", "x", message));
  await publisher.expect("50 02 0006");
  await witness.expectPublish("a", "x");
  await t.pass(60_000);
  await publisher.send(publish("a", "x", { ...message, dup: true }));
  await publisher.expect("50 02 0006");
  await publisher.send(pubrel(6));
  await publisher.expect("70 02 0006");
  await witness.expectSilence();
});
