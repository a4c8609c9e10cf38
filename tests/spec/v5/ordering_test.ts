/** The order of messages where only MQTT 5 can ask for it (MQTT 5 §4.6). */
import { assertEquals } from "@std/assert";
import { properties } from "./packets.ts";
import { NUMBERS, publishNumbers, take } from "../sequence.ts";
import { specTest } from "./spec.ts";
import { subscriber } from "./steps.ts";

specTest("a small Receive Maximum leaves messages in their order [MQTT-4.6.0-5]", async (t) => {
  for (const qos of [1, 2] as const) {
    const fields = { properties: properties.receiveMaximum(3) };
    const client = await subscriber(t, "a", qos, fields);
    await publishNumbers(t, qos);
    assertEquals(await take(client), NUMBERS);
    await t.drop(client);
  }
});

specTest(
  "a member of a shared group gets its messages in their order [MQTT-4.6.0-5]",
  async (t) => {
    for (const qos of [0, 1, 2] as const) {
      const client = await subscriber(t, "$share/group/a", qos);
      await publishNumbers(t, qos);
      assertEquals(await take(client), NUMBERS);
      await t.drop(client);
    }
  },
);
