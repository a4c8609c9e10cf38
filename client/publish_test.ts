import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { type AckPacket, ReasonCode } from "../codec/mod.ts";
import { DisconnectedError, PublishError, QueueFullError, TimeoutError } from "./errors.ts";
import { FakeServer, leave } from "./testdata/fake_server.ts";

function ack(type: AckPacket["type"], packetId: number, reasonCode = 0): AckPacket {
  return { type, packetId, reasonCode, properties: {} };
}

Deno.test("publish() at QoS 2 tells of each step", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const receipt = client.publish("a", "x", { qos: 2 });
  await receipt.left;
  const { packetId, dup } = await connection.receive("publish");
  assertEquals([packetId, dup], [1, false]);
  connection.send(ack("pubrec", 1, ReasonCode.NoMatchingSubscribers));
  assertEquals((await receipt.acknowledged).reasonCode, ReasonCode.NoMatchingSubscribers);
  assertEquals(receipt.isSettled, false);
  await connection.receive("pubrel");
  connection.send(ack("pubcomp", 1));
  assertEquals((await receipt).reasonCode, 0);
  await leave(client, connection);
});

Deno.test("publish() rejects what the server refuses, with its reason", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  for (const [qos, type] of [[1, "puback"], [2, "pubrec"]] as const) {
    const receipt = client.publish("a", "x", { qos });
    const { packetId } = await connection.receive("publish");
    const properties = { reasonString: "not you" };
    connection.send({ ...ack(type, packetId, ReasonCode.NotAuthorized), properties });
    const error = await assertRejects(() => receipt.acknowledged, PublishError);
    assertEquals([error.reasonCode, error.reasonString], [ReasonCode.NotAuthorized, "not you"]);
    await assertRejects(() => receipt.completed, PublishError);
    // The bytes had left, which is all this says.
    await receipt.left;
  }
  await leave(client, connection);
});

Deno.test("publish() throws what is the caller's fault at once", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  assertThrows(() => client.publish("a/+", ""), TypeError);
  assertThrows(() => client.publish("", ""), TypeError);
  assertThrows(() => client.publish("a".repeat(70_000), ""), RangeError);
  assertThrows(() => client.publish("a", "", { properties: { topicAlias: 1 } }), TypeError);
  await leave(client, connection);
});

Deno.test("publish() keeps to the Receive Maximum of the server [MQTT-3.3.4-9]", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected({}, { properties: { receiveMaximum: 2 } });
  const receipts = ["1", "2", "3"].map((text) => client.publish("a", text, { qos: 1 }));
  await connection.receive("publish");
  await connection.receive("publish");
  await server.clock.settle();
  assertEquals(client.waiting, 1);
  connection.send(ack("puback", 2));
  assertEquals((await connection.receive("publish")).packetId, 3);
  connection.send(ack("puback", 1), ack("puback", 3));
  await Promise.all(receipts);
  await leave(client, connection);
});

Deno.test("publish() refuses what the server does not take", async () => {
  const server = new FakeServer();
  const properties = { maximumQoS: 1, retainAvailable: false, maximumPacketSize: 100 } as const;
  const { client, connection } = await server.connected({}, { properties });
  const refused = [
    client.publish("a", "", { qos: 2 }),
    client.publish("a", "", { retain: true }),
    client.publish("a", "x".repeat(100), { qos: 1 }),
  ];
  const codes = await Promise.all(refused.map(async (receipt) => {
    return (await assertRejects(() => receipt.left, PublishError)).reasonCode;
  }));
  const { QoSNotSupported, RetainNotSupported, PacketTooLarge } = ReasonCode;
  assertEquals(codes, [QoSNotSupported, RetainNotSupported, PacketTooLarge]);
  await leave(client, connection);
});

