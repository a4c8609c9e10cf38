/** Connections: keep alive, wills that are refused, aliases after a reconnect, who takes whose place. */
import { assertEquals } from "@std/assert";
import type { ConnectFields } from "../../harness/packets.ts";
import { all, properties, publish, subscribe } from "../v5/packets.ts";
import { subscriber } from "../v5/steps.ts";
import { specTest, timeTest } from "./spec.ts";

const LASTING: ConnectFields = {
  clientId: "client",
  clean: false,
  properties: all(properties.sessionExpiry(1000), properties.topicAliasMaximum(5)),
};

timeTest("a Keep Alive of 65,535 is one of 98,302.5 seconds, one of 0 is none", async (t) => {
  const longest = await t.connect({ keepAliveSeconds: 65_535 });
  const none = await t.connect({ keepAliveSeconds: 0 });
  await t.pass(98_302_499);
  await longest.ping();
  await t.pass(98_302_499);
  await longest.send(publish("a", "x"));
  await t.pass(98_302_500);
  await longest.expectDisconnect(0x8d);
  await t.pass(1e9);
  await none.ping();
});

timeTest("a Keep Alive of 1 allows for a second and a half", async (t) => {
  for (const level of [4, 5] as const) {
    const client = await t.connect({ level, clientId: "client", keepAliveSeconds: 1 });
    for (let n = 0; n < 3; n++) {
      await t.pass(1499);
      await client.ping();
    }
    await t.pass(1500);
    await client.expectDisconnect(0x8d);
  }
});

const forbidding = {
  broker: {
    authorizer: {
      mayPublish: (_: unknown, { topic, will }: { topic: string; will: boolean }) =>
        !(will && topic === "forbidden"),
      maySubscribe: () => true,
    },
  },
};

specTest("a client with a will that it may not publish is refused", forbidding, async (t) => {
  const witness = await subscriber(t, "forbidden");
  const will = { topic: "forbidden", payload: "gone", retain: true };
  const holder = await t.connect({ clientId: "client" });
  for (const [level, reasonCode] of [[3, 5], [4, 5], [5, 0x87]] as const) {
    const client = await t.dial({ level, clientId: "client", will });
    await client.expectRefusal(reasonCode);
  }
  // The one whose name it has is not disturbed, and nothing is published.
  await holder.ping();
  await witness.expectSilence();
  assertEquals(t.broker.stats.retainedMessages, 0);
  // What is forbidden to a will may be allowed to a message.
  await holder.send(publish("forbidden", "x"));
  await witness.expectPublish("forbidden", "x");
  await t.connect({ clientId: "other", will: { topic: "allowed", payload: "gone" } });
});

specTest("aliases are told anew on each connection, repeats included", async (t) => {
  const topic = "a/long/topic";
  const first = await subscriber(t, "#", 1, LASTING);
  for (const payload of ["1", "2"]) t.broker.publish(topic, payload, { qos: 1 });
  assertEquals((await first.expectPublish(topic, "1")).properties, [[0x23, 1]]);
  assertEquals((await first.expectPublish("", "2")).properties, [[0x23, 1]]);
  await t.drop(first);
  t.broker.publish(topic, "3", { qos: 1 });
  const second = await t.connect(LASTING);
  assertEquals((await second.expectPublish(topic, "1")).properties, [[0x23, 1]]);
  assertEquals((await second.expectPublish("", "2")).properties, [[0x23, 1]]);
  assertEquals((await second.expectPublish("", "3")).properties, [[0x23, 1]]);
  await t.drop(second);
  // A client that takes none any more gets the whole topic, of the very same messages.
  const third = await t.connect({ ...LASTING, properties: properties.sessionExpiry(10) });
  for (const payload of ["1", "2", "3"]) {
    assertEquals((await third.expectPublish(topic, payload)).properties, []);
  }
});

specTest("aliases stay within the maximum, however many topics there are", async (t) => {
  const client = await subscriber(t, "#", 1, LASTING);
  for (let n = 0; n < 20; n++) {
    t.broker.publish(`a/long/topic/${n}`, "x", { qos: 1 });
    const { properties: got } = await client.expectPublish(`a/long/topic/${n}`, "x");
    assertEquals(got, n < 5 ? [[0x23, n + 1]] : []);
  }
});

