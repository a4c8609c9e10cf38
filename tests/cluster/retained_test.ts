/**
 * Retained messages are the same on all nodes: after changes at several of them at once, after a link
 * was down, and after a node was.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Broker } from "../../mod.ts";
import { Random } from "../harness/random.ts";
import { Nodes } from "./_nodes.ts";

/** The retained messages of a broker, by topic, without its own. */
function retainedOf({ inspection }: Broker): Record<string, string> {
  const all: Record<string, string> = {};
  for (const message of inspection.retained("#")) {
    if (message !== null) all[message.name] = new TextDecoder().decode(message.payload);
  }
  return Object.fromEntries(Object.entries(all).sort());
}

function retain(nodes: Nodes, node: number, topic: string, text: string): void {
  void nodes.broker(node).publish(topic, text, { retain: true, qos: 1 });
}

Deno.test("a retained message is sent to new subscribers of other nodes [MQTT-3.3.1-6]", async () => {
  await using nodes = await Nodes.start(3);
  const publisher = await nodes.client(0, "publisher");
  publisher.publish("a", "kept", 1, { retain: true });
  publisher.publish("b", "gone", 1, { retain: true });
  publisher.publish("b", "", 1, { retain: true });
  await nodes.settle();
  for (const node of [1, 2]) {
    const receiver = await nodes.client(node, `receiver${node}`);
    receiver.subscribe("#");
    await nodes.settle();
    assertEquals(
      receiver.received.map(({ topic, text, qos, retain }) => [topic, text, qos, retain]),
      [["a", "kept", 1, true]],
    );
  }
  assertEquals(nodes.errors, []);
});

Deno.test("a subscriber of another node gets a retained message once, as a new one [MQTT-3.3.1-12]", async () => {
  await using nodes = await Nodes.start(2);
  const receiver = await nodes.client(1, "receiver");
  receiver.subscribe("a");
  await nodes.settle();
  retain(nodes, 0, "a", "1");
  await nodes.settle();
  assertEquals(receiver.received.map(({ text, retain }) => [text, retain]), [["1", false]]);
});

Deno.test("properties and what is left of the expiry go with a retained message [MQTT-3.3.2-6]", async () => {
  await using nodes = await Nodes.start(2);
  void nodes.broker(0).publish("a", "x", {
    retain: true,
    qos: 2,
    properties: { messageExpiryInterval: 100, userProperties: [["k", "v"], ["k", "w"]] },
  });
  await nodes.clock.advance(40_500);
  const copy = nodes.broker(1).inspection.retainedCopy("a")!;
  assertEquals([copy.qos, copy.properties], [2, {
    messageExpiryInterval: 60,
    userProperties: [["k", "v"], ["k", "w"]],
  }]);
  await nodes.clock.advance(61_000);
  assertEquals(retainedOf(nodes.broker(0)), {});
  assertEquals(retainedOf(nodes.broker(1)), {});
});

Deno.test("changes at several nodes at once come to the same state on all", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    await using nodes = await Nodes.start(3, { seed });
    const random = new Random(seed);
    for (let i = 0; i < 200; i++) {
      const text = random.chance(0.3) ? "" : `${i}`;
      retain(nodes, random.integer(0, 2), `t${random.integer(0, 3)}`, text);
      if (random.chance(0.5)) await nodes.clock.advance(random.integer(0, 2));
      if (random.chance(0.05)) nodes.cut(0, random.integer(1, 2));
      if (random.chance(0.05)) nodes.linkAll();
    }
    nodes.linkAll();
    await nodes.untilJoined();
    await nodes.settle();
    const first = retainedOf(nodes.broker(0));
    assertEquals(retainedOf(nodes.broker(1)), first, `seed ${seed}`);
    assertEquals(retainedOf(nodes.broker(2)), first, `seed ${seed}`);
    assertEquals(nodes.errors, []);
  }
});

Deno.test("the last of many changes within a millisecond is the one that stays", async () => {
  await using nodes = await Nodes.start(2);
  for (let i = 0; i < 1000; i++) retain(nodes, 0, "a", `${i}`);
  await nodes.settle();
  assertEquals(retainedOf(nodes.broker(1)), { a: "999" });
});

