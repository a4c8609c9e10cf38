/**
 * Streams that one node has for all: to clients of every node they are those of one broker.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Packet, QoS, UserProperty } from "../../codec/mod.ts";
import type { NodeClient, NodeClientOptions } from "./_client.ts";
import { Nodes, type NodesOptions } from "./_nodes.ts";

const DAY = { name: "day", filters: ["s/#"], maxMessages: 10_000 };

/** Two nodes, of which the first has the stream `day`, over `s/#`. */
function start(options: NodesOptions = {}): Promise<Nodes> {
  return Nodes.start(2, { streams: [DAY], ...options });
}

/** Publishes `from` to `to`, in turns by clients of both nodes. */
async function publish(nodes: Nodes, from: number, to: number, qos: QoS = 1): Promise<void> {
  const near = await nodes.client(0, `near${from}`);
  const far = await nodes.client(1, `far${from}`);
  for (let i = from; i <= to; i++) {
    const one = i % 2 === 0 ? near : far;
    one.publish("s/x", `${i}`, qos);
    await nodes.settle();
  }
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);
}

/** Subscribes by the properties of 5.0, and waits for the answer. */
async function subscribe(
  nodes: Nodes,
  client: NodeClient,
  filter: string,
  userProperties: UserProperty[] = [],
  qos: QoS = 1,
): Promise<readonly number[]> {
  const id = client.subscribe(filter, qos, {}, { userProperties });
  await nodes.until(() => client.subacks.has(id), `${filter} is answered`);
  return client.subacks.get(id)!;
}

/** The value of a user property of each message. */
function marks({ publishes }: NodeClient, name: string): (string | undefined)[] {
  return publishes.map(({ properties }) => {
    return properties.userProperties?.find(([key]) => key === name)?.[1];
  });
}

/** A client of the second node. */
function far(nodes: Nodes, options: NodeClientOptions = {}): Promise<NodeClient> {
  return nodes.client(1, "reader", options);
}

Deno.test("a stream has the messages of all nodes in one sequence, and every node reads it", async () => {
  await using nodes = await start();
  await publish(nodes, 1, 6);
  for (const node of [0, 1]) {
    const reader = await nodes.client(node, `reader${node}`);
    assertEquals(await subscribe(nodes, reader, "s/#", [["stream-offset", "earliest"]]), [1]);
    await nodes.settle();
    assertEquals(reader.texts, numbers(1, 6), `node ${node}`);
    assertEquals(marks(reader, "stream-seq"), numbers(1, 6), `node ${node}`);
  }
});

Deno.test("what comes later follows the history, once and in order, with each position", async () => {
  for (const [position, first] of [["after=2", 3], ["since=1h", 1], ["last=1", 4]] as const) {
    await using nodes = await start();
    await publish(nodes, 1, 4);
    const reader = await far(nodes);
    await subscribe(nodes, reader, "s/#", [["stream-offset", position]]);
    await publish(nodes, 5, 8);
    assertEquals(reader.texts, numbers(first, 8), position);
  }
});

Deno.test("SUBACK says what the stream has, wherever the client lives", async () => {
  await using nodes = await start();
  await publish(nodes, 1, 3);
  const reader = await far(nodes);
  await subscribe(nodes, reader, "s/#", [["stream-offset", "after=1"]]);
  const [suback] = reader.answers as (Packet & { type: "suback" })[];
  assertEquals(suback!.properties.userProperties, [
    ["stream-first", "1"],
    ["stream-last", "3"],
    ["stream-start", "2"],
  ]);
});

Deno.test("a client of 3.1.1 reads by a topic filter, beside ordinary ones", async () => {
  await using nodes = await start();
  await publish(nodes, 1, 2, 0);
  const reader = await far(nodes, { version: 4 });
  const plain = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  reader.send({
    type: "subscribe",
    packetId: 7,
    properties: {},
    subscriptions: [
      { filter: "other/a", ...plain },
      { filter: "$replay/day/earliest/s/#", ...plain, qos: 1 },
      { filter: "other/b", ...plain },
    ],
  });
  await nodes.until(() => reader.subacks.has(7), "it is answered");
  assertEquals(reader.subacks.get(7), [0, 1, 0]);
  const publisher = await nodes.client(0, "publisher");
  publisher.publish("other/b", "b", 0);
  await nodes.settle();
  assertEquals(reader.received.map(({ topic, text }) => `${topic} ${text}`).sort(), [
    "$replay/day/earliest/s/x 1",
    "$replay/day/earliest/s/x 2",
    "other/b b",
  ]);
});

