/** The will of a client (MQTT 3.1.1 §3.1.2.5 to §3.1.2.7). */
import { assertEquals } from "@std/assert";
import { type ConnectFields, frame, publish, subscribe } from "../../harness/packets.ts";
import type { Conversation, SpecClient } from "../harness.ts";
import { specTest, timeTest } from "./spec.ts";

const will = { topic: "will/topic", payload: "gone" };

/** A client that receives every message, with the QoS it has. */
async function witnessOf(t: Conversation): Promise<SpecClient> {
  const witness = await t.connect({ clientId: "witness" });
  await witness.subscribe(subscribe({ "#": 2 }));
  return witness;
}

specTest("a client that is lost has its will published [MQTT-3.1.2-8]", async (t) => {
  const witness = await witnessOf(t);
  for (const clean of [true, false]) {
    const client = await t.connect({ clientId: "client", clean, will });
    await witness.expectSilence();
    await t.drop(client);
    const { qos, retain } = await witness.expectPublish("will/topic", "gone");
    assertEquals([qos, retain], [0, false]);
  }
});

specTest("a will comes with its QoS [MQTT-3.1.2-8]", async (t) => {
  const witness = await witnessOf(t);
  for (const qos of [0, 1, 2] as const) {
    await t.drop(await t.connect({ will: { ...will, qos } }));
    assertEquals((await witness.expectPublish("will/topic", "gone")).qos, qos);
  }
});

specTest("a client that breaks the protocol has its will published [MQTT-3.1.2-8]", async (t) => {
  const witness = await witnessOf(t);
  const client = await t.connect({ will });
  await client.send(frame(0x00));
  await client.expectClose();
  await witness.expectPublish("will/topic", "gone");
});

specTest("a client whose place is taken has its will published [MQTT-3.1.2-8]", async (t) => {
  const witness = await witnessOf(t);
  const fields: ConnectFields = { clientId: "client", clean: false };
  const client = await t.connect({ ...fields, will });
  await t.connect(fields);
  await client.expectClose();
  await witness.expectPublish("will/topic", "gone");
});

specTest("the will of a client that is refused is never published [MQTT-3.1.2-8]", async (t) => {
  const witness = await witnessOf(t);
  const client = await t.dial({ clientId: "", clean: false, will });
  await client.expectRefusal(2);
  await witness.expectSilence();
});

timeTest(
  "a client that falls silent has its will published [MQTT-3.1.2-8] [MQTT-3.1.2-24]",
  async (t) => {
    const witness = await witnessOf(t);
    await t.connect({ keepAliveSeconds: 10, will });
    await t.pass(14_900);
    await witness.expectSilence();
    // It has a moment to close its end, too.
    await t.pass(3_000);
    await witness.expectPublish("will/topic", "gone");
  },
);

specTest(
  "a client that says goodbye has no will published [MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT-3.14.4-3]",
  async (t) => {
    const witness = await witnessOf(t);
    for (const clean of [true, false]) {
      await t.leave(await t.connect({ clientId: "client", clean, will }));
    }
    // Nor is it kept for the next connection of the session.
    await t.drop(await t.connect({ clientId: "client", clean: false }));
    await witness.expectSilence();
  },
);

specTest("a will is published once [MQTT-3.1.2-10]", async (t) => {
  const witness = await witnessOf(t);
  const fields: ConnectFields = { clientId: "client", clean: false };
  await t.drop(await t.connect({ ...fields, will }));
  await witness.expectPublish("will/topic", "gone");
  await t.drop(await t.connect(fields));
  await t.drop(await t.connect({ ...fields, clean: true }));
  await witness.expectSilence();
});

specTest("a client without a will is lost without a word [MQTT-3.1.2-12]", async (t) => {
  const witness = await witnessOf(t);
  for (const clean of [true, false]) {
    await t.drop(await t.connect({ clientId: "client", clean }));
  }
  await witness.expectSilence();
});

specTest("a will without Will Retain is not retained [MQTT-3.1.2-16]", async (t) => {
  const witness = await witnessOf(t);
  await t.drop(await t.connect({ will }));
  await witness.expectPublish("will/topic", "gone");
  const late = await t.connect();
  await late.subscribe(subscribe({ "#": 2 }));
  await late.expectSilence();
});

specTest(
  "a will without Will Retain leaves a retained message alone [MQTT-3.1.2-16]",
  async (t) => {
    const witness = await witnessOf(t);
    const publisher = await t.connect();
    await publisher.send(publish("will/topic", "here", { retain: true }));
    await witness.expectPublish("will/topic", "here");
    await t.drop(await t.connect({ will }));
    await witness.expectPublish("will/topic", "gone");
    const late = await t.connect();
    await late.subscribe(subscribe({ "#": 2 }));
    await late.expectPublish("will/topic", "here");
  },
);

specTest("a will with Will Retain is retained [MQTT-3.1.2-17]", async (t) => {
  const witness = await witnessOf(t);
  await t.drop(await t.connect({ will: { ...will, retain: true } }));
  assertEquals((await witness.expectPublish("will/topic", "gone")).retain, false);
  const late = await t.connect();
  await late.subscribe(subscribe({ "#": 2 }));
  assertEquals((await late.expectPublish("will/topic", "gone")).retain, true);
});

specTest("an empty will with Will Retain clears what is retained [MQTT-3.1.2-17]", async (t) => {
  const publisher = await t.connect();
  await publisher.send(publish("will/topic", "here", { retain: true }));
  await publisher.ping();
  await t.drop(await t.connect({ will: { ...will, payload: "", retain: true } }));
  const late = await t.connect();
  await late.subscribe(subscribe({ "#": 2 }));
  await late.expectSilence();
});