Deno.test("publish() sends again, in order and with DUP [MQTT-3.3.1-1] [MQTT-4.4.0-1]", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const first = client.publish("a", "1", { qos: 1 });
  const second = client.publish("a", "2", { qos: 2 });
  const third = client.publish("a", "3", { qos: 2 });
  for (let i = 0; i < 3; i++) await connection.receive("publish");
  connection.send(ack("pubrec", 3));
  await third.acknowledged;
  connection.cut();
  await server.clock.advance(1000);
  const next = await server.accept();
  const connect = await next.welcome({ sessionPresent: true });
  assertEquals([connect.cleanStart, connect.properties.sessionExpiryInterval], [false, 300]);
  for (const [packetId, qos] of [[1, 1], [2, 2]]) {
    const packet = await next.receive("publish");
    assertEquals([packet.packetId, packet.qos, packet.dup], [packetId, qos, true]);
  }
  assertEquals((await next.receive("pubrel")).packetId, 3);
  next.send(ack("puback", 1), ack("pubrec", 2), ack("pubcomp", 3));
  assertEquals((await next.receive("pubrel")).packetId, 2);
  next.send(ack("pubcomp", 2));
  await Promise.all([first, second, third]);
  await leave(client, next);
});

Deno.test("publish() in a session that is lost: QoS 1 goes again, QoS 2 is told", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const assured = client.publish("a", "1", { qos: 1 });
  const once = client.publish("a", "2", { qos: 2 });
  const released = client.publish("a", "3", { qos: 2 });
  for (let i = 0; i < 3; i++) await connection.receive("publish");
  connection.send(ack("pubrec", 3));
  await released.acknowledged;
  connection.cut();
  await server.clock.advance(1000);
  const next = await server.accept();
  await next.welcome();
  const error = await assertRejects(() => once.completed, DisconnectedError);
  assert(error.message.includes("is unknown"), error.message);
  await released;
  const again = await next.receive("publish");
  assertEquals(again.dup, false);
  next.send(ack("puback", again.packetId));
  await assured;
  await leave(client, next);
});

Deno.test("publish() without a connection waits, up to a limit", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected({ limits: { queueMessagesMax: 2 } });
  connection.cut();
  await server.clock.settle();
  assertEquals(client.state.kind, "waiting");
  const receipts = ["1", "2", "3"].map((text) => client.publish("a", text));
  await assertRejects(() => receipts[2]!.completed, QueueFullError);
  await server.clock.advance(1000);
  const next = await server.accept();
  await next.welcome();
  assertEquals(new TextDecoder().decode((await next.receive("publish")).payload), "1");
  assertEquals(new TextDecoder().decode((await next.receive("publish")).payload), "2");
  await Promise.all(receipts.slice(0, 2));
  await leave(client, next);
});

Deno.test("publish() takes a message back when its signal aborts", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected({}, { properties: { receiveMaximum: 1 } });
  const controller = new AbortController();
  const { signal } = controller;
  const sent = client.publish("a", "sent", { qos: 1, signal });
  const waiting = client.publish("a", "waiting", { qos: 1, signal });
  const late = client.publish("a", "late", { qos: 1 });
  await connection.receive("publish");
  controller.abort();
  for (const receipt of [sent, waiting]) {
    const error = await assertRejects(() => receipt.completed);
    assertInstanceOf(error, DOMException);
  }
  connection.send(ack("puback", 1));
  assertEquals(new TextDecoder().decode((await connection.receive("publish")).payload), "late");
  connection.send(ack("puback", 2));
  await late;
  await leave(client, connection);
});

Deno.test("publish() counts the expiry of what waits, and drops what has expired", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected({ reconnect: { delayMsMin: 10_000 } });
  connection.cut();
  await server.clock.settle();
  const [brief, long] = [5, 60].map((messageExpiryInterval) => {
    return client.publish("a", "", { properties: { messageExpiryInterval } });
  });
  await server.clock.advance(10_000);
  const next = await server.accept();
  await next.welcome();
  await assertRejects(() => brief!.completed, TimeoutError);
  assertEquals((await next.receive("publish")).properties.messageExpiryInterval, 50);
  await long;
  await leave(client, next);
});

Deno.test("publish() of a closed client rejects, and close() rejects what has not left", async () => {
  const server = new FakeServer();
  const { client, connection } = await server.connected();
  const receipt = client.publish("a", "", { qos: 1 });
  await connection.receive("publish");
  const closing = client.close({ graceMs: 100 });
  await server.clock.advance(100);
  await connection.receive("disconnect");
  connection.close();
  await closing;
  await assertRejects(() => receipt.completed, DisconnectedError);
  await assertRejects(() => client.publish("a", "").left, DisconnectedError);
});
