/** SUBSCRIBE and SUBACK (MQTT 3.1.1 and 5.0, §3.8 and §3.9). */
import { assertEquals } from "@std/assert";
import type { Authorizer } from "../../../auth/mod.ts";
import { puback, text } from "../../harness/packets.ts";
import { hex } from "../harness.ts";
import { resubscribeInTraffic } from "../sequence.ts";
import { BAD_UTF8 } from "../v5/steps.ts";
import { BOTH } from "./spec.ts";
import { expectFault, subscriber } from "./steps.ts";

/** Malformed Packet. */
const MALFORMED = 0x81;
/** Protocol Error. */
const PROTOCOL_ERROR = 0x82;

const authorizer: Authorizer = {
  mayPublish: () => true,
  maySubscribe: (_client, { filter }) => !filter.startsWith("secret"),
};

for (const { version, packets, specTest } of BOTH) {
  const { publish, suback, subscribe, subscribeOf } = packets;
  const entry = (filter: string, qos: number) => [text(filter), Uint8Array.of(qos)];

  specTest(
    `${version}: an ill-formed filter in SUBSCRIBE is malformed [MQTT-3.8.3-1]`,
    async (t) => {
      for (const [, bytes] of BAD_UTF8) {
        const bad = [text(bytes), hex("00")];
        await expectFault(t, subscribeOf(...bad), MALFORMED);
        await expectFault(t, subscribeOf(...entry("a", 0), ...bad), MALFORMED);
      }
    },
  );

  specTest(
    `${version}: SUBSCRIBE without a filter is a fault [v311 MQTT-3.8.3-3] [v5 MQTT-3.8.3-2]`,
    async (t) => {
      await expectFault(t, subscribeOf(), PROTOCOL_ERROR);
    },
  );

  specTest(
    `${version}: a filter without its options is malformed [v311 MQTT-3.8.3-3] [v5 MQTT-3.8.3-2]`,
    async (t) => {
      await expectFault(t, subscribeOf(text("a")), MALFORMED);
      await expectFault(t, subscribeOf(...entry("a", 0), text("b")), MALFORMED);
      await expectFault(t, subscribeOf(hex("0005 61 00")), MALFORMED);
    },
  );

  specTest(
    `${version}: each SUBSCRIBE is answered, with its identifier [MQTT-3.8.4-1] [MQTT-3.8.4-2]`,
    async (t) => {
      const client = await t.connect();
      const ids = [1, 300, 300, 65_535];
      await client.send(...ids.map((packetId) => subscribe({ a: 0 }, { packetId })));
      await client.expect(...ids.map((packetId) => suback(packetId, 0)));
    },
  );

  specTest(
    `${version}: subscribing again takes the place of the subscription [MQTT-3.8.4-3]`,
    async (t) => {
      const client = await t.connect();
      for (const qos of [0, 2, 1]) {
        await client.subscribe(subscribe({ "a/+": qos }));
        await client.send(publish("a/b", "x", { qos: 2, packetId: 9 }));
        await client.expect("50 02 0009");
        assertEquals((await client.expectPublish("a/b", "x")).qos, qos);
        await client.send("62 02 0009");
        await client.expect("70 02 0009");
      }
      await client.expectSilence();
    },
  );

  specTest(
    `${version}: subscribing again sends retained messages again [v311 MQTT-3.8.4-3] [v5 MQTT-3.8.4-4]`,
    async (t) => {
      const client = await t.connect();
      await client.send(publish("a/b", "kept", { retain: true }));
      for (let n = 0; n < 3; n++) {
        await client.subscribe(subscribe({ "a/+": 0 }));
        assertEquals((await client.expectPublish("a/b", "kept")).retain, true);
        await client.expectSilence();
      }
    },
  );

  for (const [qos, others] of [[0, 0], [1, 0], [0, 10], [1, 10]] as const) {
    specTest(
      `${version}: with QoS ${qos} and ${others} others, subscribing again interrupts no traffic [v311 MQTT-3.8.4-3] [v5 MQTT-3.8.4-4]`,
      (t) => resubscribeInTraffic(t, qos, others),
    );
  }

  specTest(
    `${version}: several filters in SUBSCRIBE are several subscriptions with one answer [v311 MQTT-3.8.4-4] [MQTT-3.8.4-5] [v5 MQTT-3.8.4-6]`,
    async (t) => {
      const client = await t.connect();
      await client.send(subscribe({ a: 1, b: 0, "c/#": 2 }, { packetId: 5 }));
      await client.expect(suback(5, 1, 0, 2));
      const publisher = await t.connect();
      for (const [topic, qos] of [["a", 1], ["b", 0], ["c/d", 2]] as const) {
        await publisher.send(publish(topic, "x", { qos: 2 }));
        assertEquals((await client.expectPublish(topic, "x")).qos, qos);
        await publisher.expect("50 02 0001");
        await publisher.send("62 02 0001");
        await publisher.expect("70 02 0001");
      }
    },
  );

  specTest(
    `${version}: the same filter twice in one SUBSCRIBE counts as it comes last [v311 MQTT-3.8.4-4] [v5 MQTT-3.8.4-5]`,
    async (t) => {
      const client = await t.connect();
      await client.send(subscribeOf(...entry("a", 2), ...entry("a", 0)));
      await client.expect(suback(1, 2, 0));
      await client.send(publish("a", "x", { qos: 1 }));
      await client.expect(puback(1), publish("a", "x"));
      await client.expectSilence();
    },
  );

  specTest(
    `${version}: SUBACK has as many codes as there are filters [v311 MQTT-3.8.4-5] [v5 MQTT-3.8.4-6]`,
    async (t) => {
      const client = await t.connect();
      for (const count of [1, 2, 10, 200]) {
        const filters = Array.from({ length: count }, (_, n) => [`filter/${n}`, n % 3] as const);
        await client.send(subscribe(Object.fromEntries(filters)));
        assertEquals((await client.readAck()).reasonCodes, filters.map(([, qos]) => qos));
      }
    },
  );

  specTest(
    `${version}: SUBACK says for each filter, in order, what was granted or why not [v311 MQTT-3.8.4-5] [v5 MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2]`,
    { broker: { authorizer, limits: { subscriptionsMax: 3 } } },
    async (t) => {
      const client = await t.connect();
      const filters = { a: 2, "secret/1": 1, b: 0, "$share/g/secret": 2, c: 1, d: 1 };
      await client.send(subscribe(filters));
      await client.expect(suback(1, 2, 0x87, 0, 0x87, 1, 0x97));
      await client.send(publish("secret/1", "x"), publish("d", "x"), publish("b", "x"));
      await client.expectPublish("b", "x");
      await client.expectSilence();
    },
  );

  specTest(
    `${version}: what the broker does not support is told in SUBACK [v5 MQTT-3.8.4-7] [MQTT-3.9.3-2]`,
    { broker: { wildcardSubscriptionAvailable: false, sharedSubscriptionAvailable: false } },
    async (t) => {
      const client = await t.connect();
      await client.send(subscribe({ "a/#": 2, "$share/group/a": 1, "b": 0, "+": 0 }));
      await client.expect(suback(1, 0xa2, 0x9e, 0, 0xa2));
    },
  );

  specTest(
    `${version}: a message comes with the lower of two QoS [v311 MQTT-3.8.4-6] [v5 MQTT-3.8.4-8]`,
    async (t) => {
      const publisher = await t.connect();
      let packetId = 0;
      for (const granted of [0, 1, 2] as const) {
        const client = await subscriber(t, "a", granted);
        for (const qos of [0, 1, 2] as const) {
          await publisher.send(publish("a", "x", { qos, packetId: ++packetId }));
          const delivery = await client.expectPublish("a", "x");
          assertEquals(delivery.qos, Math.min(granted, qos));
          if (delivery.qos === 1) await client.send(puback(delivery.packetId));
        }
      }
    },
  );
}
