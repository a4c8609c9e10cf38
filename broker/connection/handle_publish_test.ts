import { assertEquals, assertThrows } from "@std/assert";
import type { Authorizer } from "../../auth/authorizer.ts";
import {
  encodePacket,
  FixedHeader,
  PacketError,
  type Properties,
  ProtocolError,
  type QoS,
  ReasonCode,
} from "../../codec/mod.ts";
import { InboundWindow } from "../../flow/inbound_window.ts";
import { Receipt } from "../../log/receipt.ts";
import { Router } from "../../router/router.ts";
import type { Message } from "../base/message.ts";
import { Outcome } from "../delivery/delivery.ts";
import type { PublishBatch } from "../delivery/publish_batch.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { ClientAccess } from "../session/client_access.ts";
import { textOf } from "../testdata/messages.ts";
import {
  ackText,
  TestConnection,
  type TestConnectionOptions,
} from "../testdata/test_connection.ts";
import { handlePublish } from "./handle_publish.ts";
import { handlePublishBatch } from "./handle_publish_batch.ts";

const CLIENT = {
  clientId: "a",
  username: null,
  address: "192.0.2.1:5",
  protocolVersion: 5,
} as const;

/** A session as the handler sees it. */
class TestSession {
  readonly clientId = "a";
  readonly inbound = new InboundWindow();
  readonly changes: string[] = [];
  readonly queue = { markChanged: () => void this.changes.push("changed") };
  hasEnded = false;
  access: ClientAccess | null = null;

  durableAfter(): null {
    return null;
  }
}

/** What takes the messages; it tells each as topic, payload and QoS. */
class TestPublisher {
  readonly published: string[] = [];
  outcome: number = Outcome.delivered;
  room: Receipt | null = null;
  /** How many times the delivery has to be prepared before the next message. */
  parts = 0;

  prepare(): boolean {
    return this.parts === 0 || this.parts-- < 0;
  }

  publish(_route: unknown, message: Message) {
    const { name, qos, retain } = message;
    this.published.push(`${name} ${textOf(message)} ${qos}${retain ? " retain" : ""}`);
    return { outcome: this.outcome, room: this.room, commit: null };
  }

  publishBatch(batch: PublishBatch): Receipt | null {
    const texts = batch.messages().map((message) => textOf(message));
    this.published.push(`${batch.route.topic}: ${texts.join(" ")}`);
    return this.room;
  }
}

/** A connection with a session and a router, and a publisher that takes down what it gets. */
function world(options: Omit<TestConnectionOptions, "session" | "host"> = {}) {
  const session = new TestSession();
  const publisher = new TestPublisher();
  const memory = { admitsId: () => true, mayGrow: () => true, aliasBytes: 0 };
  const host = { router: new Router<Receiver>(), publisher, memory };
  const connection = new TestConnection({ ...options, session, host });
  const handle = (topic: string, payload: string, fields: Fields = {}) => {
    const bytes = frame(connection, topic, payload, fields);
    const header = new FixedHeader();
    header.read(bytes, 0, bytes.length);
    const { first, bodyStart, end } = header;
    return handlePublish(connection.asClient, first, bytes, bodyStart, end);
  };
  return { session, publisher, memory, connection, handle };
}

type Answer = boolean | Promise<boolean>;

interface Fields {
  qos?: QoS;
  packetId?: number;
  retain?: boolean;
  dup?: boolean;
  properties?: Properties;
}

function frame(
  { version }: TestConnection,
  topic: string,
  payload: string,
  { qos = 0, packetId = 7, retain = false, dup = false, properties = {} }: Fields = {},
): Uint8Array {
  return encodePacket({
    type: "publish",
    topic,
    payload: new TextEncoder().encode(payload),
    qos,
    packetId: qos === 0 ? 0 : packetId,
    retain,
    dup,
    properties,
  }, version);
}

function acks(connection: TestConnection): string[] {
  return connection.sent().map(ackText);
}

const { NoMatchingSubscribers, NotAuthorized, QuotaExceeded, Success } = ReasonCode;

