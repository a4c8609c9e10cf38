/** Control characters: taken by default, refused where a listener is told to. */
import { assertEquals } from "@std/assert";
import { all, properties, publish, subscribe, unsubscribe } from "../v5/packets.ts";
import { rejected, subscriber, thrownOut } from "../v5/steps.ts";
import { connect } from "../v5/packets.ts";
import { specTest } from "./spec.ts";

/** One of each kind, first and last of its range. */
const CHARACTERS = ["\u0001", "\n", "\u001f", "\u007f", "\u0080", "\u009f", "\ufdd0", "\uffff"];
const refusing = { listeners: [{ refuseControlCharacters: true }] };

specTest("control characters are taken, if nothing else is said [MQTT-1.5.4-1]", async (t) => {
  for (const character of CHARACTERS) {
    const topic = `a${character}b`;
    const client = await subscriber(t, topic, 0, { clientId: topic, username: topic });
    await client.send(publish(topic, "x", { properties: properties.user(topic, topic) }));
    await client.expectPublish(topic, "x");
    await t.drop(client);
  }
});

specTest(
  "a listener may refuse control characters in all strings [§1.5.4]",
  refusing,
  async (t) => {
    for (const character of CHARACTERS) {
      const bad = `a${character}b`;
      await thrownOut(t, publish(bad, "x"), 0x81);
      await thrownOut(t, publish(bad, "x", { qos: 1 }), 0x81);
      await thrownOut(t, publish("a", "x", { properties: properties.responseTopic(bad) }), 0x81);
      await thrownOut(t, publish("a", "x", { properties: properties.user("a", bad) }), 0x81);
      await thrownOut(t, subscribe({ good: 0, [bad]: 0 }), 0x81);
      await thrownOut(t, unsubscribe([bad]), 0x81);
      await rejected(t, connect({ clientId: bad }));
      await rejected(t, connect({ username: bad }));
      await rejected(t, connect({ will: { topic: bad, payload: "" } }));
      const nested = { topic: "a", payload: "", properties: properties.contentType(bad) };
      await rejected(t, connect({ will: nested }));
    }
  },
);

specTest("such a listener takes everything else, binary data above all", refusing, async (t) => {
  const fields = { username: "ünï", password: "\u0001", clientId: "\ufeff 😀" };
  const client = await subscriber(t, "ä/#", 1, fields);
  const binary = all(properties.correlationData("\n"), properties.user("ü", "\u2028"));
  for (let n = 0; n < 3; n++) await client.send(publish("ä/b", "\u0001\n", { properties: binary }));
  for (let n = 0; n < 3; n++) await client.expectPublish("ä/b", "\u0001\n");
  await client.send(publish("ä/b", "\u0007", { qos: 1 }));
  assertEquals((await client.readAck()).reasonCodes, [0]);
});
