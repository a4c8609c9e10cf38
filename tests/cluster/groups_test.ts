/**
 * Shared subscriptions with members on several nodes: each message reaches one member in all
 * [MQTT-4.8.2-4].
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { QoS } from "../../codec/mod.ts";
import type { NodeClient } from "./_client.ts";
import { Nodes } from "./_nodes.ts";

/** Members of the group `$share/g/t/#` on some nodes. */
async function membersOn(nodes: Nodes, ...homes: number[]): Promise<NodeClient[]> {
  const members: NodeClient[] = [];
  for (const [i, home] of homes.entries()) {
    const member = await nodes.client(home, `member${i}`);
    member.subscribe("$share/g/t/#", 2);
    members.push(member);
  }
  await nodes.until(() => members.every(({ subacks }) => subacks.size === 1), "all subscribe");
  return members;
}

Deno.test("each message reaches one member of a group, on whatever node", async () => {
  await using nodes = await Nodes.start(3);
  const members = await membersOn(nodes, 1, 2);
  const ordinary = await nodes.client(1, "ordinary");
  ordinary.subscribe("t/#");
  await nodes.settle();
  const publisher = await nodes.client(0, "publisher");
  const sent: string[] = [];
  for (const qos of [0, 1, 2] as QoS[]) {
    for (let i = 0; i < 10; i++) {
      publisher.publish("t/x", `${qos} ${i}`, qos);
      sent.push(`${qos} ${i}`);
    }
  }
  await nodes.settle();
  assertEquals(members.flatMap(({ texts }) => texts).sort(), sent);
  assertEquals(members.map(({ texts }) => texts.length), [15, 15], "nodes take turns");
  assertEquals(ordinary.texts.sort(), sent);
});

Deno.test("members on the node of the publisher come first while they can take messages", async () => {
  await using nodes = await Nodes.start(2);
  const [near, far] = await membersOn(nodes, 0, 1) as [NodeClient, NodeClient];
  const publisher = await nodes.client(0, "publisher");
  publisher.publish("t", "near", 1);
  await nodes.settle();
  near.cut();
  await nodes.settle();
  publisher.publish("t", "far", 1);
  await nodes.settle();
  assertEquals([near.texts, far.texts], [["near"], ["far"]]);
});

Deno.test("a member that only another node has gets what a clean session has left", async () => {
  await using nodes = await Nodes.start(2);
  const far = await nodes.client(1, "far");
  const near = await nodes.client(0, "near", { acknowledges: false });
  near.subscribe("$share/g/t", 1);
  await nodes.settle();
  const publisher = await nodes.client(0, "publisher");
  publisher.publish("t", "left", 1);
  await nodes.settle();
  far.subscribe("$share/g/t", 1);
  await nodes.settle();
  near.cut();
  await nodes.settle();
  assertEquals([near.texts, far.texts], [["left"], ["left"]]);
});

Deno.test("a message for a group that has lost its members on a node goes on to another node", async () => {
  await using nodes = await Nodes.start(3);
  const [first] = await membersOn(nodes, 1) as [NodeClient];
  const publisher = await nodes.client(0, "publisher");
  // It is under way while the only member goes and another one comes elsewhere.
  const second = await nodes.client(2, "second");
  second.subscribe("$share/g/t/#", 1);
  await nodes.settle();
  nodes.cut(0, 2);
  await nodes.settle();
  first.acked.clear();
  publisher.publish("t/x", "goes on", 1);
  first.unsubscribe("$share/g/t/#");
  await nodes.settle();
  assertEquals([first.texts, second.texts].flat(), ["goes on"]);
});

Deno.test("a message for a group without any members left is dropped and counted", async () => {
  await using nodes = await Nodes.start(2, { conditions: { maxDelayMs: 50, windowBytes: 65_536 } });
  const [only] = await membersOn(nodes, 1) as [NodeClient];
  const publisher = await nodes.client(0, "publisher");
  publisher.publish("t/x", "late", 1);
  only.unsubscribe("$share/g/t/#");
  await nodes.settle();
  assertEquals(only.texts, []);
  assertEquals(nodes.broker(1).stats.dropped["session-ended"], 1);
  assertEquals([...publisher.acked.values()], [0]);
});

Deno.test("numeric and odd names of groups are told apart", async () => {
  await using nodes = await Nodes.start(2);
  const members: NodeClient[] = [];
  for (const name of ["1", "0", "ä", "constructor"]) {
    const member = await nodes.client(1, `member ${name}`);
    member.subscribe(`$share/${name}/t`, 1);
    members.push(member);
  }
  await nodes.settle();
  const publisher = await nodes.client(0, "publisher");
  publisher.publish("t", "one for each group", 1);
  await nodes.settle();
  for (const { texts } of members) assertEquals(texts, ["one for each group"]);
});

Deno.test("a QoS 0 message does not go back and forth between nodes whose members are all away", async () => {
  await using nodes = await Nodes.start(2, { conditions: { maxDelayMs: 1, windowBytes: 65_536 } });
  for (const node of [0, 1]) {
    const member = await nodes.client(node, `member${node}`, { isDurable: true });
    member.subscribe("$share/g/t", 1);
    await nodes.settle();
    member.cut();
  }
  const publisher = await nodes.client(0, "publisher");
  publisher.publish("t", "nobody is there", 0);
  await nodes.settle();
  assertEquals(nodes.broker(1).stats.dropped["session-ended"], 1);
});