Deno.test("handlePublish() publishes, and acknowledges as the QoS asks for [MQTT-4.3.2-4] [MQTT-4.3.3-8]", () => {
  const { connection, publisher, session, handle } = world();
  for (const qos of [0, 1, 2] as const) assertEquals(handle("t", "x", { qos, packetId: 7 }), null);
  assertEquals(publisher.published, ["t x 0", "t x 1", "t x 2"]);
  assertEquals(acks(connection), ["puback 7 0", "pubrec 7 0"]);
  assertEquals([session.inbound.has(7), session.changes], [true, ["changed"]]);
  const { messagesReceived, payloadBytesReceived } = connection.context.stats;
  assertEquals([messagesReceived, payloadBytesReceived], [3, 3]);
});

Deno.test("handlePublish() delivers a repeated QoS 2 message once [MQTT-4.3.3-10]", () => {
  const { connection, publisher, session, handle } = world();
  for (const dup of [false, true, false]) handle("t", "x", { qos: 2, dup });
  assertEquals(publisher.published, ["t x 2"]);
  assertEquals(acks(connection), ["pubrec 7 0", "pubrec 7 0", "pubrec 7 0"]);
  session.inbound.release(7);
  handle("t", "y", { qos: 2 });
  assertEquals(publisher.published, ["t x 2", "t y 2"]);
});

Deno.test("handlePublish() says in 5.0 that nobody subscribes to the topic (§3.4.2.1)", () => {
  for (const [version, code] of [[4, Success], [5, NoMatchingSubscribers]] as const) {
    const { connection, publisher, handle } = world({ version });
    publisher.outcome = Outcome.unmatched;
    handle("t", "x", { qos: 1 });
    assertEquals(acks(connection), [`puback 7 ${code}`]);
  }
});

Deno.test("handlePublish() tells the publisher of a refused message: 0x97, or in 3.x a close", () => {
  for (const qos of [1, 2] as const) {
    const five = world();
    five.publisher.outcome = Outcome.refused;
    five.handle("t", "x", { qos });
    const type = qos === 1 ? "puback" : "pubrec";
    assertEquals(acks(five.connection), [`${type} 7 ${QuotaExceeded}`]);
    assertEquals(five.session.inbound.has(7), false, "the identifier is free [MQTT-4.3.3-9]");
    const old = world({ version: 4 });
    old.publisher.outcome = Outcome.refused;
    old.handle("t", "x", { qos });
    assertEquals([acks(old.connection), old.connection.isOpen], [[], false]);
    assertEquals(old.connection.context.stats.messagesRefused, 1);
  }
});

Deno.test("handlePublish() returns what the next packet has to wait for", () => {
  const { publisher, handle } = world();
  publisher.room = new Receipt();
  for (const qos of [0, 1] as const) assertEquals(handle("t", "x", { qos }), publisher.room);
});

Deno.test("handlePublish() acknowledges nothing to a client whose session its message has ended", () => {
  const { connection, session, publisher, handle } = world();
  const publish = publisher.publish.bind(publisher);
  publisher.publish = (route, message) => {
    session.hasEnded = true;
    return publish(route, message);
  };
  handle("t", "x", { qos: 2 });
  assertEquals([publisher.published, acks(connection)], [["t x 2"], []]);
  assertEquals(session.inbound.has(7), false);
});

Deno.test("handlePublish() refuses a topic that is no topic name [MQTT-3.3.2-2] [MQTT-4.7.3-2]", () => {
  const { connection, publisher } = world();
  for (const character of ["+", "#", "\0"]) {
    const bytes = frame(connection, "a/b", "x");
    bytes[bytes.indexOf(0x62)] = character.charCodeAt(0);
    assertThrows(
      () => handlePublish(connection.asClient, 0x30, bytes, 2, bytes.length),
      PacketError,
    );
  }
  assertEquals(publisher.published, []);
});

