import { assert, assertEquals } from "@std/assert";
import type { ConnectFields } from "../../harness/packets.ts";
import type { Conversation, SpecClient } from "../harness.ts";
import { all, disconnect, properties, publish, subscribe, text, uint16 } from "./packets.ts";
import { specTest, timeTest } from "./spec.ts";
import { rawConnect, rejected, subscriber } from "./steps.ts";

const WILL = { topic: "will", payload: "gone" };

/** Has a client with a will come and be lost; returns what the witness is told. */
async function lose(t: Conversation, witness: SpecClient, fields: ConnectFields) {
  const client = await t.connect(fields);
  await t.drop(client);
  return await witness.expectPublish("will", "gone");
}

specTest("a will is published when the connection is lost [MQTT-3.1.2-7]", async (t) => {
  const witness = await subscriber(t, "will", 2);
  const client = await t.connect({ will: WILL });
  await witness.expectSilence();
  await t.drop(client);
  const { retain, dup, properties } = await witness.expectPublish("will", "gone");
  assertEquals([retain, dup, properties], [false, false, []]);
});

specTest(
  "a connection that is lost without a will is nobody's business [MQTT-3.1.2-7]",
  async (t) => {
    const witness = await subscriber(t, "#", 2);
    await t.drop(await t.connect());
    await witness.expectSilence();
  },
);

specTest("a broken protocol publishes the will, as a loss does [MQTT-3.1.2-7]", async (t) => {
  const witness = await subscriber(t, "will");
  const client = await t.connect({ will: WILL });
  await client.send("00 00");
  await client.expectDisconnect(0x81);
  await witness.expectPublish("will", "gone");
});

timeTest("a will waits for its delay [MQTT-3.1.2-8]", async (t) => {
  const witness = await subscriber(t, "will");
  const client = await t.connect({
    clientId: "a",
    properties: properties.sessionExpiry(100),
    will: { ...WILL, properties: properties.willDelay(10) },
  });
  await t.drop(client);
  await t.pass(9_999);
  await witness.expectSilence();
  await t.pass(1);
  await witness.expectPublish("will", "gone");
});

timeTest("a will waits no longer than for the end of its session [MQTT-3.1.2-8]", async (t) => {
  const witness = await subscriber(t, "will");
  const will = { ...WILL, properties: properties.willDelay(10) };
  const client = await t.connect({ will, properties: properties.sessionExpiry(5) });
  await t.drop(client);
  await t.pass(4_999);
  await witness.expectSilence();
  await t.pass(1);
  await witness.expectPublish("will", "gone");
  // A session that ends at once takes the delay with it.
  await t.drop(await t.connect({ will }));
  await witness.expectPublish("will", "gone");
  // So does one that somebody wipes.
  const fields = { clientId: "a", properties: properties.sessionExpiry(100), will };
  await t.drop(await t.connect(fields));
  await witness.expectSilence();
  await t.connect({ clientId: "a", clean: true });
  await witness.expectPublish("will", "gone");
});

specTest("a goodbye with any reason but 0x00 publishes the will [MQTT-3.1.2-8]", async (t) => {
  const witness = await subscriber(t, "will");
  await t.leave(await t.connect({ will: WILL }), 0x04);
  await witness.expectPublish("will", "gone");
  await t.leave(await t.connect({ will: WILL }), 0x80);
  await witness.expectPublish("will", "gone");
});

timeTest("a goodbye deletes the will [MQTT-3.1.2-8] [MQTT-3.1.2-10]", async (t) => {
  const witness = await subscriber(t, "will");
  const will = { ...WILL, properties: properties.willDelay(1) };
  const fields = { properties: properties.sessionExpiry(5), will };
  await t.leave(await t.connect(fields));
  await t.leave(await t.connect(fields), 0x00);
  await t.leave(await t.connect({ will: WILL }));
  await t.pass(10_000);
  await witness.expectSilence();
});

timeTest("a will is published once [MQTT-3.1.2-10]", async (t) => {
  const witness = await subscriber(t, "will");
  const session = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  const will = { ...WILL, properties: properties.willDelay(1) };
  await t.drop(await t.connect({ ...session, will }));
  await t.pass(1_000);
  await witness.expectPublish("will", "gone");
  // The session goes on, and is lost again, without a will.
  await t.drop(await t.connect(session));
  await t.pass(200_000);
  assertEquals(t.broker.stats.sessions, 1);
  await witness.expectSilence();
});