Deno.test("what is wrong is refused as by one broker", async () => {
  await using nodes = await start();
  const reader = await far(nodes);
  assertEquals(await subscribe(nodes, reader, "s/#", [["stream-name", "none"]]), [0x83]);
  assertEquals(await subscribe(nodes, reader, "$replay/none/earliest/#"), [0x8f]);
  assertEquals(await subscribe(nodes, reader, "t/#", [["stream-offset", "earliest"]]), [0x83]);
  const reasons = reader.answers.map((packet) => {
    return packet.type === "suback" ? packet.properties.reasonString : "";
  });
  assertEquals(reasons[1], 'There is no stream "none"; there are: day');
  const old = await nodes.client(1, "old", { version: 4 });
  assertEquals(await subscribe(nodes, old, "$replay/none/earliest/#"), [0x80]);
});

Deno.test("Receive Maximum counts what both nodes send", async () => {
  await using nodes = await start();
  await publish(nodes, 1, 3);
  const reader = await far(nodes, { receiveMaximum: 1, acknowledges: false });
  reader.subscribe("t", 1);
  await nodes.settle();
  const publisher = await nodes.client(1, "publisher");
  publisher.publish("t", "ordinary", 1);
  await nodes.settle();
  // The answer is behind a message that the client takes only when it has acknowledged another one.
  reader.subscribe("s/#", 1, {}, { userProperties: [["stream-offset", "earliest"]] });
  const id = reader.subscribe("$replay/day/earliest/#", 1);
  await nodes.settle();
  assertEquals(reader.texts, ["ordinary"]);
  for (let i = 0; i < 7; i++) {
    const { packetId } = reader.publishes.at(-1)!;
    reader.send({ type: "puback", packetId, reasonCode: 0, properties: {} });
    await nodes.settle();
    assertEquals(reader.texts.length, Math.min(7, i + 2));
  }
  assertEquals(reader.subacks.get(id), [1]);
  assertEquals(reader.texts.toSorted(), ["1", "1", "2", "2", "3", "3", "ordinary"]);
});

for (const qos of [1, 2] as QoS[]) {
  Deno.test(`a lasting session goes on where it was, with QoS ${qos}`, async () => {
    await using nodes = await start({ commitMsMax: 5 });
    await publish(nodes, 1, 3);
    const before = await far(nodes, { isDurable: true, acknowledges: false, receiveMaximum: 2 });
    await subscribe(nodes, before, "s/#", [["stream-offset", "earliest"]], qos);
    await nodes.settle();
    assertEquals(before.texts, ["1", "2"]);
    before.cut();
    await publish(nodes, 4, 5);
    const after = await far(nodes, { isDurable: true });
    assertEquals(after.connack!.sessionPresent, true);
    await nodes.settle();
    assertEquals(after.texts, numbers(1, 5));
    assertEquals(after.received.map(({ dup }) => dup).slice(0, 3), [true, true, false]);
    assertEquals(after.answers, []);
  });
}

