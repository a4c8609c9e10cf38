/**
 * Nodes with stores that are killed between any two steps, and started again: nothing acknowledged is
 * lost, and no QoS 2 message comes twice.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { NodeClient } from "./_client.ts";
import { Nodes } from "./_nodes.ts";

const TEXTS = ["1 a", "2 a", "1 b", "2 b"] as const;

/** Steps after which nothing is left to do. */
const STEPS_MAX = 400;

/** Publishes what is not acknowledged; again, if it was sent before. */
function publish(publisher: NodeClient, acked: ReadonlyMap<number, number>, dup: boolean): void {
  for (const [i, text] of TEXTS.entries()) {
    const packetId = i + 1;
    const qos = text.startsWith("1") ? 1 : 2;
    if (!acked.has(packetId)) publisher.publish("t", text, qos, { packetId, dup });
  }
}

for (const victim of [0, 1]) {
  const whose = victim === 0 ? "publisher" : "subscriber";
  Deno.test(`the node of the ${whose} is killed after any number of steps`, async () => {
    let wasDone = false;
    let step = 0;
    for (; !wasDone; step++) {
      assert(step < STEPS_MAX, "it comes to an end");
      await using nodes = await Nodes.start(2, { seed: step + 1, commitMsMax: 3 });
      const before = await nodes.client(1, "receiver", { isDurable: true });
      before.subscribe("t", 2);
      await nodes.settle();
      const first = await nodes.client(0, "publisher", { isDurable: true });
      publish(first, new Map(), false);
      let steps = 0;
      wasDone = !await nodes.clock.advanceUntil(() => steps++ >= step, 5000);
      nodes.kill(victim);
      await nodes.boot(victim);
      nodes.linkAll();
      await nodes.untilJoined();
      let [receiver, publisher] = [before, first];
      if (victim === 1) {
        receiver = await nodes.client(1, "receiver", { isDurable: true, continues: before });
      } else {
        publisher = await nodes.client(0, "publisher", { isDurable: true });
        publish(publisher, first.acked, true);
      }
      await nodes.settle();
      const texts = receiver === before ? before.texts : [...before.texts, ...receiver.texts];
      assertEquals([...new Set(texts)].sort(), [...TEXTS].sort(), `after ${step} steps`);
      for (const text of TEXTS) {
        const count = texts.filter((one) => one === text).length;
        assert(text.startsWith("1") || count === 1, `${text} comes ${count} times (${step} steps)`);
      }
      assertEquals(nodes.errors, []);
    }
    assert(step > 20, `there are ${step} steps`);
  });
}

Deno.test("a durable subscriber gets what was published elsewhere while its node was down", async () => {
  await using nodes = await Nodes.start(3, { commitMsMax: 2 });
  const before = await nodes.client(2, "receiver", { isDurable: true });
  before.subscribe("t", 1);
  await nodes.settle();
  nodes.kill(2);
  const publisher = await nodes.client(0, "publisher");
  for (let i = 0; i < 5; i++) publisher.publish("t", `${i}`, 1);
  await nodes.settle();
  assertEquals(publisher.acked.size, 5);
  // The node that keeps them is killed, too.
  nodes.kill(0);
  await nodes.boot(0);
  await nodes.boot(2);
  nodes.linkAll();
  await nodes.untilJoined();
  const receiver = await nodes.client(2, "receiver", { isDurable: true, continues: before });
  await nodes.settle();
  assertEquals(receiver.texts, ["0", "1", "2", "3", "4"]);
  assertEquals(receiver.connack!.sessionPresent, true);
});

Deno.test("SUBACK means that retained messages come, although the node is killed then", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    // The commit with the subscription is over before the other node knows it.
    const conditions = { maxDelayMs: 50, windowBytes: 65_536 };
    await using nodes = await Nodes.start(2, { seed, commitMsMax: 1, conditions });
    const publisher = await nodes.client(seed % 2, "publisher");
    const topics = Array.from({ length: 50 }, (_, i) => `t/${i}`);
    for (const topic of topics) publisher.publish(topic, topic, 1, { retain: true });
    await nodes.until(() => publisher.acked.size === topics.length, "all is acknowledged");
    const options = { isDurable: true, receiveMaximum: 1 };
    const before = await nodes.client(1, "receiver", options);
    before.subscribe("t/#", 1);
    await nodes.until(() => before.subacks.size === 1, "it is subscribed");
    nodes.kill(1);
    await nodes.boot(1);
    nodes.linkAll();
    await nodes.untilJoined();
    const receiver = await nodes.client(1, "receiver", { ...options, continues: before });
    await nodes.settle();
    const texts = new Set([...before.texts, ...receiver.texts]);
    assertEquals([...texts].sort(), topics.toSorted(), `seed ${seed}`);
  }
});

