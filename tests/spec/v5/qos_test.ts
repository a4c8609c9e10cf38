/** Delivery with QoS 0 and 1 (MQTT 5 §4.3.1, §4.3.2, §4.4 and §4.5). */
import { assertEquals, assertNotEquals } from "@std/assert";
import {
  frame,
  pingreq,
  properties,
  puback,
  publish,
  pubrec,
  subscribe,
  uint16,
} from "./packets.ts";
import { specTest, timeTest } from "./spec.ts";
import { subscriber } from "./steps.ts";

/** A client whose session outlives its connections. */
const lasting = { clientId: "client", clean: false, properties: properties.sessionExpiry(10_000) };

specTest("QoS 0 messages go out once, with QoS 0 and DUP 0 [MQTT-4.3.1-1]", async (t) => {
  const first = await t.connect(lasting);
  await first.subscribe(subscribe({ a: 0, b: 2 }));
  const publisher = await t.connect();
  await publisher.send(publish("a", "x", { qos: 1, dup: true }), publish("b", "y"));
  await publisher.expect("40 02 0001");
  await first.expect("30 05 0001 61 00 78", "30 05 0001 62 00 79");
  await t.drop(first);
  await (await t.connect(lasting)).expectSilence();
});

specTest(
  "each new QoS 1 message has a free identifier, QoS 1 and DUP 0 [MQTT-4.3.2-1] [MQTT-4.3.2-2]",
  async (t) => {
    const client = await subscriber(t, "a", 1);
    const publisher = await t.connect();
    const ids = new Set<number>();
    for (let n = 0; n < 50; n++) {
      await publisher.send(publish("a", `${n}`, { qos: 1, packetId: 77, dup: n % 2 === 1 }));
      const { qos, dup, packetId } = await client.expectPublish("a", `${n}`);
      assertEquals([qos, dup], [1, false]);
      assertNotEquals(packetId, 0);
      ids.add(packetId);
    }
    assertEquals(ids.size, 50);
  },
);

specTest("a QoS 1 message is unfinished until PUBACK [MQTT-4.3.2-3] [MQTT-4.4.0-1]", async (t) => {
  const publisher = await t.connect();
  let client = await subscriber(t, "a", 1, lasting);
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

specTest("an unfinished QoS 1 message holds quota [MQTT-4.3.2-3]", async (t) => {
  const client = await subscriber(t, "a", 1, { properties: properties.receiveMaximum(1) });
  const publisher = await t.connect();
  await publisher.send(publish("a", "1", { qos: 1 }), publish("a", "2", { qos: 1, packetId: 2 }));
  const { packetId } = await client.expectPublish("a", "1");
  await client.expectSilence();
  await client.send(puback(packetId));
  await client.expectPublish("a", "2");
});

specTest("PUBACK has the identifier of its message, which was taken [MQTT-4.3.2-4]", async (t) => {
  const away = { ...lasting, clientId: "away" };
  await t.drop(await subscriber(t, "a", 1, away));
  const publisher = await t.connect();
  for (const packetId of [1, 700, 65_535]) {
    await publisher.send(publish("a", `${packetId}`, { qos: 1, packetId }));
    await publisher.expect(frame(0x40, uint16(packetId)));
  }
  const back = await t.connect(away);
  for (const packetId of [1, 700, 65_535]) await back.expectPublish("a", `${packetId}`);
});

specTest(
  "an identifier is free again after PUBACK, whatever DUP says [MQTT-4.3.2-5]",
  async (t) => {
    const witness = await subscriber(t, "a");
    const publisher = await t.connect();
    for (const dup of [false, false, true, true]) {
      await publisher.send(publish("a", "x", { qos: 1, packetId: 3, dup }));
      await publisher.expect("40 02 0003");
      await witness.expectPublish("a", "x");
    }
    await witness.expectSilence();
  },
);

timeTest("nothing is sent again on a connection that stays [MQTT-4.4.0-1]", async (t) => {
  const publisher = await t.connect();
  const client = await subscriber(t, "a", 2, lasting);
  await publisher.send(publish("a", "1", { qos: 1 }), publish("a", "2", { qos: 2, packetId: 2 }));
  await client.expectPublish("a", "1");
  const { packetId } = await client.expectPublish("a", "2");
  await t.pass(3_600_000);
  await client.expectSilence();
  await client.send(pubrec(packetId));
  await client.expect(frame(0x62, uint16(packetId)));
  await t.pass(3_600_000);
  await client.expectSilence();
});

specTest(
  "what is sent again goes with unchanged identifiers, in order [MQTT-4.4.0-1]",
  async (t) => {
    const publisher = await t.connect();
    const client = await subscriber(t, "a", 2, lasting);
    const before: [string, number][] = [];
    for (let n = 0; n < 20; n++) {
      await publisher.send(publish("a", `${n}`, { qos: n % 2 === 0 ? 1 : 2, packetId: n + 1 }));
      before.push([`${n}`, (await client.expectPublish("a", `${n}`)).packetId]);
    }
    await t.drop(client);
    const again = await t.connect(lasting);
    for (const [payload, packetId] of before) {
      const delivery = await again.expectPublish("a", payload);
      assertEquals([delivery.packetId, delivery.dup], [packetId, true]);
    }
    await again.expectSilence();
  },
);

specTest("PUBACK and PUBREC of 0x80 and above end the exchange [MQTT-4.4.0-2]", async (t) => {
  const publisher = await t.connect();
  const client = await subscriber(t, "a", 2, lasting);
  for (const [qos, first] of [[1, 0x40], [2, 0x50]] as const) {
    for (const code of [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]) {
      const packetId = qos * 256 + code;
      await publisher.send(publish("a", "x", { qos, packetId }));
      const delivery = await client.expectPublish("a", "x");
      await client.send(frame(first, uint16(delivery.packetId), Uint8Array.of(code)));
      await client.expectSilence();
    }
  }
  await t.drop(client);
  await (await t.connect(lasting)).expectSilence();
});

specTest(
  "a message is put into the session of every client it is for [MQTT-4.5.0-1]",
  async (t) => {
    const names = ["one", "two", "three"];
    for (const clientId of names) {
      await t.drop(
        await subscriber(t, "a/+", 1, { ...lasting, clientId }),
      );
    }
    const present = await subscriber(t, "#", 2);
    const publisher = await t.connect();
    await publisher.send(publish("a/b", "x", { qos: 1 }));
    await publisher.expect("40 02 0001");
    await present.expectPublish("a/b", "x");
    for (const clientId of names) {
      const back = await t.connect({ ...lasting, clientId });
      await back.expectPublish("a/b", "x");
      await back.expectSilence();
    }
  },
);

specTest(
  "what is sent again is in order, however many were acknowledged before [MQTT-4.4.0-1]",
  async (t) => {
    const publisher = await t.connect();
    let client = await subscriber(t, "a", 2, lasting);
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
