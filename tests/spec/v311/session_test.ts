/** Sessions (MQTT 3.1.1 §3.1.2.4, §3.2.2.2 and §4.1). */
import { assertEquals } from "@std/assert";
import { type ConnectFields, puback, publish, subscribe } from "../../harness/packets.ts";
import { specTest, timeTest } from "./spec.ts";

const lasting: ConnectFields = { clientId: "client", clean: false };
const clean: ConnectFields = { clientId: "client", clean: true };

specTest(
  "a session lasts and is gone on with [MQTT-3.1.2-4] [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT-4.1.0-1]",
  async (t) => {
    const first = await t.dial(lasting);
    await first.expect("20 02 00 00");
    await first.subscribe(subscribe({ "a/+": 1 }));
    await t.drop(first);
    const second = await t.dial(lasting);
    await second.expect("20 02 01 00");
    await second.send(publish("a/b", "x", { qos: 1 }));
    await second.expect("40 02 0001");
    assertEquals((await second.expectPublish("a/b", "x")).qos, 1);
    await second.send(puback(1));
    await t.leave(second);
    await (await t.dial(lasting)).expect("20 02 01 00");
  },
);

specTest("an empty session is a session, too [MQTT-3.2.2-2]", async (t) => {
  await t.leave(await t.connect(lasting));
  await (await t.dial(lasting)).expect("20 02 01 00");
});

specTest(
  "a session is gone on with while its connection is up [MQTT-3.1.2-4] [MQTT-3.2.2-2]",
  async (t) => {
    const first = await t.connect(lasting);
    await first.subscribe(subscribe({ a: 0 }));
    const second = await t.dial(lasting);
    await second.expect("20 02 01 00");
    await second.send(publish("a", "x"));
    await second.expectPublish("a", "x");
    await first.expectClose();
  },
);

specTest(
  "what a client misses of QoS 1 and 2 waits for it [MQTT-3.1.2-5] [MQTT-4.5.0-1] [MQTT-4.1.0-1]",
  async (t) => {
    const subscriber = await t.connect(lasting);
    await subscriber.subscribe(subscribe({ "a/#": 2, "b": 1 }));
    await t.leave(subscriber);
    const publisher = await t.connect();
    await publisher.send(
      publish("a/1", "one", { qos: 1, packetId: 1 }),
      publish("b", "two", { qos: 2, packetId: 2 }),
      publish("a/2", "three", { qos: 2, packetId: 3 }),
      publish("c", "not for it", { qos: 2, packetId: 4 }),
    );
    await publisher.expect("40 02 0001", "50 02 0002", "50 02 0003", "50 02 0004");
    const again = await t.connect(lasting);
    const qosOf = async (topic: string, payload: string) =>
      (await again.expectPublish(topic, payload)).qos;
    assertEquals(await qosOf("a/1", "one"), 1);
    assertEquals(await qosOf("b", "two"), 1);
    assertEquals(await qosOf("a/2", "three"), 2);
    await again.expectSilence();
  },
);

specTest(
  "a message is put into the session of every client it is for [MQTT-4.5.0-1]",
  async (t) => {
    const names = ["one", "two", "three"];
    for (const clientId of names) {
      const client = await t.connect({ clientId, clean: false });
      await client.subscribe(subscribe({ "a/+": 1 }));
      await t.drop(client);
    }
    const present = await t.connect();
    await present.subscribe(subscribe({ "a/b": 1 }));
    const publisher = await t.connect();
    await publisher.send(publish("a/b", "x", { qos: 1 }));
    await publisher.expect("40 02 0001");
    await present.expectPublish("a/b", "x");
    for (const clientId of names) {
      await (await t.connect({ clientId, clean: false })).expectPublish("a/b", "x");
    }
  },
);

specTest(
  "a clean session begins with nothing [MQTT-3.1.2-6] [MQTT-3.2.2-1] [MQTT-3.1.4-3]",
  async (t) => {
    const first = await t.connect(lasting);
    await first.subscribe(subscribe({ a: 1 }));
    await t.drop(first);
    const publisher = await t.connect();
    await publisher.send(publish("a", "missed", { qos: 1 }));
    await publisher.expect("40 02 0001");
    const second = await t.dial(clean);
    await second.expect("20 02 00 00");
    await publisher.send(publish("a", "new", { qos: 1 }));
    await publisher.expect("40 02 0001");
    await second.expectSilence();
  },
);

specTest(
  "a clean session ends with its connection [MQTT-3.1.2-6] [MQTT-3.2.2-1] [MQTT-3.2.2-3]",
  async (t) => {
    const first = await t.connect(clean);
    await first.subscribe(subscribe({ a: 1 }));
    await t.drop(first);
    const publisher = await t.connect();
    await publisher.send(publish("a", "missed", { qos: 1 }));
    await publisher.expect("40 02 0001");
    // Not even what was before the clean session comes back.
    const second = await t.dial(lasting);
    await second.expect("20 02 00 00");
    await second.expectSilence();
    await t.drop(second);
    await (await t.dial(clean)).expect("20 02 00 00");
  },
);

specTest(
  "a clean session takes the place of one that is connected [MQTT-3.1.2-6] [MQTT-3.2.2-1]",
  async (t) => {
    const first = await t.connect(lasting);
    await first.subscribe(subscribe({ a: 1 }));
    const second = await t.dial(clean);
    await second.expect("20 02 00 00");
    await first.expectClose();
    await second.send(publish("a", "x"));
    await second.expectSilence();
  },
);

specTest("retained messages outlive sessions [MQTT-3.1.2-7]", async (t) => {
  for (const [topic, fields] of [["a", clean], ["b", lasting]] as const) {
    const publisher = await t.connect(fields);
    await publisher.send(publish(topic, "kept", { retain: true }));
    await t.leave(publisher);
  }
  await t.leave(await t.connect(clean));
  const late = await t.connect();
  await late.subscribe(subscribe({ a: 0 }));
  await late.expectPublish("a", "kept");
  await late.subscribe(subscribe({ b: 0 }));
  await late.expectPublish("b", "kept");
});

specTest("a session is found by its client identifier alone [MQTT-3.1.3-2]", async (t) => {
  const first = await t.connect({ clientId: "one", clean: false, username: "user" });
  await first.subscribe(subscribe({ a: 1 }));
  await t.drop(first);
  for (const clientId of ["two", "On", "ONE", "one "]) {
    const other = await t.dial({ clientId, clean: false, username: "user" });
    await other.expect("20 02 00 00");
    await other.send(publish("a", clientId, { qos: 1 }));
    await other.expect("40 02 0001");
    await other.expectSilence();
  }
  const again = await t.dial({ clientId: "one", clean: false });
  await again.expect("20 02 01 00");
  await again.expectPublish("a", "two");
});

timeTest("a session outlasts any silence of its client [MQTT-4.1.0-1]", async (t) => {
  const first = await t.connect(lasting);
  await first.subscribe(subscribe({ a: 1 }));
  await t.drop(first);
  await t.pass(24 * 3600 * 1000);
  await (await t.dial(lasting)).expect("20 02 01 00");
});

timeTest("no session ends while its connection is up [MQTT-4.1.0-2]", async (t) => {
  const client = await t.connect(clean);
  const other = await t.connect({ clientId: "other", clean: false });
  await client.subscribe(subscribe({ a: 0 }));
  await other.subscribe(subscribe({ a: 0 }));
  // Far longer than the broker keeps a session of a client that is away.
  await t.pass(30 * 24 * 3600 * 1000);
  await client.send(publish("a", "x"));
  await client.expectPublish("a", "x");
  await other.expectPublish("a", "x");
});