Deno.test("a new subscriber gets what was acknowledged at another node before, whoever has subscribed", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    // What the two pipes of a link carry comes at different times.
    const conditions = { maxDelayMs: 50, windowBytes: 200 };
    await using nodes = await Nodes.start(2, { seed, conditions });
    const earlier = await nodes.client(1, "earlier");
    if (seed % 2 === 0) earlier.subscribe("t", 1);
    await nodes.settle();
    const publisher = await nodes.client(0, "publisher");
    for (let i = 0; i < 20; i++) publisher.publish(`t${i}`, "other", 0, { retain: true });
    publisher.publish("t", "old", 1, { retain: true });
    await nodes.settle();
    publisher.publish("t", "new", 1, { retain: true });
    await nodes.until(() => publisher.acked.size === 2, "it is acknowledged");
    if (seed % 4 === 0) await nodes.until(() => earlier.texts.at(-1) === "new", "it has arrived");
    const receiver = await nodes.client(1, "receiver");
    receiver.subscribe("t", 1);
    await nodes.settle();
    assertEquals(receiver.texts.at(-1), "new", `seed ${seed}`);
  }
});

Deno.test("a node that gets a message back from another one knows whose it was [MQTT-3.8.3-3]", async () => {
  await using nodes = await Nodes.start(2);
  const publisher = await nodes.client(0, "publisher");
  publisher.publish("a", "own", 1, { retain: true });
  await nodes.settle();
  nodes.kill(0);
  await nodes.boot(0);
  nodes.linkAll();
  await nodes.untilJoined();
  const again = await nodes.client(0, "publisher");
  again.subscribe("a", 1, { noLocal: true });
  const other = await nodes.client(0, "other");
  other.subscribe("a", 1, { noLocal: true });
  await nodes.settle();
  assertEquals([again.texts, other.texts], [[], ["own"]]);
});

Deno.test("the last of many changes within a millisecond is also the later one after a restart", async () => {
  const conditions = { maxDelayMs: 0, windowBytes: 65_536 };
  await using nodes = await Nodes.start(2, { commitMsMax: 0, conditions });
  for (let i = 0; i < 5; i++) retain(nodes, 0, "a", `${i}`);
  await nodes.clock.advance(0);
  assertEquals(retainedOf(nodes.broker(1)), { a: "4" });
  nodes.cut(0, 1);
  retain(nodes, 0, "a", "5");
  await nodes.settle();
  nodes.kill(0);
  await nodes.boot(0);
  nodes.linkAll();
  await nodes.untilJoined();
  await nodes.settle();
  assertEquals([retainedOf(nodes.broker(0)), retainedOf(nodes.broker(1))], [{ a: "5" }, {
    a: "5",
  }]);
});

for (const commitMsMax of [undefined, 5]) {
  const kind = commitMsMax === undefined ? "in memory" : "with its store";
  Deno.test(`a node that was down has the retained messages before it is joined, ${kind}`, async () => {
    await using nodes = await Nodes.start(3, commitMsMax === undefined ? {} : { commitMsMax });
    for (let i = 0; i < 3000; i++) retain(nodes, 0, `many/${i}`, `${i}`);
    for (const topic of ["same", "changed", "deleted"]) retain(nodes, 1, topic, "old");
    retain(nodes, 0, "$shop/open", "yes");
    await nodes.settle();
    nodes.kill(1);
    await nodes.settle();
    retain(nodes, 0, "changed", "new");
    retain(nodes, 2, "deleted", "");
    retain(nodes, 2, "added", "new");
    await nodes.settle();
    await nodes.boot(1);
    nodes.linkAll();
    await nodes.untilJoined();
    const all = retainedOf(nodes.broker(1));
    assertEquals(
      [all["same"], all["changed"], all["deleted"], all["added"], all["many/2999"]],
      ["old", "new", undefined, "new", "2999"],
    );
    assertEquals(all, retainedOf(nodes.broker(0)));
    assert(nodes.broker(1).inspection.retainedCopy("$shop/open") !== null);
    await nodes.settle();
    assertEquals(retainedOf(nodes.broker(2)), all);
    assertEquals(nodes.errors, []);
  });
}

Deno.test("what a node has no room for is counted there, and nothing else is disturbed", async () => {
  await using nodes = await Nodes.start(2);
  nodes.broker(1).changeLimits({ retainedMessagesMax: 1 });
  retain(nodes, 0, "a", "1");
  await nodes.settle();
  retain(nodes, 0, "b", "1");
  await nodes.settle();
  retain(nodes, 0, "a", "2");
  await nodes.settle();
  assertEquals(retainedOf(nodes.broker(1)), { a: "2" });
  assertEquals(nodes.broker(1).stats.dropped["retained-full"], 1);
  assert(nodes.cluster(0).isJoined);
});

Deno.test("the state of a broker below $SYS stays on its node", async () => {
  await using nodes = await Nodes.start(2);
  retain(nodes, 0, "$SYS/broker/version", "of node 0");
  await nodes.settle();
  assertEquals(nodes.broker(1).inspection.retainedCopy("$SYS/broker/version"), null);
});
