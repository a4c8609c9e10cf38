import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type PublishPacket, type QoS, ReasonCode } from "../codec/mod.ts";
import type { Client } from "./client.ts";
import { DisconnectedError, SubscribeError } from "./errors.ts";
import type { ClientLimits } from "./limits.ts";
import type { ClientSubscribeOptions, ClientSubscription } from "./subscription.ts";
import { type FakeConnection, FakeServer, leave } from "./testdata/fake_server.ts";

const encoder = new TextEncoder();

function message(
  topic: string,
  text: string,
  qos: QoS = 0,
  packetId = 0,
  rest: Partial<PublishPacket> = {},
): PublishPacket {
  const payload = encoder.encode(text);
  return {
    ...{ type: "publish", topic, payload, qos, packetId, retain: false, dup: false },
    properties: {},
    ...rest,
  };
}

async function granted(
  client: Client,
  connection: FakeConnection,
  filter: string,
  options: ClientSubscribeOptions = {},
): Promise<ClientSubscription> {
  const subscription = client.subscribe(filter, options);
  const { packetId, subscriptions } = await connection.receive("subscribe");
  const reasonCodes = subscriptions.map(({ qos }) => qos);
  connection.send({ type: "suback", packetId, reasonCodes, properties: {} });
  await subscription.ready;
  return subscription;
}

async function text(subscription: ClientSubscription): Promise<string | undefined> {
  const { value } = await subscription.next();
  return value && new TextDecoder().decode(value.payload);
}

Deno.test("subscribe() sends its options, and an identifier for each", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const options = { qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 } as const;
  client.subscribe(["a", "b/#"], options);
  const packet = await connection.receive("subscribe");
  assertEquals(packet.subscriptions, [{ filter: "a", ...options }, { filter: "b/#", ...options }]);
  assertEquals(packet.properties.subscriptionIdentifiers, [1]);
  client.subscribe("c", { identifier: 77 });
  assertEquals(
    (await connection.receive("subscribe")).properties.subscriptionIdentifiers,
    [77],
  );
  await leave(client, connection);
});

Deno.test("subscribe() throws for filters that are not valid", async () => {
  const server = new FakeServer();
  const limits = { subscriptionsMax: 1 };
  const { client, connection } = await server.connected({ limits });
  for (const filter of ["", "a#", "$share//a"]) {
    assertThrows(() => client.subscribe(filter), TypeError);
  }
  assertThrows(() => client.subscribe([]), TypeError);
  await granted(client, connection, "a");
  const error = assertThrows(() => client.subscribe("b"), SubscribeError);
  assertEquals(error.reasonCode, ReasonCode.QuotaExceeded);
  await leave(client, connection);
});

Deno.test("subscribe() that is refused rejects, and takes back what was granted", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const subscription = client.subscribe(["a", "b"]);
  const { packetId } = await connection.receive("subscribe");
  const properties = { reasonString: "no" };
  connection.send({ type: "suback", packetId, reasonCodes: [2, 0x87], properties });
  const error = await assertRejects(() => subscription.ready, SubscribeError);
  assertEquals([error.reasonCode, error.reasonString], [ReasonCode.NotAuthorized, "no"]);
  assertEquals(error.reasonCodes, [2, 0x87]);
  await assertRejects(() => subscription.next(), SubscribeError);
  const { filters, packetId: again } = await connection.receive("unsubscribe");
  assertEquals(filters, ["a", "b"]);
  connection.send({ type: "unsuback", packetId: again, reasonCodes: [0, 0], properties: {} });
  await subscription.return();
  await leave(client, connection);
});

Deno.test("subscribe() does not ask a server for what it does not support", async () => {
  const server = new FakeServer();
  const properties = { wildcardSubscriptionAvailable: false, sharedSubscriptionAvailable: false };
  const { client, connection } = await server.connected({}, { properties });
  const codes = ["a/+", "$share/g/a"].map(async (filter) => {
    return (await assertRejects(() => client.subscribe(filter).ready, SubscribeError)).reasonCode;
  });
  assertEquals(await Promise.all(codes), [
    ReasonCode.WildcardSubscriptionsNotSupported,
    ReasonCode.SharedSubscriptionsNotSupported,
  ]);
  const noLocal = client.subscribe("$share/g/a", { noLocal: true });
  await assertRejects(() => noLocal.ready);
  await leave(client, connection);
});