Deno.test("a session that reads goes on after each node was killed", async () => {
  await using nodes = await start({ commitMsMax: 5 });
  const lasting = { isDurable: true };
  const first = await far(nodes, lasting);
  await subscribe(nodes, first, "s/#", [["stream-offset", "earliest"]], 2);
  await publish(nodes, 1, 2);
  assertEquals(first.texts, ["1", "2"]);
  nodes.kill(0);
  await nodes.settle();
  // The client is told that something is wrong, and connects again while the stream is away.
  assertEquals(first.answers.at(-1)?.type, "disconnect");
  first.cut();
  const second = await far(nodes, { ...lasting, continues: first });
  const id = second.subscribe("s/y", 1, {}, { userProperties: [["stream-offset", "earliest"]] });
  await nodes.settle();
  assertEquals(second.subacks.get(id), [0x83]);
  const publisher = await nodes.client(1, "publisher");
  publisher.publish("s/x", "3", 1);
  await nodes.settle();
  assertEquals([publisher.acked.size, second.texts], [1, []]);
  await nodes.boot(0);
  nodes.linkAll();
  await nodes.untilJoined();
  await nodes.settle();
  assertEquals(second.texts, ["3"]);
  nodes.kill(1);
  await nodes.boot(1);
  nodes.linkAll();
  await nodes.untilJoined();
  const third = await far(nodes, { ...lasting, continues: second });
  await publish(nodes, 4, 5);
  assertEquals([third.connack!.sessionPresent, third.texts], [true, ["4", "5"]]);
});

Deno.test("a session that lasts no longer ends at the node of the stream, too", async () => {
  await using nodes = await start();
  const sessions = () => [...nodes.broker(0).nodePort.readers.readingClients];
  const first = await far(nodes, { isDurable: true });
  await subscribe(nodes, first, "s/#", [["stream-offset", "latest"]]);
  assertEquals(sessions(), ["reader"]);
  first.cut();
  await nodes.settle();
  assertEquals(sessions(), ["reader"]);
  // A clean start ends the session, and with it what reads for it.
  const second = await far(nodes);
  assertEquals(second.connack!.sessionPresent, false);
  await publish(nodes, 1, 1);
  assertEquals([sessions(), second.texts], [[], []]);
  await subscribe(nodes, second, "s/#", [["stream-offset", "earliest"]]);
  await nodes.settle();
  assertEquals([sessions(), second.texts], [["reader"], ["1"]]);
  second.cut();
  await nodes.settle();
  assertEquals(sessions(), []);
});

Deno.test("a take-over takes the reading of streams over", async () => {
  await using nodes = await start();
  await publish(nodes, 1, 2);
  const first = await far(nodes, { isDurable: true });
  await subscribe(nodes, first, "s/#", [["stream-offset", "earliest"]]);
  await nodes.settle();
  const second = await far(nodes, { isDurable: true });
  await publish(nodes, 3, 4);
  assertEquals([first.texts, second.texts], [["1", "2"], ["3", "4"]]);
});

Deno.test("UNSUBSCRIBE ends it, and an ordinary subscription takes its place", async () => {
  await using nodes = await start();
  const reader = await far(nodes);
  await subscribe(nodes, reader, "s/#", [["stream-offset", "earliest"]]);
  await publish(nodes, 1, 1);
  reader.unsubscribe("s/#");
  await nodes.settle();
  assertEquals(reader.answers.at(-1)?.type, "unsuback");
  await publish(nodes, 2, 2);
  assertEquals(reader.texts, ["1"]);
  await subscribe(nodes, reader, "s/#", [["stream-offset", "after=2"]]);
  await subscribe(nodes, reader, "s/#", []);
  await publish(nodes, 3, 3);
  assertEquals(reader.texts, ["1", "3"]);
  assertEquals(marks(reader, "stream-seq"), ["1", undefined]);
});

Deno.test("members of a group live on any node, and one takes over from another", async () => {
  await using nodes = await start();
  await publish(nodes, 1, 4);
  const near = await nodes.client(0, "near", { acknowledges: false, receiveMaximum: 2 });
  await subscribe(nodes, near, "$share/g/$replay/day/earliest/s/#");
  await nodes.settle();
  assertEquals(near.texts, ["1", "2"]);
  const reader = await far(nodes);
  await subscribe(nodes, reader, "$share/g/$replay/day/earliest/s/#");
  await nodes.settle();
  assertEquals(reader.texts, ["3", "4"]);
  const groups = () => nodes.broker(0).stream("day")!.groups();
  assertEquals(groups()[0]!.members.toSorted(), ["near", "reader"]);
  near.cut();
  await nodes.settle();
  assertEquals(reader.texts, ["3", "4", "1", "2"]);
  await publish(nodes, 5, 6);
  assertEquals([groups()[0]!.members, groups()[0]!.floor], [["reader"], 7]);
});

