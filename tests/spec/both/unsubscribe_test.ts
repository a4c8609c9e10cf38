/** UNSUBSCRIBE and UNSUBACK (MQTT 3.1.1 and 5.0, §3.10 and §3.11). */
import { assertEquals } from "@std/assert";
import { puback, pubcomp, pubrec, text } from "../../harness/packets.ts";
import { hex } from "../harness.ts";
import { BAD_UTF8 } from "../v5/steps.ts";
import { BOTH } from "./spec.ts";
import { expectFault, subscriber } from "./steps.ts";

/** Malformed Packet. */
const MALFORMED = 0x81;
/** Protocol Error. */
const PROTOCOL_ERROR = 0x82;
/** No matching subscribers. */
const NOBODY = 0x10;
/** No subscription existed. */
const ABSENT = 0x11;

for (const { version, lasting, packets, specTest } of BOTH) {
  const { ack, publish, subscribe, unsubscribe, unsubscribeOf, unsuback } = packets;

  specTest(
    `${version}: an ill-formed filter in UNSUBSCRIBE is malformed [MQTT-3.10.3-1]`,
    async (t) => {
      for (const [, bytes] of BAD_UTF8) {
        await expectFault(t, unsubscribeOf(text(bytes)), MALFORMED);
        await expectFault(t, unsubscribeOf(text("a"), text(bytes)), MALFORMED);
      }
    },
  );

  specTest(
    `${version}: filters stand back to back and fill UNSUBSCRIBE [MQTT-3.10.3-1]`,
    async (t) => {
      await expectFault(t, unsubscribeOf(text("a"), hex("00")), MALFORMED);
      await expectFault(t, unsubscribeOf(hex("0003 61")), MALFORMED);
      const client = await t.connect();
      await client.subscribe(subscribe({ a: 0, b: 0 }));
      await client.send(unsubscribeOf(text("a"), text("b")));
      await client.expect(unsuback(1, 0, 0));
      await client.send(publish("a", "x"), publish("b", "x"));
      await client.expectSilence();
    },
  );

  specTest(`${version}: UNSUBSCRIBE without a filter is a fault [MQTT-3.10.3-2]`, async (t) => {
    await expectFault(t, unsubscribeOf(), PROTOCOL_ERROR);
  });

  specTest(`${version}: only the very filter is removed [MQTT-3.10.4-1]`, async (t) => {
    const client = await t.connect();
    await client.subscribe(subscribe({ "a/b": 0, "a/+": 0, "a/#": 0 }));
    const others = ["#", "+/b", "a", "a/", "a/B", "a/b/", "/a/b", "+/+", "$share/g/a/b"];
    await client.send(unsubscribe(others, { packetId: 2 }));
    await client.expect(unsuback(2, ...others.map(() => ABSENT)));
    await client.send(publish("a/b", "1"));
    await client.expectPublish("a/b", "1");
    await client.send(unsubscribe(["a/#"], { packetId: 3 }));
    await client.expect(unsuback(3, 0));
    await client.send(publish("a/b/c", "2"), publish("a/c", "3"));
    await client.expectPublish("a/c", "3");
    await client.send(unsubscribe(["a/+"], { packetId: 4 }));
    await client.expect(unsuback(4, 0));
    await client.send(publish("a/c", "4"), publish("a/b", "5"));
    await client.expectPublish("a/b", "5");
    await client.expectSilence();
  });

  specTest(
    `${version}: a shared subscription is removed by its whole name [MQTT-3.10.4-1]`,
    async (t) => {
      const client = await t.connect();
      await client.subscribe(subscribe({ "$share/g/a": 0, "$share/h/a": 0, "a": 0 }));
      await client.send(unsubscribe(["$share/g/a", "$share/i/a"]));
      await client.expect(unsuback(1, 0, ABSENT));
      await client.send(publish("a", "x"));
      await client.expectPublish("a", "x");
      await client.expectPublish("a", "x");
      await client.expectSilence();
    },
  );

  specTest(`${version}: other clients keep their subscriptions [MQTT-3.10.4-1]`, async (t) => {
    const client = await subscriber(t, "a");
    const other = await subscriber(t, "a");
    await client.send(unsubscribe(["a"]));
    await client.expect(unsuback(1, 0));
    await client.send(publish("a", "x"));
    await other.expectPublish("a", "x");
    await client.expectSilence();
  });

  specTest(
    `${version}: nothing more comes for a subscription that is gone [MQTT-3.10.4-2]`,
    async (t) => {
      const client = await t.connect(lasting);
      await client.subscribe(subscribe({ a: 2, b: 2 }));
      await client.send(unsubscribe(["a"]));
      await client.expect(unsuback(1, 0));
      const publisher = await t.connect();
      const publishTo = async (topic: string, reasonCode: number) => {
        await publisher.send(publish(topic, "x", { qos: 1 }), publish(topic, "y"));
        await publisher.expect(ack(0x40, 1, reasonCode));
      };
      await publishTo("a", NOBODY);
      await client.expectSilence();
      await t.drop(client);
      await publishTo("a", NOBODY);
      await publishTo("b", 0);
      const again = await t.connect(lasting);
      await again.expectPublish("b", "x");
      await again.expectSilence();
    },
  );

  specTest(`${version}: deliveries under way are carried through [MQTT-3.10.4-3]`, async (t) => {
    const client = await subscriber(t, "a", 2, lasting);
    const publisher = await t.connect();
    await publisher.send(publish("a", "1", { qos: 1 }), publish("a", "2", { qos: 2, packetId: 2 }));
    const first = await client.expectPublish("a", "1");
    const second = await client.expectPublish("a", "2");
    await client.send(unsubscribe(["a"], { packetId: 9 }));
    await client.expect(unsuback(9, 0));
    await t.drop(client);
    const again = await t.connect(lasting);
    assertEquals((await again.expectPublish("a", "1")).packetId, first.packetId);
    assertEquals((await again.expectPublish("a", "2")).packetId, second.packetId);
    await again.send(puback(first.packetId), pubrec(second.packetId));
    await again.expect(ack(0x62, second.packetId));
    await again.send(pubcomp(second.packetId));
    await again.ping();
    await t.drop(again);
    await (await t.connect(lasting)).expectSilence();
  });

  specTest(
    `${version}: each UNSUBSCRIBE is answered, with its identifier [MQTT-3.10.4-4] [v5 MQTT-3.10.4-5]`,
    async (t) => {
      const client = await subscriber(t, "a");
      const ids = [1, 300, 65_535];
      await client.send(...ids.map((packetId) => unsubscribe(["a"], { packetId })));
      await client.expect(unsuback(1, 0), unsuback(300, ABSENT), unsuback(65_535, ABSENT));
    },
  );

  specTest(
    `${version}: UNSUBSCRIBE is answered, too, if there is no subscription [MQTT-3.10.4-5]`,
    async (t) => {
      const client = await t.connect();
      await client.send(unsubscribe(["never", "b/+"], { packetId: 7 }));
      await client.expect(unsuback(7, ABSENT, ABSENT));
    },
  );

  specTest(
    `${version}: several filters in UNSUBSCRIBE are several requests with one answer [MQTT-3.10.4-6]`,
    async (t) => {
      const client = await t.connect();
      await client.subscribe(subscribe({ a: 0, b: 0, "c/#": 0, d: 0 }));
      await client.send(unsubscribe(["a", "x", "c/#", "b"], { packetId: 7 }));
      await client.expect(unsuback(7, 0, ABSENT, 0, 0));
      await client.send(...["a", "b", "c/d", "d"].map((topic) => publish(topic, "x")));
      await client.expectPublish("d", "x");
      await client.expectSilence();
    },
  );
}
