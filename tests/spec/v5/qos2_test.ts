/** What only MQTT 5 says of delivery with QoS 2 (§4.3.3); the rest is in `both/`. */
import { assertEquals } from "@std/assert";
import type { Authorizer } from "../../../auth/mod.ts";
import { frame, properties, pubcomp, publish, pubrec, pubrel, uint16 } from "./packets.ts";
import { specTest, timeTest } from "./spec.ts";
import { subscriber } from "./steps.ts";

const lasting = { clientId: "client", clean: false, properties: properties.sessionExpiry(10_000) };

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