Deno.test("a member that refuses a message is named in the dead letter", async () => {
  const lost = { name: "lost", filters: [], maxMessages: 100 };
  await using nodes = await start({ streams: [lost, { ...DAY, dead: "lost" }] });
  await publish(nodes, 1, 1);
  const member = await far(nodes, { acknowledges: false });
  await subscribe(nodes, member, "$share/g/$replay/day/earliest/s/#");
  await nodes.settle();
  const { packetId } = member.publishes[0]!;
  member.send({ type: "puback", packetId, reasonCode: 0x83, properties: {} });
  await nodes.settle();
  const reader = await nodes.client(1, "other");
  await subscribe(nodes, reader, "$replay/lost/earliest/#");
  await nodes.settle();
  assertEquals(reader.texts, ["1"]);
  assertEquals(marks(reader, "dead-client"), ["reader"]);
  assertEquals(marks(reader, "dead-reason"), ["refused"]);
});

Deno.test("the rights of a client hold where the stream is, and by its own name", async () => {
  const authorizer = {
    mayPublish: () => true,
    maySubscribe: ({ clientId }: { clientId: string }) => clientId === "reader",
    mayReceive: (_: unknown, topic: string) => topic !== "s/secret",
  };
  await using nodes = await start({ broker: { authorizer } });
  const publisher = await nodes.client(1, "publisher");
  publisher.publish("s/secret", "hidden", 1);
  publisher.publish("s/x", "shown", 1);
  await nodes.settle();
  const reader = await far(nodes);
  assertEquals(await subscribe(nodes, reader, "$replay/day/earliest/s/#"), [1]);
  assertEquals(await subscribe(nodes, publisher, "$replay/day/earliest/s/#"), [0x87]);
  await nodes.settle();
  assertEquals([reader.texts, publisher.texts], [["shown"], []]);
});

Deno.test("what reads for a client of another node is no client", async () => {
  await using nodes = await start();
  const reader = await far(nodes);
  await subscribe(nodes, reader, "s/#", [["stream-offset", "earliest"]]);
  await publish(nodes, 1, 2);
  const { clients, sessions, messagesSent } = nodes.broker(0).stats;
  assertEquals([clients, sessions], [1, 1], "only the publisher of that node");
  assertEquals([messagesSent, nodes.broker(1).stats.messagesSent], [0, 2]);
});

Deno.test("No Local of a stream is refused where it cannot be had", async () => {
  await using nodes = await start();
  const reader = await far(nodes);
  const id = reader.subscribe("$replay/day/earliest/#", 1, { noLocal: true });
  await nodes.settle();
  assertEquals(reader.subacks.get(id), [0x83]);
});

Deno.test("a large message passes as it is", async () => {
  await using nodes = await start();
  const reader = await far(nodes);
  await subscribe(nodes, reader, "s/#", [["stream-offset", "earliest"]]);
  const publisher = await nodes.client(1, "publisher");
  const text = "0123456789".repeat(30_000);
  publisher.publish("s/x", text, 1);
  publisher.publish("s/x", "next", 1);
  await nodes.settle();
  assertEquals(reader.texts.map(({ length }) => length), [text.length, 4]);
  assertEquals(reader.texts[0], text);
});

Deno.test("what a member has acknowledged right before it leaves is not given again", async () => {
  await using nodes = await start({ commitMsMax: 5 });
  await publish(nodes, 1, 4);
  const member = await far(nodes, { isDurable: true, acknowledges: false });
  await subscribe(nodes, member, "$share/g/$replay/day/earliest/s/#");
  await nodes.settle();
  for (const { packetId } of member.publishes) {
    member.send({ type: "puback", packetId, reasonCode: 0, properties: {} });
  }
  member.send({ type: "disconnect", reasonCode: 0, properties: {} });
  await nodes.settle();
  assertEquals(nodes.broker(0).stream("day")!.groups()[0]!.floor, 5);
  nodes.kill(0);
  await nodes.boot(0);
  assertEquals(nodes.broker(0).stream("day")!.groups()[0]!.floor, 5);
});
