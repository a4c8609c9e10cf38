/** Delivery with QoS 0 and 1 (MQTT 3.1.1 and 5.0, §4.3.1, §4.3.2, §4.4 and §4.5). */
import { assertEquals, assertNotEquals } from "@std/assert";
import { pingreq, puback, pubrec } from "../../harness/packets.ts";
import { BOTH } from "./spec.ts";
import { subscriber } from "./steps.ts";

for (const { version, lasting, packets, specTest, timeTest } of BOTH) {
  const { ack, publish, subscribe } = packets;

  specTest(
    `${version}: QoS 0 messages go out once, with QoS 0 and DUP 0 [MQTT-4.3.1-1]`,
    async (t) => {
      const first = await t.connect(lasting);
      await first.subscribe(subscribe({ a: 0, b: 2 }));
      const publisher = await t.connect();
      await publisher.send(publish("a", "x", { qos: 1, dup: true }), publish("b", "y"));
      await publisher.expect("40 02 0001");
      await first.expect(publish("a", "x"), publish("b", "y"));
      await t.drop(first);
      await (await t.connect(lasting)).expectSilence();
    },
  );

  specTest(
    `${version}: each new QoS 1 message has a free identifier, QoS 1 and DUP 0 [MQTT-4.3.2-1] [v5 MQTT-4.3.2-2]`,
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

  specTest(
    `${version}: a QoS 1 message is unfinished until PUBACK [v311 MQTT-4.3.2-1] [v5 MQTT-4.3.2-3] [MQTT-4.4.0-1]`,
    async (t) => {
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
    },
  );

  specTest(
    `${version}: PUBACK ends its own exchange only [v311 MQTT-4.3.2-1] [v5 MQTT-4.3.2-3]`,
    async (t) => {
      const publisher = await t.connect();
      const client = await subscriber(t, "a", 1, lasting);
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
    },
  );

  timeTest(
    `${version}: nothing is sent again on a connection that stays [v311 MQTT-4.3.2-1] [v5 MQTT-4.4.0-1]`,
    async (t) => {
      const publisher = await t.connect();
      const client = await subscriber(t, "a", 2, lasting);
      await publisher.send(
        publish("a", "1", { qos: 1 }),
        publish("a", "2", { qos: 2, packetId: 2 }),
      );
      await client.expectPublish("a", "1");
      const { packetId } = await client.expectPublish("a", "2");
      await t.pass(3_600_000);
      await client.expectSilence();
      await client.send(pubrec(packetId));
      await client.expect(ack(0x62, packetId));
      await t.pass(3_600_000);
      await client.expectSilence();
    },
  );

  specTest(
    `${version}: PUBACK has the identifier of its message, which was taken [v311 MQTT-4.3.2-2] [v5 MQTT-4.3.2-4]`,
    async (t) => {
      const away = { ...lasting, clientId: "away" };
      await t.drop(await subscriber(t, "a", 1, away));
      const publisher = await t.connect();
      const ids = [3, 65_535, 1, 700];
      for (const packetId of ids.slice(0, 2)) {
        await publisher.send(publish("a", `${packetId}`, { qos: 1, packetId }));
        await publisher.expect(puback(packetId));
      }
      const together = ids.slice(2);
      await publisher.send(...together.map((n) => publish("a", `${n}`, { qos: 1, packetId: n })));
      await publisher.expect(...together.map((packetId) => puback(packetId)));
      const back = await t.connect(away);
      for (const packetId of ids) await back.expectPublish("a", `${packetId}`);
    },
  );

  specTest(
    `${version}: an identifier is free again after PUBACK, whatever DUP says [v311 MQTT-4.3.2-2] [v5 MQTT-4.3.2-5]`,
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

  specTest(
    `${version}: what is sent again goes with unchanged identifiers, in order [MQTT-4.4.0-1] [v311 MQTT-4.6.0-6]`,
    async (t) => {
      const publisher = await t.connect();
      const client = await subscriber(t, "#", 2, lasting);
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

  specTest(
    `${version}: what is sent again is in order, however many were acknowledged before [MQTT-4.4.0-1] [v311 MQTT-4.6.0-6]`,
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

  specTest(
    `${version}: a message is put into the session of every client it is for [MQTT-4.5.0-1]`,
    async (t) => {
      const names = ["one", "two", "three"];
      for (const clientId of names) {
        await t.drop(await subscriber(t, "a/+", 1, { ...lasting, clientId }));
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
}
