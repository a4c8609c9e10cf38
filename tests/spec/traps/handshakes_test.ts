/** Handshakes of QoS 1 and 2 that are interrupted, refused, or never ended. */
import { assertEquals } from "@std/assert";
import type { Authorizer, PublishRequest } from "../../../auth/mod.ts";
import type { ConnectFields } from "../../harness/packets.ts";
import {
  all,
  frame,
  properties,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  uint16,
  unsubscribe,
} from "../v5/packets.ts";
import { subscriber } from "../v5/steps.ts";
import { specTest, timeTest } from "./spec.ts";

/** A session of 100 s that takes so many messages at once. */
function lasting(clientId: string, receiveMaximum = 1000): ConnectFields {
  const limits = all(properties.sessionExpiry(100), properties.receiveMaximum(receiveMaximum));
  return { clientId, clean: false, properties: limits };
}

/** An authorizer that decides on a publication when it is told to. */
class Deferred implements Authorizer {
  readonly pending: { request: PublishRequest; decide: (may: boolean) => void }[] = [];

  mayPublish(_client: unknown, request: PublishRequest): Promise<boolean> {
    return new Promise((decide) => this.pending.push({ request, decide }));
  }

  maySubscribe(): boolean {
    return true;
  }
}

const authorizer = new Deferred();
const deferred = { broker: { authorizer } };

specTest("nothing is acknowledged before it is accepted", deferred, async (t) => {
  const witness = await subscriber(t, "#");
  const client = await t.connect();
  for (
    const [qos, may, answer] of [[1, true, "40 02 0007"], [2, false, "50 03 0007 87"]] as const
  ) {
    await client.send(publish("a", "x", { qos, packetId: 7 }));
    await t.until(() => authorizer.pending.length === 1);
    await witness.expectSilence();
    authorizer.pending.pop()!.decide(may);
    await client.expect(answer);
    if (may) await witness.expectPublish("a", "x");
    else await witness.expectSilence();
  }
});

specTest("what is decided after a takeover is delivered once all the same", deferred, async (t) => {
  const witness = await subscriber(t, "#");
  const first = await t.connect(lasting("client"));
  await first.send(publish("a", "x", { qos: 2, packetId: 7 }));
  await t.until(() => authorizer.pending.length === 1);
  const second = await t.connect(lasting("client"));
  await first.expectDisconnect(0x8e);
  authorizer.pending.pop()!.decide(true);
  await witness.expectSilence();
  await second.send(publish("a", "x", { qos: 2, packetId: 7, dup: true }));
  await t.until(() => authorizer.pending.length === 1);
  authorizer.pending.pop()!.decide(true);
  await second.expect("50 02 0007");
  await witness.expectPublish("a", "x");
  await second.send(pubrel(7));
  await second.expect("70 02 0007");
  await witness.expectSilence();
});

specTest("a takeover leaves the handshake of a publisher where it is", async (t) => {
  const witness = await subscriber(t, "a", 2);
  const message = publish("a", "x", { qos: 2, packetId: 7 });
  const first = await t.connect(lasting("client"));
  await first.send(message);
  await first.expect("50 02 0007");
  await witness.expectPublish("a", "x");
  const second = await t.connect(lasting("client"));
  await first.expectDisconnect(0x8e);
  await second.send(publish("a", "x", { qos: 2, packetId: 7, dup: true }));
  await second.expect("50 02 0007");
  const third = await t.connect(lasting("client"));
  await second.expectDisconnect(0x8e);
  await third.send(pubrel(7));
  await third.expect("70 02 0007");
  await witness.expectSilence();
  await third.send(message);
  await third.expect("50 02 0007");
  await witness.expectPublish("a", "x");
});

specTest("a takeover leaves the handshakes of a subscriber where they are", async (t) => {
  const first = await subscriber(t, "a", 2, lasting("client"));
  for (const [n, qos] of ([2, 2, 1] as const).entries()) t.broker.publish("a", `${n}`, { qos });
  for (let n = 0; n < 3; n++) await first.expectPublish("a", `${n}`);
  await first.send(pubrec(1));
  await first.expect("62 02 0001");
  const second = await t.connect(lasting("client"));
  await first.expectDisconnect(0x8e);
  await second.expect("62 02 0001");
  for (let n = 1; n < 3; n++) {
    const { dup, packetId } = await second.expectPublish("a", `${n}`);
    assertEquals([dup, packetId], [true, n + 1]);
  }
  await second.send(pubcomp(1), pubrec(2), puback(3));
  await second.expect("62 02 0002");
  await second.expectSilence();
});

