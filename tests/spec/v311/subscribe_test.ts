/** SUBSCRIBE and SUBACK (MQTT 3.1.1 §3.8 and §3.9). */
import { assertEquals } from "@std/assert";
import type { Authorizer } from "../../../auth/mod.ts";
import { frame, puback, publish, subscribe, text, uint16 } from "../../harness/packets.ts";
import { hex } from "../harness.ts";
import { expectFault } from "./steps.ts";
import { resubscribeInTraffic } from "../sequence.ts";
import { specTest } from "./spec.ts";

specTest("an ill-formed filter ends the connection [MQTT-3.8.3-1]", async (t) => {
  const good = [text("a"), Uint8Array.of(0)];
  for (const filter of ["ed a0 80", "61 ff", "c0 af"]) {
    const bad = [text(hex(filter)), Uint8Array.of(0)];
    await expectFault(t, frame(0x82, uint16(1), ...bad));
    await expectFault(t, frame(0x82, uint16(1), ...good, ...bad));
  }
});

specTest("SUBSCRIBE without a filter ends the connection [MQTT-3.8.3-3]", async (t) => {
  await expectFault(t, frame(0x82, uint16(1)));
});

specTest("a filter without its QoS ends the connection [MQTT-3.8.3-3]", async (t) => {
  await expectFault(t, frame(0x82, uint16(1), text("a")));
  await expectFault(t, frame(0x82, uint16(1), text("a"), Uint8Array.of(0), text("b")));
  await expectFault(t, frame(0x82, uint16(1), hex("0005 61 00")));
});

specTest("a requested QoS is 0, 1 or 2 and nothing else [MQTT-3.8.3-4]", async (t) => {
  for (let options = 3; options < 256; options++) {
    await expectFault(t, subscribe({ a: options }));
  }
  const client = await t.connect();
  await client.send(subscribe({ a: 0, b: 1, c: 2 }));
  await client.expect("90 05 0001 00 01 02");
});

specTest(
  "each SUBSCRIBE is answered, with its identifier [MQTT-3.8.4-1] [MQTT-3.8.4-2]",
  async (t) => {
    const client = await t.connect();
    const ids = [1, 300, 300, 65_535];
    await client.send(...ids.map((packetId) => subscribe({ a: 0 }, { packetId })));
    await client.expect("90 03 0001 00", "90 03 012c 00", "90 03 012c 00", "90 03 ffff 00");
  },
);

specTest("subscribing again takes the place of the subscription [MQTT-3.8.4-3]", async (t) => {
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
});

specTest("subscribing again sends retained messages again [MQTT-3.8.4-3]", async (t) => {
  const client = await t.connect();
  await client.send(publish("a/b", "kept", { retain: true }));
  for (let n = 0; n < 3; n++) {
    await client.subscribe(subscribe({ "a/+": 0 }));
    assertEquals((await client.expectPublish("a/b", "kept")).retain, true);
    await client.expectSilence();
  }
});

for (const [qos, others] of [[0, 0], [1, 0], [0, 10], [1, 10]] as const) {
  specTest(
    `with QoS ${qos} and ${others} others, subscribing again interrupts no traffic [MQTT-3.8.4-3]`,
    (t) => resubscribeInTraffic(t, qos, others),
  );
}

specTest(
  "several filters are several subscriptions with one answer [MQTT-3.8.4-4] [MQTT-3.8.4-5]",
  async (t) => {
    const client = await t.connect();
    await client.send(subscribe({ a: 1, b: 0, "c/#": 2 }, { packetId: 5 }));
    await client.expect("90 05 0005 01 00 02");
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
  "the same filter twice in one SUBSCRIBE counts as it comes last [MQTT-3.8.4-4]",
  async (t) => {
    const client = await t.connect();
    const entry = (qos: number) => [text("a"), Uint8Array.of(qos)];
    await client.send(frame(0x82, uint16(1), ...entry(2), ...entry(0)));
    await client.expect("90 04 0001 02 00");
    await client.send(publish("a", "x", { qos: 1 }));
    await client.expect("40 02 0001", "30 04 0001 61 78");
    await client.expectSilence();
  },
);

const authorizer: Authorizer = {
  mayPublish: () => true,
  maySubscribe: (_client, { filter }) => !filter.startsWith("secret"),
};

specTest(
  "SUBACK has a code for each filter, in their order [MQTT-3.8.4-5] [MQTT-3.9.3-1] [MQTT-3.9.3-2]",
  { broker: { authorizer, limits: { subscriptionsMax: 3 } } },
  async (t) => {
    const client = await t.connect();
    await client.send(subscribe({ a: 2, "secret/1": 1, b: 0, "secret/2": 2, c: 1, d: 1 }));
    await client.expect("90 08 0001 02 80 00 80 01 80");
    await client.send(publish("secret/1", "x"), publish("d", "x"), publish("b", "x"));
    await client.expectPublish("b", "x");
    await client.expectSilence();
  },
);

specTest(
  "whatever the broker does not support fails with 0x80 [MQTT-3.9.3-2]",
  { broker: { wildcardSubscriptionAvailable: false, sharedSubscriptionAvailable: false } },
  async (t) => {
    const client = await t.connect();
    await client.send(subscribe({ "a/#": 2, "$share/group/a": 1, "b": 0 }));
    await client.expect("90 05 0001 80 80 00");
  },
);

specTest("a message comes with the lower of two QoS [MQTT-3.8.4-6]", async (t) => {
  const publisher = await t.connect();
  let packetId = 0;
  for (const granted of [0, 1, 2] as const) {
    const client = await t.connect();
    await client.subscribe(subscribe({ a: granted }));
    for (const qos of [0, 1, 2] as const) {
      await publisher.send(publish("a", "x", { qos, packetId: ++packetId }));
      const delivery = await client.expectPublish("a", "x");
      assertEquals(delivery.qos, Math.min(granted, qos));
      if (delivery.qos === 1) await client.send(puback(delivery.packetId));
    }
  }
});
