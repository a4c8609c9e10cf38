import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type PublishPacket, type QoS, ReasonCode } from "../codec/mod.ts";
import type { Client } from "./client.ts";
import { DisconnectedError, SubscribeError } from "./errors.ts";
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

Deno.test("messages for nobody are dropped, but kept at first in a session found", async () => {
  const server = new FakeServer();
  const limits = { unclaimedMessagesMax: 2 };
  const found = await server.connected({ limits }, { sessionPresent: true });
  for (const each of ["1", "2", "3"]) {
    found.connection.send(message(`a/${each}`, each, 1, Number(each)));
    assertEquals((await found.connection.receive("puback")).packetId, Number(each));
  }
  assertEquals(found.client.dropped, 1);
  const subscription = await granted(found.client, found.connection, "a/#");
  assertEquals([await text(subscription), await text(subscription)], ["2", "3"]);
  await leave(found.client, found.connection);

  const fresh = await server.connected();
  fresh.connection.send(message("a", "x", 1, 1));
  await fresh.connection.receive("puback");
  assertEquals(fresh.client.dropped, 1);
  await leave(fresh.client, fresh.connection);
});