specTest("a QoS 2 flood that is never released is bounded by identifiers", async (t) => {
  const witness = await subscriber(t, "a");
  const client = await t.connect({ level: 4, clientId: "old" });
  const message = (packetId: number) => publish("a", "x", { level: 4, qos: 2, packetId });
  for (let id = 1; id <= 65_535; id += 8191) {
    const ids = Array.from({ length: Math.min(8191, 65_536 - id) }, (_, n) => id + n);
    await client.send(...ids.map(message));
    await client.expect(...ids.map((each) => frame(0x50, uint16(each))));
    for (let n = 0; n < ids.length; n++) await witness.expectPublish("a", "x");
  }
  await client.send(message(1), message(65_535), message(40_000));
  await client.expect("50 02 0001 50 02 ffff 50 02 9c40");
  await witness.expectSilence();
  await client.send(pubrel(40_000));
  await client.expect("70 02 9c40");
  await client.send(message(40_000));
  await client.expect("50 02 9c40");
  await witness.expectPublish("a", "x");
});

const many = { broker: { limits: { inflightMax: 32_767, backlogMessagesMax: 100_000 } } };

specTest("half of all identifiers are given, and no more until one is free", many, async (t) => {
  const client = await subscriber(t, "a", 1);
  for (let n = 0; n < 32_769; n++) t.broker.publish("a", "", { qos: 1 });
  const seen = new Set<number>();
  for (let n = 0; n < 32_767; n++) seen.add((await client.expectPublish("a", "")).packetId);
  assertEquals([seen.size, seen.has(0)], [32_767, false]);
  await client.expectSilence();
  await client.send(puback(5));
  assertEquals(seen.has((await client.expectPublish("a", "")).packetId), false);
  await client.expectSilence();
});

specTest("a session goes on with fewer at once than are in flight", async (t) => {
  const first = await subscriber(t, "a", 2, lasting("client", 5));
  for (let n = 1; n <= 7; n++) t.broker.publish("a", `${n}`, { qos: n === 2 ? 2 : 1 });
  for (let n = 1; n <= 5; n++) await first.expectPublish("a", `${n}`);
  await first.send(pubrec(2));
  await first.expect("62 02 0002");
  await t.drop(first);
  const second = await t.connect(lasting("client", 2));
  // A PUBREL needs no quota, and waits for no message that is sent with it.
  await second.expect("62 02 0002");
  await second.expectPublish("a", "1");
  await second.expectPublish("a", "3");
  await second.expectSilence();
  await second.send(pubcomp(2));
  await second.expectSilence();
  for (const [acknowledged, next] of [[1, 4], [3, 5], [4, 6], [5, 7]] as const) {
    await second.send(puback(acknowledged));
    assertEquals((await second.expectPublish("a", `${next}`)).dup, next <= 5);
    await second.expectSilence();
  }
});

timeTest("a QoS 1 message that was sent is sent again though it has expired", async (t) => {
  const client = await subscriber(t, "a", 1, lasting("client"));
  t.broker.publish("a", "x", { qos: 1, properties: { messageExpiryInterval: 10 } });
  assertEquals((await client.expectPublish("a", "x")).properties, [[0x02, 10]]);
  await t.drop(client);
  await t.pass(20_000);
  const again = await t.connect(lasting("client"));
  const { dup, properties: got } = await again.expectPublish("a", "x");
  assertEquals([dup, got], [true, [[0x02, 0]]]);
});

