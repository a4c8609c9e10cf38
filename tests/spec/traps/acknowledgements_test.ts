/** Acknowledgements of another kind than the message waits for. */
import { assertEquals } from "@std/assert";
import {
  frame,
  type Level,
  puback,
  pubcomp,
  publish,
  pubrec,
  subscribe,
  uint16,
} from "../../harness/packets.ts";
import type { Conversation, SpecClient } from "../harness.ts";
import { specTest } from "./spec.ts";

/** A client that has been sent a message, and the identifier of that. */
async function withMessage(
  t: Conversation,
  level: Level,
  qos: 1 | 2,
  isReleased = false,
): Promise<[SpecClient, number]> {
  const client = await t.connect({ level, clientId: "client" });
  await client.subscribe(subscribe({ a: qos }, { level }));
  const publisher = await t.connect({ level: 4, clientId: "publisher" });
  await publisher.send(publish("a", "x", { qos: 1 }), publish("a", "y", { qos: 2, packetId: 2 }));
  await publisher.expect("40 02 0001 50 02 0002");
  const first = await client.expectPublish("a", "x");
  const second = await client.expectPublish("a", "y");
  const { packetId } = qos === 1 ? first : second;
  if (isReleased) {
    await client.send(pubrec(packetId));
    await client.expect(frame(0x62, uint16(packetId)));
  }
  return [client, packetId];
}

for (const level of [3, 4, 5] as const) {
  specTest(
    `level ${level}: an acknowledgement of the wrong kind is a protocol error [MQTT-4.8.0-1] [§4.13]`,
    async (t) => {
      const cases = [
        [1, false, pubrec],
        [1, false, pubcomp],
        [2, false, puback],
        [2, false, pubcomp],
        [2, true, puback],
      ] as const;
      for (const [qos, isReleased, ack] of cases) {
        const [client, packetId] = await withMessage(t, level, qos, isReleased);
        await client.send(ack(packetId));
        await client.expectDisconnect(0x82);
      }
    },
  );
}

specTest("PUBACK with a reason is held to the same [§4.13]", async (t) => {
  const [client, packetId] = await withMessage(t, 5, 2);
  await client.send(frame(0x40, uint16(packetId), Uint8Array.of(0x10)));
  await client.expectDisconnect(0x82);
});

specTest(
  "PUBREC with an error is not answered by PUBREL, known or not [MQTT-4.3.3-4]",
  async (t) => {
    const [client, packetId] = await withMessage(t, 5, 2);
    for (const id of [packetId, packetId, 4711]) {
      await client.send(frame(0x50, uint16(id), Uint8Array.of(0x97)));
      await client.ping();
    }
    await client.send(frame(0x50, uint16(4711), Uint8Array.of(0x10)));
    await client.expect(frame(0x62, uint16(4711), Uint8Array.of(0x92)));
  },
);

specTest("acknowledgements of what is not in flight change nothing", async (t) => {
  for (const level of [3, 4, 5] as const) {
    const client = await t.connect({ level, clientId: "client" });
    await client.send(puback(7), pubcomp(7));
    await client.ping();
  }
});

specTest("an acknowledgement that was repeated is none of the wrong kind", async (t) => {
  const [client, packetId] = await withMessage(t, 4, 2, true);
  await client.send(pubrec(packetId));
  await client.expect(frame(0x62, uint16(packetId)));
  await client.send(pubcomp(packetId), pubcomp(packetId), puback(packetId));
  await client.ping();
  assertEquals(t.broker.stats.protocolErrors, 0);
});