timeTest("a will is not published once its client is back [MQTT-3.1.3-9]", async (t) => {
  const witness = await subscriber(t, "will");
  const fields = { clientId: "a", clean: false, properties: properties.sessionExpiry(100) };
  const will = { ...WILL, properties: properties.willDelay(10) };
  await t.drop(await t.connect({ ...fields, will }));
  await t.pass(9_999);
  const back = await t.connect(fields);
  await t.pass(200_000);
  await witness.expectSilence();
  // One that takes the connection over is back too.
  await t.drop(back);
  const first = await t.connect({ ...fields, will });
  await t.connect(fields);
  await first.expectDisconnect(0x8e);
  await t.pass(200_000);
  await witness.expectSilence();
});

specTest("the fields of a will must all be there [MQTT-3.1.2-9]", async (t) => {
  const fields = [text("id"), Uint8Array.of(0), text("will"), text("gone")];
  for (let given = 1; given <= fields.length; given++) {
    const payload = all(...fields.slice(0, given));
    const client = await t.client();
    await client.send(rawConnect({ flags: 0x06, payload }));
    if (given === fields.length) await client.expectWelcome();
    else await client.expectRejection();
  }
  // And none of them without the flag.
  await rejected(t, rawConnect({ flags: 0x02, payload: all(...fields) }));
});

specTest("a Will QoS without a will is not let in [MQTT-3.1.2-11]", async (t) => {
  for (const flags of [0x08, 0x10, 0x0a, 0x12]) await rejected(t, rawConnect({ flags }));
});

specTest("a Will QoS of 3 is malformed [MQTT-3.1.2-12]", async (t) => {
  const payload = all(text("id"), Uint8Array.of(0), text("will"), text("gone"));
  for (const fields of [{ flags: 0x1e, payload }, { flags: 0x3e, payload }, { flags: 0x1a }]) {
    const client = await t.client();
    await client.send(rawConnect(fields));
    const connack = await client.expectRejection();
    assert(connack === null || connack.reasonCode === 0x81);
  }
});

specTest("a will is published with its QoS [MQTT-3.1.2-12]", async (t) => {
  const witness = await subscriber(t, "will", 2);
  for (const qos of [0, 1, 2] as const) {
    assertEquals((await lose(t, witness, { will: { ...WILL, qos } })).qos, qos);
  }
});

specTest("Will Retain without a will is not let in [MQTT-3.1.2-13]", async (t) => {
  await rejected(t, rawConnect({ flags: 0x20 }));
  await rejected(t, rawConnect({ flags: 0x22 }));
});

specTest("without Will Retain nothing is retained [MQTT-3.1.2-14]", async (t) => {
  const witness = await subscriber(t, "will");
  await witness.send(publish("will", "older", { retain: true }));
  await witness.expectPublish("will", "older");
  await lose(t, witness, { will: { ...WILL, qos: 1 } });
  const later = await subscriber(t, "will");
  await later.expectPublish("will", "older");
  await later.expectSilence();
});

specTest("with Will Retain the will is retained [MQTT-3.1.2-15]", async (t) => {
  const witness = await subscriber(t, "will");
  const { retain } = await lose(t, witness, { will: { ...WILL, retain: true } });
  assertEquals(retain, false);
  const later = await t.connect();
  await later.send(subscribe({ will: 0 }));
  await later.readAck();
  assertEquals((await later.expectPublish("will", "gone")).retain, true);
});

specTest("the User Properties of a will keep their order [MQTT-3.1.3-10]", async (t) => {
  const witness = await subscriber(t, "will");
  const pairs = all(
    properties.user("b", "1"),
    properties.user("a", "2"),
    properties.user("b", "1"),
    properties.user("b", "0"),
  );
  const delivery = await lose(t, witness, {
    will: { ...WILL, properties: all(properties.willDelay(0), pairs, properties.contentType("c")) },
  });
  const seen = delivery.properties.filter(([id]) => id === 0x26).map(([, value]) => value);
  assertEquals(seen, ["b=1", "a=2", "b=1", "b=0"]);
  // The delay is for the broker alone.
  assert(delivery.properties.every(([id]) => id === 0x26 || id === 0x03));
});

specTest("a will that is too long for its packet is not let in [MQTT-3.1.2-9]", async (t) => {
  const payload = all(text("id"), Uint8Array.of(0), text("will"), uint16(5), text("ab"));
  await rejected(t, rawConnect({ flags: 0x06, payload }));
});

specTest("a session taken over publishes a will without delay [MQTT-3.1.2-8]", async (t) => {
  const witness = await subscriber(t, "will");
  const first = await t.connect({ clientId: "a", will: WILL });
  const second = await t.connect({ clientId: "a" });
  await first.expectDisconnect(0x8e);
  await witness.expectPublish("will", "gone");
  await second.send(disconnect());
  await second.expectClose();
  await witness.expectSilence();
});