timeTest("of what waits only what has expired is left out, in flight or not", async (t) => {
  const client = await subscriber(t, "a", 1, lasting("client", 1));
  const publishOf = (payload: string, seconds: number) =>
    t.broker.publish("a", payload, { qos: 1, properties: { messageExpiryInterval: seconds } });
  publishOf("in flight", 10);
  publishOf("short", 10);
  publishOf("long", 100);
  await client.expectPublish("a", "in flight");
  await t.pass(30_000);
  await client.send(puback(1));
  assertEquals((await client.expectPublish("a", "long")).properties, [[0x02, 70]]);
  assertEquals(t.broker.stats.dropped.expired, 1);
});

specTest("UNSUBSCRIBE leaves what is under way, and what waits with it", async (t) => {
  const client = await subscriber(t, "a", 2, lasting("client", 1));
  for (let n = 0; n < 3; n++) t.broker.publish("a", `${n}`, { qos: 1 });
  await client.expectPublish("a", "0");
  await client.send(unsubscribe(["a"]));
  await client.expect("b0 04 0001 00 00");
  t.broker.publish("a", "late", { qos: 1 });
  for (let n = 1; n < 3; n++) {
    await client.send(puback(n));
    await client.expectPublish("a", `${n}`);
  }
  await client.send(puback(3));
  await client.expectSilence();
});

specTest("a new session begins with identifiers and handshakes of its own", async (t) => {
  const first = await subscriber(t, "a", 2, lasting("client"));
  await first.send(publish("b", "x", { qos: 2, packetId: 7 }));
  await first.expect("50 03 0007 10");
  t.broker.publish("a", "x", { qos: 2 });
  await first.expectPublish("a", "x");
  const second = await t.connect({ ...lasting("client"), clean: true });
  await second.expectSilence();
  await second.send(pubrel(7), pubrec(1));
  await second.expect("70 03 0007 92 62 03 0001 92");
});

/** Makes a client a member of `$share/g/a`. */
const member = (t: Parameters<typeof subscriber>[0], fields: ConnectFields) =>
  subscriber(t, "$share/g/a", 1, fields);

specTest(
  "what a vanished member of a shared group did not acknowledge goes to another",
  async (t) => {
    const first = await member(t, { clientId: "first", properties: properties.receiveMaximum(2) });
    const second = await member(t, {
      clientId: "second",
      properties: properties.receiveMaximum(2),
    });
    for (let n = 0; n < 4; n++) t.broker.publish("a", `${n}`, { qos: 1 });
    for (const n of [0, 2]) await first.expectPublish("a", `${n}`);
    for (const n of [1, 3]) await second.expectPublish("a", `${n}`);
    await first.send(puback(1));
    await first.ping();
    await t.drop(first);
    await second.expectSilence();
    await second.send(puback(1));
    const { dup, qos } = await second.expectPublish("a", "2");
    assertEquals([dup, qos], [false, 1]);
    await second.send(puback(2), puback(3));
    await second.expectSilence();
  },
);

timeTest("what a member with a lasting session did not acknowledge waits for it", async (t) => {
  const first = await member(t, lasting("first"));
  t.broker.publish("a", "x", { qos: 1 });
  await first.expectPublish("a", "x");
  const second = await member(t, lasting("second"));
  await t.drop(first);
  await t.pass(99_999);
  await second.expectSilence();
  const back = await t.connect(lasting("first"));
  assertEquals((await back.expectPublish("a", "x")).dup, true);
  await t.drop(back);
  await t.pass(100_000);
  await second.expectPublish("a", "x");
});

specTest("members that are away get nothing while another is there", async (t) => {
  await t.drop(await member(t, lasting("first")));
  const second = await member(t, lasting("second"));
  for (let n = 0; n < 4; n++) t.broker.publish("a", `${n}`, { qos: 1 });
  for (let n = 0; n < 4; n++) await second.expectPublish("a", `${n}`);
  await t.drop(second);
  t.broker.publish("a", "x", { qos: 1 });
  const back = await Promise.all([t.connect(lasting("first")), t.connect(lasting("second"))]);
  const waiting = [];
  for (const client of back) {
    await client.send("c0 00 c0 00");
    for (let pings = 0; pings < 2;) {
      const packet = await client.readFrame();
      if (packet[0] === 0xd0) pings++;
      else if ((packet[0]! & 8) === 0) waiting.push(packet);
    }
  }
  assertEquals(waiting.length, 1);
});
