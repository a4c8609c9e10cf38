/**
 * What is published at one node reaches the subscribers of all: with its QoS, once, in order, and by
 * one way only.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { encodePacket, type QoS } from "../../codec/mod.ts";
import type { NodeClient } from "./_client.ts";
import { Nodes } from "./_nodes.ts";

Deno.test("a message reaches subscribers of other nodes, with its QoS", async () => {
  for (const count of [2, 3]) {
    await using nodes = await Nodes.start(count);
    const receivers: NodeClient[] = [];
    for (let node = 0; node < count; node++) {
      const receiver = await nodes.client(node, `receiver${node}`);
      receiver.subscribe("a/#");
      receivers.push(receiver);
    }
    await nodes.until(() => receivers.every(({ subacks }) => subacks.size > 0), "all subscribe");
    const publisher = await nodes.client(0, "publisher");
    for (const qos of [0, 1, 2] as const) publisher.publish("a/b", `q${qos}`, qos);
    await nodes.settle();
    for (const receiver of receivers) {
      assertEquals(
        receiver.received.map(({ text, qos }) => [text, qos]),
        [["q0", 0], ["q1", 1], ["q2", 2]],
      );
    }
    assertEquals([...publisher.acked.values()], [0, 0]);
    assertEquals(nodes.errors, []);
  }
});

Deno.test("a message is sent to a node with no more than the QoS of its subscribers", async () => {
  await using nodes = await Nodes.start(2);
  const receiver = await nodes.client(1, "receiver");
  receiver.subscribe("a", 0);
  receiver.subscribe("b", 1);
  await nodes.until(() => receiver.subacks.size === 2, "it subscribes");
  const publisher = await nodes.client(0, "publisher");
  publisher.publish("a", "to a", 2);
  publisher.publish("b", "to b", 2);
  await nodes.settle();
  assertEquals(receiver.received.map(({ text, qos }) => [text, qos]), [["to a", 0], ["to b", 1]]);
  const { stats, inspection } = nodes.broker(0);
  assertEquals([stats.sessions, [...inspection.sessions()].length], [1, 1], "nodes are no clients");
});

Deno.test("what came by a link goes on by no other", async () => {
  await using nodes = await Nodes.start(3);
  const receivers: NodeClient[] = [];
  for (const node of [0, 1, 2]) {
    const receiver = await nodes.client(node, `receiver${node}`);
    receiver.subscribe("#");
    receivers.push(receiver);
  }
  await nodes.settle();
  for (const [node, receiver] of receivers.entries()) receiver.publish("t", `from ${node}`, 1);
  await nodes.settle();
  for (const { texts } of receivers) assertEquals(texts.sort(), ["from 0", "from 1", "from 2"]);
});

Deno.test("SUBACK comes when every other node knows the subscription", async () => {
  await using nodes = await Nodes.start(3, {
    conditions: { maxDelayMs: 500, windowBytes: 65_536 },
  });
  const receiver = await nodes.client(0, "receiver");
  const publisher = await nodes.client(2, "publisher");
  receiver.subscribe("t");
  await nodes.until(() => receiver.subacks.size === 1, "it is subscribed");
  publisher.publish("t", "right after SUBACK", 0);
  await nodes.settle();
  assertEquals(receiver.texts, ["right after SUBACK"]);
});

Deno.test("SUBACK does not wait for a node whose link ends", async () => {
  await using nodes = await Nodes.start(2, {
    conditions: { maxDelayMs: 500, windowBytes: 65_536 },
  });
  const receiver = await nodes.client(0, "receiver");
  receiver.subscribe("t");
  await nodes.clock.settle();
  assertEquals(receiver.subacks.size, 0);
  nodes.cut(0, 1);
  await nodes.clock.settle();
  assertEquals(receiver.subacks.size, 1);
});

Deno.test("messages of one publisher keep their order, whatever their QoS and the link", async () => {
  await using nodes = await Nodes.start(2, { conditions: { maxDelayMs: 10, windowBytes: 100 } });
  const receiver = await nodes.client(1, "receiver");
  receiver.subscribe("t");
  await nodes.settle();
  const publisher = await nodes.client(0, "publisher");
  const sent: string[] = [];
  for (let i = 0; i < 200; i++) {
    publisher.publish("t", `${i}`, i % 3 === 0 ? 2 : 1);
    sent.push(`${i}`);
  }
  await nodes.until(() => receiver.texts.length === sent.length, "all arrive");
  assertEquals(receiver.texts, sent);
});

Deno.test("a message does not overtake another because its node wants a lower QoS meanwhile", async () => {
  for (const commitMsMax of [undefined, 20]) {
    await using nodes = await Nodes.start(2, {
      conditions: { maxDelayMs: 5, windowBytes: 50 },
      ...(commitMsMax === undefined ? {} : { commitMsMax }),
    });
    const loose = await nodes.client(1, "loose");
    const exact = await nodes.client(1, "exact");
    loose.subscribe("t", 0);
    exact.subscribe("t", 2);
    await nodes.settle();
    const publisher = await nodes.client(0, "publisher");
    const sent: string[] = [];
    for (let i = 0; i < 60; i++) {
      if (i === 20) exact.unsubscribe("t");
      publisher.publish("t", `${i}`, 2);
      sent.push(`${i}`);
      await nodes.clock.advance(1);
    }
    await nodes.settle();
    assertEquals(loose.texts, sent);
  }
});

Deno.test("QoS 0 messages of any version reach clients of any version", async () => {
  await using nodes = await Nodes.start(2);
  const receivers: NodeClient[] = [];
  for (const version of [4, 5] as const) {
    const receiver = await nodes.client(1, `receiver${version}`, { version });
    receiver.subscribe("t", 0);
    receivers.push(receiver);
  }
  await nodes.settle();
  for (const version of [4, 5] as const) {
    const publisher = await nodes.client(0, `publisher${version}`, { version });
    for (let i = 0; i < 3; i++) publisher.publish("t", `${version} ${i}`, 0);
    await nodes.settle();
  }
  for (const { texts } of receivers) {
    assertEquals(texts, ["4 0", "4 1", "4 2", "5 0", "5 1", "5 2"]);
  }
});

Deno.test("bursts of QoS 0 messages reach clients of any version, whatever the link takes at once", async () => {
  // So many subscribers that they share what is written, and one that has a Subscription Identifier.
  for (const windowBytes of [100, 65_536]) {
    await using nodes = await Nodes.start(2, { conditions: { maxDelayMs: 2, windowBytes } });
    const receivers: NodeClient[] = [];
    for (let i = 0; i < 20; i++) {
      const receiver = await nodes.client(1, `receiver${i}`, { version: i % 2 === 0 ? 4 : 5 });
      receiver.subscribe("+/t", 0);
      receivers.push(receiver);
    }
    const numbered = await nodes.client(1, "numbered", { version: 5 });
    const properties = { subscriptionIdentifiers: [7] };
    const options = {
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    } as const;
    const subscriptions = [{ filter: "a/t", ...options }];
    numbered.send({ type: "subscribe", packetId: 9, properties, subscriptions });
    await nodes.settle();
    const sent: string[] = [];
    for (const version of [4, 5] as const) {
      const publisher = await nodes.client(0, `publisher${version}`, { version });
      // More than a run may have, with payloads around each length of a fixed header.
      const texts = Array.from({ length: 300 }, (_, i) => `${version} ${i} ${"x".repeat(i)}`);
      const plain = { type: "publish", qos: 0, retain: false, dup: false, packetId: 0 } as const;
      for (const topic of ["a/t", "b/t"]) {
        const payloads = texts.map((text) => new TextEncoder().encode(text));
        publisher.sendTogether(
          ...payloads.map((payload) => ({ ...plain, topic, payload, properties: {} })),
        );
        sent.push(...texts.map((text) => `${topic} ${text}`));
        await nodes.settle();
      }
    }
    for (const { received } of [...receivers, numbered]) {
      const wanted = received === numbered.received
        ? sent.filter((one) => one.startsWith("a"))
        : sent;
      assertEquals(received.map(({ topic, text }) => `${topic} ${text}`), wanted);
    }
    assertEquals(nodes.errors, []);
  }
});

Deno.test("a client cannot send what nodes send to each other", async () => {
  await using nodes = await Nodes.start(2);
  const receiver = await nodes.client(0, "receiver");
  receiver.subscribe("t", 0);
  for (const version of [4, 5] as const) {
    const client = await nodes.client(0, `client${version}`, { version });
    const frame = encodePacket({
      type: "publish",
      topic: "t",
      payload: new Uint8Array(1),
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
      properties: {},
    }, version);
    const head = [0x36 | (version === 5 ? 1 : 0), 12 + frame.length];
    client.sendBytes(
      Uint8Array.of(...head, 0, 0, 0, 1, 0, 0, 0, frame.length, 0, 0, 0, 2, ...frame),
    );
    await nodes.settle();
    assertEquals(nodes.broker(0).stats.sessions, 1, "MQTT-3.3.1-4");
  }
  assertEquals(receiver.texts, []);
});

Deno.test("a filter without a subscriber is forgotten by other nodes", async () => {
  await using nodes = await Nodes.start(2);
  const one = await nodes.client(1, "one");
  const two = await nodes.client(1, "two");
  one.subscribe("t", 1);
  two.subscribe("t", 2);
  await nodes.settle();
  const publisher = await nodes.client(0, "publisher");
  const filters = () => nodes.broker(0).nodePort.subscriptions;
  assertEquals(filters(), 1);
  two.cut();
  await nodes.settle();
  assertEquals(filters(), 1);
  one.unsubscribe("t");
  await nodes.settle();
  assertEquals(filters(), 0);
  const id = publisher.publish("t", "nobody", 1);
  await nodes.settle();
  assertEquals(publisher.acked.get(id), 0x10, "No matching subscribers");
});

Deno.test("subscriptions that were there before the link count from the link on", async () => {
  await using nodes = await Nodes.start(2);
  nodes.cut(0, 1);
  await nodes.settle();
  const receiver = await nodes.client(1, "receiver");
  for (let i = 0; i < 10_000; i++) receiver.subscribe(`device/${i}/+`, (i % 3) as QoS);
  const program = nodes.broker(1).subscribe("program/#");
  await nodes.settle();
  nodes.linkAll();
  await nodes.untilJoined();
  assertEquals(nodes.broker(0).nodePort.subscriptions, 10_001);
  await nodes.broker(0).publish("device/77/x", "to 77", { qos: 1 });
  await nodes.broker(0).publish("program/x", "to the program");
  await nodes.settle();
  assertEquals(receiver.texts, ["to 77"]);
  const { value } = await program.next();
  assertEquals(new TextDecoder().decode(value!.payload), "to the program");
});

Deno.test("a node says nothing about itself to others", async () => {
  await using nodes = await Nodes.start(2);
  const receiver = await nodes.client(1, "receiver");
  receiver.subscribe("$SYS/#");
  await nodes.settle();
  await nodes.broker(0).publish("$SYS/broker/x", "mine");
  await nodes.settle();
  assertEquals(receiver.texts, []);
});

Deno.test("messages that come by a link are not counted as those of clients", async () => {
  const published: string[] = [];
  await using nodes = await Nodes.start(2, {
    broker: { hooks: { published: ({ topic }) => published.push(topic) } },
  });
  const receiver = await nodes.client(1, "receiver");
  receiver.subscribe("t", 1, { retainAsPublished: true });
  await nodes.settle();
  const publisher = await nodes.client(0, "publisher");
  publisher.publish("t", "kept", 1, { retain: true });
  publisher.publish("t", "loose", 0);
  await nodes.settle();
  assertEquals(receiver.received.map(({ text, retain }) => [text, retain]), [
    ["kept", true],
    ["loose", false],
  ]);
  assertEquals(published, ["t", "t"]);
  const { clients, connections, messagesReceived } = nodes.broker(1).stats;
  assertEquals([clients, connections, messagesReceived], [1, 1, 0]);
  const { messagesReceived: taken, messagesSent: sent } = nodes.broker(0).stats;
  assertEquals([taken, sent], [2, 0]);
});

Deno.test("nodes of clusters of different sizes are not joined", async () => {
  await using nodes = await Nodes.start(2);
  const { Cluster } = await import("../../cluster/cluster.ts");
  const { memoryPipe } = await import("../../bridge/memory_pipe.ts");
  const [m0, m1] = memoryPipe();
  const [c0, c1] = memoryPipe();
  const other = new Cluster(nodes.broker(1).nodePort, { node: 1, nodes: 3 });
  const one = nodes.cluster(0).join(1, { messages: m0, control: c0 });
  const two = other.join(0, { messages: m1, control: c1 });
  assertEquals(await one.whenJoined(), false);
  assertEquals(await two.whenJoined(), false);
  const errors = [await one.whenEnded(), await two.whenEnded()].map(String);
  assertEquals(errors.filter((text) => text.includes("of 3 at the link")).length, 1);
  other.close();
});