Deno.test("messages are acknowledged when taken, in order [MQTT-4.6.0-2]", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const a = await granted(client, connection, "a");
  const b = await granted(client, connection, "b");
  connection.send(message("a", "1", 1, 7), message("b", "2", 2, 8), message("a", "3", 1, 9));
  assertEquals(await text(b), "2");
  await server.clock.settle();
  assertEquals(await text(a), "1");
  assertEquals((await connection.receive("puback")).packetId, 7);
  assertEquals((await connection.receive("pubrec")).packetId, 8);
  connection.send({ type: "pubrel", packetId: 8, reasonCode: 0, properties: {} });
  assertEquals((await connection.receive("pubcomp")).reasonCode, 0);
  connection.send({ type: "pubrel", packetId: 8, reasonCode: 0, properties: {} });
  assertEquals((await connection.receive("pubcomp")).reasonCode, 0x92);
  // What nobody takes any more is acknowledged when its subscription ends.
  const ended = a.return();
  assertEquals((await connection.receive("puback")).packetId, 9);
  const { packetId } = await connection.receive("unsubscribe");
  connection.send({ type: "unsuback", packetId, reasonCodes: [0], properties: {} });
  await ended;
  await leave(client, connection);
});

Deno.test("messages that were held come once, when the server repeats them", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const subscription = await granted(client, connection, "a");
  connection.send(message("a", "1", 1, 1), message("a", "2", 2, 2), message("a", "3", 2, 3));
  assertEquals(await text(subscription), "1");
  await connection.receive("puback");
  connection.cut();
  await server.clock.advance(1000);
  const next = await server.accept();
  await next.welcome({ sessionPresent: true });
  assertEquals(await text(subscription), "2");
  next.send(message("a", "2", 2, 2, { dup: true }), message("a", "3", 2, 3, { dup: true }));
  assertEquals((await next.receive("pubrec")).packetId, 2);
  next.send(message("a", "2", 2, 2, { dup: true }));
  assertEquals((await next.receive("pubrec")).packetId, 2);
  assertEquals(await text(subscription), "3");
  assertEquals((await next.receive("pubrec")).packetId, 3);
  await leave(client, next);
});

Deno.test("messages of a lost session are not acknowledged in the next", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const subscription = await granted(client, connection, "a");
  connection.send(message("a", "old", 1, 1));
  await server.clock.settle();
  connection.cut();
  await server.clock.advance(1000);
  const next = await server.accept();
  await next.welcome();
  const { packetId } = await next.receive("subscribe");
  next.send({ type: "suback", packetId, reasonCodes: [2], properties: {} });
  next.send(message("a", "new", 1, 1));
  assertEquals(await text(subscription), "old");
  assertEquals(await text(subscription), "new");
  assertEquals((await next.receive("puback")).packetId, 1);
  await leave(client, next);
});

Deno.test("a full subscription stops the reading, unless an answer is awaited", async () => {
  const server = new FakeServer();
  const limits = { subscriptionMessagesMax: 2 };
  const { client, connection } = await server.connected({ limits });
  const subscription = await granted(client, connection, "a");
  for (const each of ["1", "2", "3", "4"]) connection.send(message("a", each));
  const receipt = client.publish("b", "", { qos: 1 });
  await connection.receive("publish");
  connection.send({ type: "puback", packetId: 2, reasonCode: 0, properties: {} });
  await server.clock.settle();
  // Three were read, so the acknowledgement behind the fourth was not.
  assertEquals(receipt.isSettled, false);
  await receipt;
  for (const each of ["1", "2", "3", "4"]) assertEquals(await text(subscription), each);
  assertEquals(subscription.dropped, 0);
  await leave(client, connection);
});

Deno.test("QoS 0 messages past all limits are dropped and counted, others never", async () => {
  const server = new FakeServer();
  const limits = { subscriptionMessagesMax: 1, heldBytesMax: 1000 };
  const { client, connection } = await server.connected({ limits });
  const subscription = await granted(client, connection, "a");
  const receipt = client.publish("b", "", { qos: 1 });
  const waiting = receipt.completed;
  await connection.receive("publish");
  for (let i = 0; i < 20; i++) connection.send(message("a", `${i}`));
  connection.send(message("a", "assured", 1, 1));
  connection.send({ type: "puback", packetId: 2, reasonCode: 0, properties: {} });
  await waiting;
  const texts = [];
  while (texts.at(-1) !== "assured") texts.push(await text(subscription));
  assertEquals(subscription.dropped, 20 - (texts.length - 1));
  assertEquals(texts.slice(0, 3), ["0", "1", "2"]);
  await connection.receive("puback");
  await leave(client, connection);
});