Deno.test("SUBACK means that a node which is killed then still knows the subscription", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    await using nodes = await Nodes.start(2, { seed, commitMsMax: 50 });
    const before = await nodes.client(1, "receiver", { isDurable: true });
    before.subscribe("t", 1);
    await nodes.until(() => before.subacks.size === 1, "it is subscribed");
    nodes.kill(0);
    nodes.kill(1);
    // Nobody can tell it of the subscription.
    await nodes.boot(0);
    const publisher = await nodes.client(0, "publisher");
    publisher.publish("t", "while it was down", 1);
    await nodes.settle();
    await nodes.boot(1);
    nodes.linkAll();
    await nodes.untilJoined();
    const receiver = await nodes.client(1, "receiver", { isDurable: true, continues: before });
    await nodes.settle();
    assertEquals(receiver.texts, ["while it was down"]);
  }
});

Deno.test("a link that is cut and made again loses nothing, also without a store", async () => {
  await using nodes = await Nodes.start(2);
  const receiver = await nodes.client(1, "receiver");
  receiver.subscribe("t", 2);
  await nodes.settle();
  const publisher = await nodes.client(0, "publisher");
  const sent: string[] = [];
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 5; i++) {
      publisher.publish("t", `${round} ${i}`, 2);
      sent.push(`${round} ${i}`);
    }
    await nodes.clock.advance(round % 7);
    nodes.cut(0, 1);
    await nodes.clock.advance(round % 3);
    nodes.linkAll();
    await nodes.clock.advance(round % 5);
  }
  await nodes.settle();
  assertEquals(receiver.texts, sent);
  assertEquals(nodes.errors, []);
});

Deno.test("a node that has lost its store, after any number of steps, is a new one to the others", async () => {
  for (let step = 0; step < 60; step++) {
    await using nodes = await Nodes.start(2, { seed: step + 1 });
    const receiver = await nodes.client(1, "receiver");
    receiver.subscribe("t", 2);
    await nodes.settle();
    const publisher = await nodes.client(0, "publisher");
    for (let i = 0; i < 10; i++) publisher.publish("t", `before ${i}`, 2);
    let steps = 0;
    await nodes.clock.advanceUntil(() => steps++ >= step, 5000);
    // Without a store it begins anew, with the packet identifiers that node 1 has seen.
    nodes.kill(0);
    await nodes.boot(0);
    nodes.linkAll();
    await nodes.untilJoined();
    const again = await nodes.client(0, "publisher");
    for (let i = 0; i < 10; i++) again.publish("t", `after ${i}`, 2);
    await nodes.settle();
    const after = receiver.texts.filter((text) => text.startsWith("after"));
    assertEquals(after.length, 10, `after ${step} steps`);
    assertEquals(again.acked.size, 10);
  }
});

Deno.test("a filter that has gone while the link was down is forgotten with the next link", async () => {
  await using nodes = await Nodes.start(2, { commitMsMax: 2 });
  const receiver = await nodes.client(1, "receiver");
  receiver.subscribe("a", 1);
  receiver.subscribe("b", 1);
  await nodes.settle();
  nodes.cut(0, 1);
  receiver.unsubscribe("a");
  receiver.subscribe("c", 1);
  await nodes.settle();
  assertEquals(nodes.broker(0).nodePort.subscriptions, 2);
  nodes.linkAll();
  await nodes.settle();
  const publisher = await nodes.client(0, "publisher");
  for (const topic of ["a", "b", "c"]) publisher.publish(topic, topic, 1);
  await nodes.settle();
  assertEquals(receiver.texts, ["b", "c"]);
  assertEquals([...publisher.acked.values()], [0x10, 0, 0], "nobody is subscribed to a");
});

Deno.test("a full backlog for a node that is down drops what is new, and keeps the session", async () => {
  await using nodes = await Nodes.start(2, { broker: { limits: { backlogMessagesMax: 5 } } });
  const receiver = await nodes.client(1, "receiver");
  receiver.subscribe("t", 2);
  await nodes.settle();
  nodes.cut(0, 1);
  await nodes.settle();
  const publisher = await nodes.client(0, "publisher");
  for (let i = 0; i < 8; i++) publisher.publish("t", `${i}`, 2);
  await nodes.settle();
  assertEquals(nodes.broker(0).stats.dropped.backlog, 3);
  nodes.linkAll();
  await nodes.settle();
  assertEquals(receiver.texts, ["0", "1", "2", "3", "4"]);
});
