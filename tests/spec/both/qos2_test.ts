/** Delivery with QoS 2 (MQTT 3.1.1 and 5.0, §4.3.3 and §4.4). */
import { assertEquals, assertNotEquals } from "@std/assert";
import { pubcomp, pubrec, pubrel } from "../../harness/packets.ts";
import { BOTH } from "./spec.ts";
import { subscriber } from "./steps.ts";

/** Packet Identifier not found. */
const UNKNOWN = 0x92;
/** No matching subscribers. */
const NOBODY = 0x10;

for (const { version, lasting, packets, specTest } of BOTH) {
  const { ack, publish } = packets;

  specTest(
    `${version}: each new QoS 2 message has a free identifier, QoS 2 and DUP 0 [MQTT-4.3.3-1] [v5 MQTT-4.3.3-2]`,
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
        if (n % 2 === 0) await client.expect(ack(0x62, packetId));
      }
      assertEquals(ids.size, 50);
    },
  );

  specTest(
    `${version}: a QoS 2 message is sent again until PUBREC [v311 MQTT-4.3.3-1] [v5 MQTT-4.3.3-3] [MQTT-4.4.0-1]`,
    async (t) => {
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
      await client.send(pubrec(packetId));
      await client.expect(ack(0x62, packetId));
    },
  );

  specTest(
    `${version}: after PUBREC it is PUBREL that is sent again, until PUBCOMP [v311 MQTT-4.3.3-1] [v5 MQTT-4.3.3-5] [v5 MQTT-4.3.3-6] [MQTT-4.4.0-1]`,
    async (t) => {
      const publisher = await t.connect();
      let client = await subscriber(t, "a", 2, lasting);
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

  specTest(
    `${version}: each PUBREC is answered by PUBREL [v311 MQTT-4.3.3-1] [v5 MQTT-4.3.3-4]`,
    async (t) => {
      const publisher = await t.connect();
      const client = await subscriber(t, "a", 2);
      await publisher.send(publish("a", "x", { qos: 2 }));
      const { packetId } = await client.expectPublish("a", "x");
      await client.send(pubrec(packetId), pubrec(packetId));
      await client.expect(ack(0x62, packetId), ack(0x62, packetId));
      await client.send(pubcomp(packetId));
      await client.expectSilence();
    },
  );

  specTest(
    `${version}: PUBREC has the identifier of its message, which was taken [v311 MQTT-4.3.3-2] [v5 MQTT-4.3.3-8]`,
    async (t) => {
      const away = { ...lasting, clientId: "away" };
      await t.drop(await subscriber(t, "a", 2, away));
      const publisher = await t.connect();
      for (const packetId of [1, 700, 65_535]) {
        await publisher.send(publish("a", `${packetId}`, { qos: 2, packetId }));
        await publisher.expect(pubrec(packetId));
      }
      const back = await t.connect(away);
      for (const packetId of [1, 700, 65_535]) await back.expectPublish("a", `${packetId}`);
    },
  );

  specTest(
    `${version}: a repeated QoS 2 message is acknowledged and delivered once [v311 MQTT-4.3.3-2] [v5 MQTT-4.3.3-10]`,
    async (t) => {
      const witness = await subscriber(t, "a");
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
    `${version}: a QoS 2 message repeated on another connection is delivered once [v311 MQTT-4.3.3-2] [v5 MQTT-4.3.3-10] [v311 MQTT-4.1.0-1]`,
    async (t) => {
      const witness = await subscriber(t, "a");
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

  specTest(
    `${version}: after PUBCOMP the identifier stands for a new message [v311 MQTT-4.3.3-2] [v5 MQTT-4.3.3-12]`,
    async (t) => {
      const witness = await subscriber(t, "a");
      const publisher = await t.connect();
      for (const dup of [false, false, true]) {
        await publisher.send(publish("a", "x", { qos: 2, packetId: 6, dup }));
        await publisher.expect("50 02 0006");
        await publisher.send(pubrel(6));
        await publisher.expect("70 02 0006");
        await witness.expectPublish("a", "x");
      }
      await witness.expectSilence();
    },
  );

  specTest(
    `${version}: each PUBREL is answered by PUBCOMP, known or not [v311 MQTT-4.3.3-2] [v5 MQTT-4.3.3-11]`,
    async (t) => {
      const publisher = await t.connect();
      for (const packetId of [1, 700, 65_535]) {
        await publisher.send(publish("a", "x", { qos: 2, packetId }));
        await publisher.expect(ack(0x50, packetId, NOBODY));
        await publisher.send(pubrel(packetId), pubrel(packetId));
        await publisher.expect(ack(0x70, packetId), ack(0x70, packetId, UNKNOWN));
      }
      await publisher.send(pubrel(7));
      await publisher.expect(ack(0x70, 7, UNKNOWN));
    },
  );

  specTest(
    `${version}: exchanges of the two ends do not meet, though identifiers are equal [v311 MQTT-4.3.3-2] [v5 MQTT-4.3.3-4] [v5 MQTT-4.3.3-11]`,
    async (t) => {
      const client = await subscriber(t, "a", 2);
      const publisher = await t.connect();
      await publisher.send(publish("a", "to", { qos: 2 }));
      const { packetId } = await client.expectPublish("a", "to");
      await client.send(publish("b", "from", { qos: 2, packetId }));
      await client.expect(ack(0x50, packetId, NOBODY));
      await client.send(pubrec(packetId));
      await client.expect(ack(0x62, packetId));
      await client.send(pubrel(packetId));
      await client.expect(ack(0x70, packetId));
      await client.send(pubcomp(packetId));
      await client.expectSilence();
    },
  );

  specTest(
    `${version}: a QoS 2 message is delivered once, wherever its publisher is lost [v311 MQTT-4.3.3-2] [v5 MQTT-4.3.3-10]`,
    async (t) => {
      const witness = await subscriber(t, "a");
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
      await publisher.expect(ack(0x70, 6, UNKNOWN));
      await witness.expectSilence();
    },
  );
}