Deno.test('overflow "drop-oldest" keeps the newest and goes on reading', async () => {
  const server = new FakeServer();
  const limits = { subscriptionMessagesMax: 2 };
  const { client, connection } = await server.connected({ limits });
  const subscription = await granted(client, connection, "a", { overflow: "drop-oldest" });
  for (const each of ["1", "2", "3"]) connection.send(message("a", each, 1, Number(each)));
  connection.send(message("a", "4"));
  assertEquals((await connection.receive("puback")).packetId, 1);
  assertEquals((await connection.receive("puback")).packetId, 2);
  assertEquals([await text(subscription), await text(subscription)], ["3", "4"]);
  assertEquals(subscription.dropped, 2);
  assertEquals((await connection.receive("puback")).packetId, 3);
  await leave(client, connection);
});

Deno.test("a filter of two subscriptions is unsubscribed with the last", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const one = await granted(client, connection, "a");
  const two = await granted(client, connection, "a");
  await one.return();
  connection.send(message("a", "x", 0, 0, { properties: { subscriptionIdentifiers: [2] } }));
  assertEquals(await text(two), "x");
  assertEquals(await text(one), undefined);
  const ended = two.return();
  assertEquals((await connection.receive("unsubscribe")).filters, ["a"]);
  connection.cut();
  // A server that is out of reach is not waited for.
  await ended;
  await client.close();
});

Deno.test("a subscription ends with its signal, its client, or the last connection", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected({ reconnect: false });
  const controller = new AbortController();
  const aborted = await granted(client, connection, "a", { signal: controller.signal });
  const waiting = aborted.next();
  controller.abort(new RangeError("enough"));
  await assertRejects(() => waiting, RangeError, "enough");
  await connection.receive("unsubscribe");
  const lost = await granted(client, connection, "b");
  connection.send(message("b", "last"));
  await server.clock.settle();
  connection.cut();
  assertEquals(await text(lost), "last");
  await assertRejects(() => lost.next(), DisconnectedError);
  assertThrows(() => client.subscribe("c"), DisconnectedError);
  await client.close();

  const { client: other, connection: its } = await server.connected();
  const closed = await granted(other, its, "a");
  const end = closed.next();
  await leave(other, its);
  assertEquals(await end, { done: true, value: undefined });
});

/** A client that has found its session, with messages of QoS 1 for these topics under way. */
async function resumed(server: FakeServer, topics: string[], limits: Partial<ClientLimits> = {}) {
  const { client, connection } = await server.connected({ limits }, { sessionPresent: true });
  for (const [index, topic] of topics.entries()) {
    connection.send(message(topic, `${index + 1}`, 1, index + 1));
  }
  await server.clock.settle();
  return { client, connection };
}

async function acknowledged(connection: FakeConnection, ...packetIds: number[]): Promise<void> {
  for (const packetId of packetIds) {
    assertEquals((await connection.receive("puback")).packetId, packetId);
  }
}

Deno.test("messages for nobody are dropped in a new session", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  connection.send(message("a", "x", 1, 1));
  await acknowledged(connection, 1);
  assertEquals(client.dropped, 1);
  await leave(client, connection);
});

Deno.test("messages of a resumed session are acknowledged when taken, not before", async () => {
  const server = new FakeServer();
  const { client, connection } = await resumed(server, ["a", "a"]);
  connection.send(message("a", "3", 2, 3));
  await server.clock.advance(60_000);
  // The next packet is the SUBSCRIBE: nothing was acknowledged before it.
  const subscription = await granted(client, connection, "a");
  await server.clock.advance(60_000);
  assertEquals(await text(subscription), "1");
  await acknowledged(connection, 1);
  assertEquals(await text(subscription), "2");
  await acknowledged(connection, 2);
  assertEquals(await text(subscription), "3");
  assertEquals((await connection.receive("pubrec")).packetId, 3);
  await leave(client, connection);
});