Deno.test("handlePublish() refuses a QoS and a RETAIN that CONNACK has excluded [MQTT-3.2.2-11] [MQTT-3.2.2-14]", () => {
  const { publisher, handle } = world({ rules: { maximumQoS: 1, retainAvailable: false } });
  const qos = assertThrows(() => handle("t", "x", { qos: 2 }), ProtocolError);
  const retain = assertThrows(() => handle("t", "x", { retain: true }), ProtocolError);
  assertEquals([qos.reasonCode, retain.reasonCode], [
    ReasonCode.QoSNotSupported,
    ReasonCode.RetainNotSupported,
  ]);
  handle("t", "x", { qos: 1 });
  assertEquals(publisher.published, ["t x 1"]);
});

Deno.test("handlePublish() ends the connection of a client beyond Receive Maximum [MQTT-3.3.4-7]", () => {
  const { session, handle } = world({ rules: { receiveMaximum: 2 } });
  for (const packetId of [1, 2]) handle("t", "x", { qos: 2, packetId });
  // What it repeats is none more.
  handle("t", "x", { qos: 2, packetId: 1, dup: true });
  const error = assertThrows(() => handle("t", "x", { qos: 2, packetId: 3 }), ProtocolError);
  assertEquals([error.reasonCode, session.inbound.size], [ReasonCode.ReceiveMaximumExceeded, 2]);
  const lenient = world({ rules: { receiveMaximum: 1, lenient: true } });
  for (const packetId of [1, 2]) lenient.handle("t", "x", { qos: 2, packetId });
  assertEquals(lenient.session.inbound.size, 2);
  assertEquals(lenient.connection.context.stats.tolerated["receive-maximum"], 1);
});

Deno.test("handlePublish() remembers topic aliases, and forgets none of them [MQTT-3.3.2-8] [MQTT-3.3.2-9]", () => {
  const { publisher, handle } = world({ rules: { topicAliasMax: 2 } });
  handle("one", "1", { properties: { topicAlias: 1 } });
  handle("two", "2", { properties: { topicAlias: 2 } });
  handle("", "3", { properties: { topicAlias: 1 } });
  handle("new", "4", { properties: { topicAlias: 1 } });
  handle("", "5", { properties: { topicAlias: 1 } });
  assertEquals(publisher.published, ["one 1 0", "two 2 0", "one 3 0", "new 4 0", "new 5 0"]);
  const tooHigh = assertThrows(
    () => handle("three", "6", { properties: { topicAlias: 3 } }),
    ProtocolError,
  );
  assertEquals(tooHigh.reasonCode, ReasonCode.TopicAliasInvalid);
});

Deno.test("handlePublish() takes a topic alias for an error that the client has not set [MQTT-3.3.2-7]", () => {
  const { handle } = world({ rules: { topicAliasMax: 2 } });
  assertThrows(() => handle("", "x", { properties: { topicAlias: 2 } }), ProtocolError, "not set");
});

Deno.test("handlePublish() drops what is larger than the listener allows, and says so (payloadBytesMax)", () => {
  for (const [version, code] of [[4, Success], [5, QuotaExceeded]] as const) {
    const { connection, publisher, handle } = world({ version, rules: { payloadBytesMax: 3 } });
    handle("t", "123", { qos: 1, packetId: 1 });
    handle("t", "1234", { qos: 1, packetId: 2 });
    assertEquals(publisher.published, ["t 123 1"]);
    assertEquals(acks(connection), ["puback 1 0", `puback 2 ${code}`]);
    assertEquals(connection.context.stats.dropped["payload-too-large"], 1);
  }
});

