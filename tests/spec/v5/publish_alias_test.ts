import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import type { PublishFields } from "../../harness/packets.ts";
import { properties, publish } from "./packets.ts";
import { specTest } from "./spec.ts";
import { subscriber, thrownOut } from "./steps.ts";

/** A PUBLISH with an alias. */
function aliased(
  topic: string,
  alias: number,
  payload: string,
  fields: PublishFields = {},
): Uint8Array {
  return publish(topic, payload, { ...fields, properties: properties.topicAlias(alias) });
}

specTest("an alias stands for its topic until it is set anew [MQTT-3.3.2-7]", async (t) => {
  const client = await subscriber(t, "#");
  const publisher = await t.connect();
  await publisher.send(aliased("first", 1, "a"), aliased("", 1, "b", { qos: 1 }));
  await publisher.send(aliased("second", 1, "c"), aliased("", 1, "d"), publish("third", "e"));
  for (
    const [topic, payload] of ["first a", "first b", "second c", "second d", "third e"].map(
      (line) => line.split(" "),
    )
  ) {
    assertEquals((await client.expectPublish(topic!, payload!)).properties, []);
  }
});

specTest("an alias dies with its connection [MQTT-3.3.2-7]", async (t) => {
  const witness = await subscriber(t, "a");
  const session = { clientId: "p", clean: false, properties: properties.sessionExpiry(100) };
  const publisher = await t.connect(session);
  await publisher.send(aliased("a", 1, "x"));
  await witness.expectPublish("a", "x");
  await t.drop(publisher);
  for (const qos of [0, 1, 2] as const) {
    await thrownOut(t, aliased("", 1, "y", { qos }), 0x82, session);
  }
  await witness.expectSilence();
});

specTest("an alias is nobody else's [MQTT-3.3.2-7]", async (t) => {
  const witness = await subscriber(t, "#");
  const publisher = await t.connect();
  await publisher.send(aliased("a", 1, "x"), aliased("b", 2, "x"));
  await witness.expectPublish("a", "x");
  await witness.expectPublish("b", "x");
  await thrownOut(t, aliased("", 1, "y"), 0x82);
  await publisher.send(aliased("", 1, "y"));
  await witness.expectPublish("a", "y");
});

specTest("a topic that is empty without an alias is an error [MQTT-4.7.3-1]", async (t) => {
  await thrownOut(t, publish("", "x"), 0x82);
});

specTest("an alias of 0 is not taken [MQTT-3.3.2-8]", async (t) => {
  const witness = await subscriber(t, "#");
  await thrownOut(t, aliased("a", 0, "x"), 0x94);
  await thrownOut(t, aliased("a", 0, "x", { qos: 1 }), 0x94);
  await thrownOut(t, aliased("", 0, "x"), 0x94);
  await witness.expectSilence();
});

specTest("an alias above the maximum is not taken [MQTT-3.3.2-9]", async (t) => {
  const witness = await subscriber(t, "#");
  const client = await t.connect();
  const maximum = Number(client.connack!.properties.find(([id]) => id === 0x22)![1]);
  await client.send(aliased("a", maximum, "x"));
  await witness.expectPublish("a", "x");
  for (const qos of [0, 1, 2] as const) {
    await thrownOut(t, aliased("a", maximum + 1, "x", { qos }), 0x94);
  }
  await witness.expectSilence();
});

specTest("every alias up to the maximum is taken [MQTT-3.3.2-12]", async (t) => {
  const witness = await subscriber(t, "#");
  const client = await t.connect();
  const maximum = Number(client.connack!.properties.find(([id]) => id === 0x22)![1]);
  const aliases = Array.from({ length: maximum }, (_, index) => index + 1);
  await client.send(concat(aliases.map((alias) => aliased(`topic/${alias}`, alias, "set"))));
  await client.send(concat(aliases.map((alias) => aliased("", alias, "used"))));
  for (const alias of aliases) await witness.expectPublish(`topic/${alias}`, "set");
  for (const alias of aliases) await witness.expectPublish(`topic/${alias}`, "used");
});