Deno.test("close() acknowledges what was taken, and nothing else", async () => {
  const server = new FakeServer();
  const { client, connection } = await resumed(server, ["old", "a", "a", "b"]);
  const a = await granted(client, connection, "a");
  const b = await granted(client, connection, "b");
  assertEquals([await text(a), await text(b)], ["2", "4"]);
  const closing = client.close();
  connection.send(message("a", "late", 1, 5));
  // Those taken do not wait for the ones before them any more, which stay with the server.
  await acknowledged(connection, 2, 4);
  await connection.receive("disconnect");
  connection.close();
  await closing;
});

Deno.test("messages still unmatched after a while hold up the others no longer", async () => {
  const server = new FakeServer();
  const { client, connection } = await resumed(server, ["old", "a", "old"]);
  const a = await granted(client, connection, "a");
  assertEquals(await text(a), "2");
  await server.clock.advance(4000);
  const b = await granted(client, connection, "b");
  await server.clock.advance(4999);
  assertEquals(b.dropped, 0);
  await server.clock.advance(1);
  await acknowledged(connection, 1, 2, 3);
  connection.send(message("old", "4", 1, 4));
  await acknowledged(connection, 4);
  const old = await granted(client, connection, "old");
  assertEquals([await text(old), await text(old), await text(old)], ["1", "3", "4"]);
  assertEquals(client.dropped, 0);
  await leave(client, connection);
});

Deno.test("too many unmatched messages stop the reading for a while", async () => {
  const server = new FakeServer();
  const limits = { unmatchedMessagesMax: 2 };
  const { client, connection } = await resumed(server, ["a", "a", "a", "a"], limits);
  // Three were read. Somebody who waits for an answer gets it all the same.
  const b = await granted(client, connection, "b");
  assertEquals(client.dropped, 0);
  await server.clock.advance(5000);
  await acknowledged(connection, 1, 2, 3, 4);
  assertEquals(client.dropped, 2);
  const a = await granted(client, connection, "a");
  assertEquals([await text(a), await text(a)], ["3", "4"]);
  connection.send(message("b", "5"));
  assertEquals(await text(b), "5");
  await leave(client, connection);

  const none = await resumed(server, ["a"], { unmatchedMessagesMax: 0 });
  await acknowledged(none.connection, 1);
  assertEquals(none.client.dropped, 1);
  await leave(none.client, none.connection);
});

Deno.test("messages claimed by a subscription that is refused wait for another", async () => {
  const server = new FakeServer();
  const { client, connection } = await resumed(server, ["a"]);
  const refused = client.subscribe("#");
  const { packetId } = await connection.receive("subscribe");
  connection.send({ type: "suback", packetId, reasonCodes: [0x87], properties: {} });
  await assertRejects(() => refused.ready, SubscribeError);
  const subscription = await granted(client, connection, "a");
  assertEquals(await text(subscription), "1");
  await acknowledged(connection, 1);
  await leave(client, connection);
});

Deno.test("unsubscribe() ends what an earlier program has begun", async () => {
  const server = new FakeServer();
  const { client, connection } = await resumed(server, ["old/1", "a"]);
  const codes = client.unsubscribe(["old/+", "never"]);
  await connection.receive("unsubscribe");
  connection.cut();
  await server.clock.advance(1000);
  const next = await server.accept();
  await next.welcome({ sessionPresent: true });
  const { packetId, filters } = await next.receive("unsubscribe");
  assertEquals(filters, ["old/+", "never"]);
  next.send(message("old/1", "1", 1, 1, { dup: true }), message("a", "2", 1, 2, { dup: true }));
  next.send({ type: "unsuback", packetId, reasonCodes: [0, 0x11], properties: {} });
  assertEquals(await codes, [0, 0x11]);
  await acknowledged(next, 1);
  const subscription = await granted(client, next, "a");
  await assertRejects(() => client.unsubscribe("a"), TypeError, "a subscription has it");
  await assertRejects(() => client.unsubscribe([]), TypeError);
  assertEquals(await text(subscription), "2");
  await acknowledged(next, 2);
  await leave(client, next);
  await assertRejects(() => client.unsubscribe("a"), DisconnectedError);
});