specTest("the newest client of a name is the one that stays", async (t) => {
  const witness = await subscriber(t, "will");
  const will = { topic: "will", payload: "gone" };
  let client = await t.connect({ clientId: "client", will });
  for (const level of [5, 4, 3] as const) {
    const next = await t.connect({ level, clientId: "client", will });
    await client.expectDisconnect(0x8e);
    await witness.expectPublish("will", "gone");
    client = next;
  }
  await client.ping();
});

specTest("an old client is closed without a word where there is none for it", async (t) => {
  const old = await t.connect({ level: 4, clientId: "client" });
  await t.connect({ clientId: "client" });
  await old.expectClose();
});

specTest("a CONNECT that is ill-formed is closed without CONNACK", async (t) => {
  for (const bytes of ["10 0b 0004 4d515454 05 03 0000 00", "10 0a 0004 4d515454 04 03 0000"]) {
    const client = await t.client();
    await client.send(bytes);
    await client.expectClose();
  }
});

specTest("older clients may have identifiers longer than 23 bytes, and of any kind", async (t) => {
  for (const level of [3, 4] as const) {
    for (const clientId of ["x".repeat(24), "x".repeat(1000), "with space/and+#", "höher"]) {
      const client = await t.connect({ level, clientId });
      await client.ping();
    }
  }
});

specTest("QoS 0 with DUP 1 is malformed", async (t) => {
  const client = await t.connect();
  await client.send(publish("a", "x", { dup: true }));
  await client.expectDisconnect(0x81);
  const old = await t.connect({ level: 4, clientId: "old" });
  await old.send(publish("a", "x", { level: 4, dup: true }));
  await old.expectClose();
});

specTest(
  "what an older client may not publish is acknowledged and dropped",
  { broker: { authorizer: { mayPublish: () => false, maySubscribe: () => true } } },
  async (t) => {
    const witness = await subscriber(t, "#");
    const client = await t.connect({ level: 4, clientId: "old" });
    await client.send(publish("a", "x", { level: 4 }));
    await client.send(publish("a", "x", { level: 4, qos: 1 }));
    await client.expect("40 02 0001");
    await client.send(publish("a", "x", { level: 4, qos: 2 }), "62 02 0001");
    await client.expect("50 02 0001 70 02 0001");
    await witness.expectSilence();
    assertEquals(t.broker.stats.dropped["not-authorized"], 3);
  },
);

specTest(
  "a Session Expiry Interval longer than the broker keeps is cut, and said so",
  async (t) => {
    const client = await t.dial({ properties: properties.sessionExpiry(0xffff_ffff) });
    const { properties: got } = await client.expectWelcome();
    assertEquals(got.find(([id]) => id === 0x11), [0x11, 7 * 24 * 3600]);
  },
);

specTest("a filter subscribed to twice in one SUBSCRIBE counts as it comes last", async (t) => {
  const client = await t.connect();
  await client.subscribe(subscribe({ a: 2, b: 0 }));
  await client.send("82 0b 0001 00 0001 61 02 0001 61 00");
  await client.expect("90 05 0001 00 02 00");
  t.broker.publish("a", "x", { qos: 2 });
  assertEquals((await client.expectPublish("a", "x")).qos, 0);
  await client.expectSilence();
});

timeTest(
  "a lasting session of an older client ends after the broker's limit",
  { broker: { limits: { sessionExpirySecondsMax: 100 } } },
  async (t) => {
    for (const [level, seconds] of [[3, 99], [4, 99], [3, 100], [4, 100]] as const) {
      const fields = { level, clientId: "old", clean: false };
      await t.drop(await t.connect(fields));
      await t.pass(seconds * 1000);
      assertEquals(t.broker.stats.sessions, seconds < 100 ? 1 : 0);
      await t.leave(await t.connect({ level, clientId: "old" }));
    }
  },
);
