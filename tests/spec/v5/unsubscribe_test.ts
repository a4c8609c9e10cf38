/** What only MQTT 5 says of UNSUBSCRIBE and UNSUBACK (§3.10 and §3.11); the rest is in `both/`. */
import { publish, subscribe, unsubscribe } from "./packets.ts";
import { specTest } from "./spec.ts";
import { thrownOut } from "./steps.ts";

specTest("UNSUBSCRIBE with other flags is malformed [MQTT-3.10.1-1]", async (t) => {
  const packet = unsubscribe(["a"]);
  for (let flags = 0; flags < 16; flags++) {
    if (flags === 0b0010) continue;
    packet[0] = 0xa0 | flags;
    await thrownOut(t, packet, 0x81);
  }
});

specTest(
  "UNSUBACK has a code for each filter, in order [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2]",
  async (t) => {
    const client = await t.connect();
    await client.subscribe(subscribe({ a: 0, b: 0, "c/#": 0, d: 0 }));
    await client.send(unsubscribe(["a", "x", "c/#", "c#", "b", "b"], { packetId: 7 }));
    await client.expect("b0 09 0007 00 00 11 00 8f 00 11");
    await client.send(...["a", "b", "c/d", "d"].map((topic) => publish(topic, "x")));
    await client.expectPublish("d", "x");
    await client.expectSilence();
  },
);