Deno.test("handlePublish() drops what the client may not publish, in 3.x without a word [MQTT-3.3.5-2]", async () => {
  const authorizer: Authorizer = {
    mayPublish: (_client, { topic }) =>
      topic.startsWith("later/") ? Promise.resolve(topic === "later/open") : topic === "open",
    maySubscribe: () => true,
  };
  for (const [version, code] of [[4, Success], [5, NotAuthorized]] as const) {
    const { connection, session, publisher, handle } = world({ version });
    session.access = new ClientAccess(connection.context, authorizer, CLIENT);
    const topics = ["open", "secret", "later/open", "later/secret"];
    for (const [n, topic] of topics.entries()) {
      await handle(topic, "x", { qos: 1, packetId: n + 1 });
    }
    assertEquals(publisher.published, ["open x 1", "later/open x 1"]);
    assertEquals(acks(connection), [
      "puback 1 0",
      `puback 2 ${code}`,
      "puback 3 0",
      `puback 4 ${code}`,
    ]);
    assertEquals(connection.context.stats.dropped["not-authorized"], 2);
  }
});

Deno.test("handlePublish() takes nothing from a client that is gone when the authorizer answers", async () => {
  const answer = Promise.withResolvers<boolean>();
  const { connection, session, publisher, handle } = world();
  const authorizer = { mayPublish: () => answer.promise, maySubscribe: () => true };
  session.access = new ClientAccess(connection.context, authorizer, CLIENT);
  const done = handle("t", "x", { qos: 1 });
  connection.isOpen = false;
  answer.resolve(true);
  await done;
  assertEquals([publisher.published, acks(connection)], [[], []]);
});

Deno.test("handlePublish() takes no message to $SYS from a client", () => {
  const { connection, publisher, handle } = world();
  handle("$SYS/broker/uptime", "0", { qos: 1 });
  handle("$SYS/broker/connection/a/state", "1", { qos: 1, packetId: 8 });
  assertEquals(publisher.published, ["$SYS/broker/connection/a/state 1 1"]);
  assertEquals(acks(connection), [`puback 7 ${NotAuthorized}`, "puback 8 0"]);
});

Deno.test("handlePublish() refuses a QoS 2 message where there is no memory for its identifier", () => {
  const { connection, memory, publisher, handle } = world();
  memory.admitsId = () => false;
  handle("t", "x", { qos: 1, packetId: 1 });
  handle("t", "x", { qos: 2, packetId: 2 });
  assertEquals(publisher.published, ["t x 1"]);
  assertEquals(acks(connection), ["puback 1 0", `pubrec 2 ${QuotaExceeded}`]);
});

Deno.test("handlePublish() puts the mount point before the topic", () => {
  const { publisher, handle } = world({ rules: { mountPoint: "site/" } });
  handle("t", "x");
  assertEquals(publisher.published, ["site/t x 0"]);
});

/** Hands frames to {@linkcode handlePublishBatch}; returns how many bytes of them it took. */
function batch(
  { connection }: Pick<ReturnType<typeof world>, "connection">,
  ...frames: Uint8Array[]
) {
  const bytes = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const one of frames) {
    bytes.set(one, at);
    at += one.length;
  }
  return handlePublishBatch(connection.asClient, bytes, 0, bytes.length);
}

for (const version of [4, 5] as const) {
  Deno.test(`handlePublishBatch() takes frames to one topic together, in version ${version}`, () => {
    const { publisher, connection } = world({ version });
    const frames = ["1", "2", "x".repeat(200)].map((text) => frame(connection, "t", text));
    const { end, wait } = batch({ connection }, ...frames, frame(connection, "u", "4"));
    assertEquals([end, wait], [frames.reduce((sum, { length }) => sum + length, 0), null]);
    assertEquals(publisher.published, [`t: 1 2 ${"x".repeat(200)}`]);
    assertEquals(connection.context.stats.messagesReceived, 3);
    assertEquals(connection.context.stats.payloadBytesReceived, 202);
  });

  Deno.test(`handlePublishBatch() leaves every other frame to handlePublish(), in version ${version}`, () => {
    const all = world({ version, rules: { payloadBytesMax: 100 } });
    const { connection } = all;
    const others = [
      frame(connection, "t", "x", { qos: 1 }),
      frame(connection, "t", "x", { retain: true }),
      frame(connection, "$SYS/x", "x"),
      frame(connection, "t", "x".repeat(200)),
      ...version === 5 ? [frame(connection, "t", "x", { properties: { contentType: "a" } })] : [],
    ];
    for (const other of others) {
      const plain = frame(connection, "t", "1");
      assertEquals(batch(all, other, plain).end, 0);
      assertEquals(batch(all, plain, other).end, plain.length);
    }
  });
}

