/** The order of messages (MQTT 3.1.1 §4.6). */
import { assertEquals } from "@std/assert";
import { publish, type QoS, subscribe } from "../../harness/packets.ts";
import type { Conversation, SpecClient } from "../harness.ts";
import { specTest } from "./spec.ts";

const COUNT = 200;
const numbers = Array.from({ length: COUNT }, (_, n) => `${n}`);

/** Takes and acknowledges so many messages; returns their payloads. */
async function take(client: SpecClient, count = COUNT): Promise<string[]> {
  const got: string[] = [];
  while (got.length < count) {
    const packet = await client.readFrame();
    const type = packet[0]! >> 4;
    if (type === 6) await client.send(Uint8Array.of(0x70, 2, packet[2]!, packet[3]!));
    if (type !== 3) continue;
    const qos = packet[0]! >> 1 & 3;
    const id = packet.subarray(5, 7);
    if (qos > 0) await client.send(Uint8Array.of(qos === 1 ? 0x40 : 0x50, 2, ...id));
    got.push(new TextDecoder().decode(packet.subarray(qos > 0 ? 7 : 5)));
  }
  return got;
}

/** Publishes the numbers to the topic "a". */
async function publishNumbers(t: Conversation, qos: QoS): Promise<void> {
  const publisher = await t.connect();
  await publisher.send(...numbers.map((n, at) => publish("a", n, { qos, packetId: at + 1 })));
  await publisher.send("c0 00");
  for (let frame = await publisher.readFrame(); frame[0] !== 0xd0;) {
    frame = await publisher.readFrame();
  }
}

for (const qos of [0, 1, 2] as const) {
  specTest(
    `messages of QoS ${qos} arrive in their order [MQTT-4.6.0-5] [MQTT-4.6.0-6]`,
    async (t) => {
      const few = await t.connect();
      await few.subscribe(subscribe({ a: qos }));
      await publishNumbers(t, qos);
      assertEquals(await take(few), numbers);
    },
  );

  specTest(
    `messages of QoS ${qos} arrive in their order at many subscribers [MQTT-4.6.0-5] [MQTT-4.6.0-6]`,
    async (t) => {
      const many: SpecClient[] = [];
      for (let n = 0; n < 12; n++) {
        const client = await t.connect();
        await client.subscribe(subscribe({ [n % 2 === 0 ? "a" : "#"]: qos }));
        many.push(client);
      }
      await publishNumbers(t, qos);
      for (const client of many) assertEquals(await take(client), numbers);
    },
  );
}

for (const qos of [1, 2] as const) {
  specTest(`what waits of QoS ${qos} is sent in its order [MQTT-4.6.0-6]`, async (t) => {
    const fields = { clientId: "client", clean: false };
    const client = await t.connect(fields);
    await client.subscribe(subscribe({ a: qos }));
    await t.drop(client);
    await publishNumbers(t, qos);
    assertEquals(await take(await t.connect(fields)), numbers);
  });
}

specTest("what is sent again comes before what is new, in its order [MQTT-4.6.0-6]", async (t) => {
  const fields = { clientId: "client", clean: false };
  const client = await t.connect(fields);
  await client.subscribe(subscribe({ a: 1 }));
  const publisher = await t.connect();
  const send = async (from: number, to: number) => {
    for (let n = from; n < to; n++) {
      await publisher.send(publish("a", `${n}`, { qos: 1 }));
      await publisher.expect("40 02 0001");
    }
  };
  await send(0, 5);
  for (let n = 0; n < 5; n++) await client.expectPublish("a", `${n}`);
  await t.drop(client);
  await send(5, 8);
  const again = await t.connect(fields);
  await send(8, 10);
  assertEquals(await take(again, 10), numbers.slice(0, 10));
});
