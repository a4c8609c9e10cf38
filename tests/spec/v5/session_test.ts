/** The life of a session, and the transport (MQTT 5 §4.1 and §4.2). */
import { assertEquals } from "@std/assert";
import type { Conversation } from "../harness.ts";
import { hex } from "../harness.ts";
import { properties, puback, publish, pubrel, subscribe } from "./packets.ts";
import { specTest, timeTest } from "./spec.ts";
import { subscriber } from "./steps.ts";

const MINUTE = 60_000;

/** The fields of a client whose session lasts so many seconds. */
const lasting = (seconds: number, clientId = "client") => ({
  clientId,
  clean: false,
  properties: properties.sessionExpiry(seconds),
});

/** Whether there is a session to go on with; ends the connection again. */
async function isPresent(t: Conversation, fields = lasting(60)): Promise<boolean> {
  const client = await t.connect(fields);
  const { flags } = client.connack!;
  await t.leave(client);
  return flags === 1;
}

timeTest("no session ends while its connection is up [MQTT-4.1.0-1]", async (t) => {
  const none = await subscriber(t, "a", 1, { clientId: "none" });
  const short = await subscriber(t, "a", 1, lasting(1, "short"));
  // The interval of an earlier connection counts no more, either.
  await t.drop(await t.connect(lasting(30, "again")));
  const again = await subscriber(t, "a", 1, lasting(30, "again"));
  await t.pass(30 * 24 * 60 * MINUTE);
  const publisher = await t.connect();
  await publisher.send(publish("a", "x", { qos: 1 }));
  for (const client of [none, short, again]) {
    await client.send(puback((await client.expectPublish("a", "x")).packetId));
  }
});

timeTest("a session ends when its interval has passed [MQTT-4.1.0-2]", async (t) => {
  await t.leave(await subscriber(t, "a", 1, lasting(60)));
  await t.pass(59_000);
  assertEquals(await isPresent(t), true);
  await t.pass(59_000);
  assertEquals(await isPresent(t), true);
  await t.pass(61_000);
  assertEquals(await isPresent(t), false);
  assertEquals(t.broker.stats.sessions, 1);
  await t.pass(61_000);
  assertEquals(t.broker.stats.sessions, 0);
});

timeTest("nothing of a session that has ended comes back [MQTT-4.1.0-2]", async (t) => {
  const first = await subscriber(t, "a", 2, lasting(60));
  const publisher = await t.connect();
  await publisher.send(publish("a", "in flight", { qos: 1 }));
  await publisher.expect("40 02 0001");
  await first.expectPublish("a", "in flight");
  await first.send(publish("b", "x", { qos: 2, packetId: 8 }));
  await first.expect("50 03 0008 10");
  await t.drop(first);
  await publisher.send(publish("a", "waiting", { qos: 1 }));
  await publisher.expect("40 02 0001");
  await t.pass(61_000);
  const second = await t.connect(lasting(60));
  assertEquals(second.connack!.flags, 0);
  await publisher.send(publish("a", "new", { qos: 1 }));
  await publisher.expect("40 03 0001 10");
  await second.send(pubrel(8));
  await second.expect("70 03 0008 92");
  await second.expectSilence();
});

specTest("a session without an interval ends with its connection [MQTT-4.1.0-2]", async (t) => {
  const fields = { clientId: "client", clean: false };
  await t.leave(await subscriber(t, "a", 1, fields));
  assertEquals(t.broker.stats.sessions, 0);
  assertEquals((await t.connect(fields)).connack!.flags, 0);
});

timeTest(
  "a session of the longest interval is kept as long as the broker keeps any [MQTT-4.1.0-2]",
  {
    broker: { limits: { sessionExpirySecondsMax: 0xffff_ffff } },
  },
  async (t) => {
    await t.drop(await subscriber(t, "a", 1, lasting(0xffff_ffff)));
    await t.pass(200 * 365 * 24 * 60 * MINUTE);
    assertEquals(await isPresent(t, lasting(0xffff_ffff)), true);
  },
);

timeTest(
  "the interval of DISCONNECT takes the place of that of CONNECT [MQTT-4.1.0-2]",
  async (t) => {
    await t.leave(await t.connect(lasting(600)), 0x00, properties.sessionExpiry(10));
    await t.pass(9_000);
    assertEquals(await isPresent(t, lasting(10)), true);
    await t.pass(11_000);
    assertEquals(await isPresent(t, lasting(10)), false);
    await t.leave(await t.connect(lasting(10)), 0x00, properties.sessionExpiry(600));
    await t.pass(500_000);
    assertEquals(await isPresent(t, lasting(10)), true);
  },
);

timeTest(
  "what waits for a client waits as long as its session [MQTT-4.1.0-2] [MQTT-4.5.0-1]",
  async (t) => {
    await t.drop(await subscriber(t, "a", 1, lasting(600)));
    const publisher = await t.connect();
    await publisher.send(publish("a", "x", { qos: 1 }));
    await publisher.expect("40 02 0001");
    await t.pass(599_000);
    await (await t.connect(lasting(600))).expectPublish("a", "x");
  },
);

specTest("a stream of bytes may be cut and joined in any way [MQTT-4.2.0-1]", async (t) => {
  const client = await t.client();
  const stream = [
    ...hex("10 0f 0004 4d515454 05 02 0000 00 0002 6964"),
    ...subscribe({ a: 1 }),
    ...publish("a", "x", { qos: 1, packetId: 5 }),
  ];
  for (const byte of stream) await client.send(Uint8Array.of(byte));
  await client.expectWelcome();
  await client.expect("90 04 0001 00 01");
  const frames = [await client.readFrame(), await client.readFrame()];
  assertEquals(new Set(frames.map(([first]) => first)), new Set([0x40, 0x32]));
});

specTest("many packets may come in one piece [MQTT-4.2.0-1]", async (t) => {
  const client = await subscriber(t, "a");
  const payloads = Array.from({ length: 500 }, (_, n) => "x".repeat(n));
  await client.send(...payloads.map((payload) => publish("a", payload)));
  for (const payload of payloads) await client.expectPublish("a", payload);
});
