/** What only MQTT 3.1.1 says of SUBSCRIBE (§3.8); the rest is in `both/`. */
import { subscribe } from "../../harness/packets.ts";
import { expectFault } from "./steps.ts";
import { specTest } from "./spec.ts";

specTest("a requested QoS is 0, 1 or 2 and nothing else [MQTT-3.8.3-4]", async (t) => {
  for (let options = 3; options < 256; options++) {
    await expectFault(t, subscribe({ a: options }));
  }
  const client = await t.connect();
  await client.send(subscribe({ a: 0, b: 1, c: 2 }));
  await client.expect("90 05 0001 00 01 02");
});
