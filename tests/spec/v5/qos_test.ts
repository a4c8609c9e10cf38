/** What only MQTT 5 says of delivery with QoS 1 (§4.3.2 and §4.4); the rest is in `both/`. */
import { frame, properties, puback, publish, uint16 } from "./packets.ts";
import { specTest } from "./spec.ts";
import { subscriber } from "./steps.ts";

/** A client whose session outlives its connections. */
const lasting = { clientId: "client", clean: false, properties: properties.sessionExpiry(10_000) };

specTest("an unfinished QoS 1 message holds quota [MQTT-4.3.2-3]", async (t) => {
  const client = await subscriber(t, "a", 1, { properties: properties.receiveMaximum(1) });
  const publisher = await t.connect();
  await publisher.send(publish("a", "1", { qos: 1 }), publish("a", "2", { qos: 1, packetId: 2 }));
  const { packetId } = await client.expectPublish("a", "1");
  await client.expectSilence();
  await client.send(puback(packetId));
  await client.expectPublish("a", "2");
});

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