Deno.test("handlePublishBatch() takes no frame that is incomplete", () => {
  const all = world();
  const plain = frame(all.connection, "t", "payload");
  for (let cut = 1; cut < plain.length; cut++) {
    assertEquals(batch(all, plain, plain.subarray(0, cut)).end, plain.length);
  }
});

/** A world whose client is asked about; it tells the topics of the questions. */
function askedWorld(mayPublish: (topic: string, all: ReturnType<typeof world>) => Answer) {
  const all = world();
  const questions: string[] = [];
  const authorizer: Authorizer = {
    maySubscribe: () => true,
    mayPublish: (_, { topic, qos, retain, will }) => {
      assertEquals([qos, retain, will], [0, false, false]);
      questions.push(topic);
      return mayPublish(topic, all);
    },
  };
  all.session.access = new ClientAccess(all.connection.context, authorizer, CLIENT);
  const frames = (...topics: string[]) => topics.map((topic) => frame(all.connection, topic, "x"));
  return { ...all, questions, frames };
}

Deno.test("handlePublishBatch() asks the authorizer once about frames to one topic", () => {
  const all = askedWorld(() => true);
  const [first, ...others] = all.frames("t", "t", "t", "u");
  assertEquals(batch(all, first!, ...others).end, 3 * first!.length);
  assertEquals([all.questions, all.publisher.published], [["t"], ["t: x x x"]]);
});

Deno.test("handlePublishBatch() drops the frame that the authorizer refuses, and takes no other", () => {
  const all = askedWorld((topic) => topic !== "t");
  const [first, second] = all.frames("t", "t");
  assertEquals(batch(all, first!, second!), { end: first!.length, wait: null });
  assertEquals([all.questions, all.publisher.published], [["t"], []]);
  const { stats } = all.connection.context;
  assertEquals([stats.messagesReceived, stats.dropped["not-authorized"]], [1, 1]);
});

Deno.test("handlePublishBatch() takes one frame if the authorizer answers later", async () => {
  const answers = [true, false];
  const all = askedWorld(() => Promise.resolve(answers.shift()!));
  all.publisher.room = new Receipt();
  all.publisher.room.close();
  const [first, second] = all.frames("t", "t");
  for (const published of [["t x 0"], ["t x 0"]]) {
    const { end, wait } = batch(all, first!, second!);
    assertEquals(end, first!.length);
    await wait;
    assertEquals(all.publisher.published, published);
  }
  assertEquals(all.questions, ["t", "t"]);
  assertEquals(all.connection.context.stats.dropped["not-authorized"], 1);
});

Deno.test("handlePublishBatch() publishes nothing of a client that the authorizer disconnects", () => {
  const all = askedWorld((_, { connection }) => {
    connection.isOpen = false;
    return true;
  });
  const [first, second] = all.frames("t", "t");
  assertEquals(batch(all, first!, second!), { end: first!.length, wait: null });
  assertEquals([all.questions, all.publisher.published], [["t"], []]);
});

Deno.test("handlePublishBatch() asks again about nothing that a wide audience is not ready for", () => {
  const all = askedWorld((_, { publisher }) => {
    publisher.parts = 1;
    return false;
  });
  const [first] = all.frames("t");
  assertEquals(batch(all, first!), { end: first!.length, wait: null });
  assertEquals(all.questions, ["t"]);
});

Deno.test("handlePublishBatch() takes nothing of a program that transforms", () => {
  const all = world({ broker: { transform: () => null } });
  assertEquals(batch(all, frame(all.connection, "t", "x")).end, 0);
  assertEquals(all.publisher.published, []);
});

Deno.test("handlePublishBatch() returns what the next packet has to wait for", () => {
  const all = world();
  all.publisher.room = new Receipt();
  assertEquals(batch(all, frame(all.connection, "t", "x")).wait, all.publisher.room);
});
