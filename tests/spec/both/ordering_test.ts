/** The order of messages (MQTT 3.1.1 and 5.0, §4.6). */
import { assertEquals } from "@std/assert";
import { publish, subscribe } from "../../harness/packets.ts";
import type { SpecClient } from "../harness.ts";
import { NUMBERS, publishNumbers, take } from "../sequence.ts";
import { BOTH } from "./spec.ts";

for (const { version, level, lasting, specTest } of BOTH) {
  for (const qos of [0, 1, 2] as const) {
    specTest(
      `${version}: messages of QoS ${qos} arrive in their order [MQTT-4.6.0-5] [MQTT-4.6.0-6]`,
      async (t) => {
        const few = await t.connect();
        await few.subscribe(subscribe({ a: qos }, { level }));
        await publishNumbers(t, qos);
        assertEquals(await take(few), NUMBERS);
      },
    );

    specTest(
      `${version}: messages of QoS ${qos} arrive in their order at many subscribers [MQTT-4.6.0-5] [MQTT-4.6.0-6]`,
      async (t) => {
        const many: SpecClient[] = [];
        for (let n = 0; n < 12; n++) {
          const client = await t.connect();
          await client.subscribe(subscribe({ [n % 2 === 0 ? "a" : "#"]: qos }, { level }));
          many.push(client);
        }
        await publishNumbers(t, qos);
        for (const client of many) assertEquals(await take(client), NUMBERS);
      },
    );
  }

  for (const qos of [1, 2] as const) {
    specTest(
      `${version}: what waits of QoS ${qos} is sent in its order [MQTT-4.6.0-5] [MQTT-4.6.0-6]`,
      async (t) => {
        const client = await t.connect(lasting);
        await client.subscribe(subscribe({ a: qos }, { level }));
        await t.drop(client);
        await publishNumbers(t, qos);
        assertEquals(await take(await t.connect(lasting)), NUMBERS);
      },
    );
  }

  specTest(
    `${version}: what is sent again comes before what is new, in its order [MQTT-4.6.0-5] [MQTT-4.6.0-6]`,
    async (t) => {
      const client = await t.connect(lasting);
      await client.subscribe(subscribe({ a: 1 }, { level }));
      const publisher = await t.connect();
      const send = async (from: number, to: number) => {
        for (let n = from; n < to; n++) {
          await publisher.send(publish("a", `${n}`, { level, qos: 1 }));
          await publisher.expect("40 02 0001");
        }
      };
      await send(0, 5);
      for (let n = 0; n < 5; n++) await client.expectPublish("a", `${n}`);
      await t.drop(client);
      await send(5, 8);
      const again = await t.connect(lasting);
      await send(8, 10);
      assertEquals(await take(again, 10), NUMBERS.slice(0, 10));
    },
  );
}
