/**
 * A retained message that was deleted stays deleted on all nodes: whichever node is killed after the
 * acknowledgement, and however long another one was down.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { moveStores } from "../../broker/durable/moving/move_stores.ts";
import { readDeletion } from "../../broker/durable/retained_deletion_row.ts";
import { Broker } from "../../mod.ts";
import { MemoryStore, type StoreSnapshot } from "../../store/mod.ts";
import { Random } from "../harness/random.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { BEGAN_MS } from "../sim/life.ts";
import type { NodeClient } from "./_client.ts";
import { Nodes } from "./_nodes.ts";

const DISK = { commitMsMax: 5 } as const;
const DAY_MS = 24 * 3600 * 1000;

function textOf({ inspection }: Broker, topic: string): string | null {
  const copy = inspection.retainedCopy(topic);
  return copy === null ? null : new TextDecoder().decode(copy.payload);
}

/** Topics that are stored as deleted. */
function deletionsOn(disk: StoreSnapshot): string[] {
  const rows = disk.get("retained") ?? [];
  const deleted = rows.filter(({ value }) => readDeletion(value) !== null);
  return deleted.map(({ key }) => new TextDecoder().decode(key));
}

/** Publishes a retained message; an empty one deletes. Resolves when it is acknowledged. */
async function retain(nodes: Nodes, client: NodeClient, topic: string, text: string) {
  const before = client.acked.size;
  client.publish(topic, text, 1, { retain: true });
  await nodes.until(() => client.acked.size > before, "it is acknowledged");
}

/** Restarts a node, and joins it with the others. */
async function restart(nodes: Nodes, ...killed: number[]): Promise<void> {
  for (const node of killed) await nodes.boot(node);
  nodes.linkAll();
  await nodes.untilJoined();
  await nodes.settle();
}

Deno.test("a deletion that was acknowledged is not undone if its node is killed before any other has heard of it", async () => {
  await using nodes = await Nodes.start(2, DISK);
  const client = await nodes.client(0, "client");
  await retain(nodes, client, "a", "x");
  await nodes.settle();
  nodes.cut(0, 1);
  await retain(nodes, client, "a", "");
  nodes.kill(0);
  assertEquals(textOf(nodes.broker(1), "a"), "x");
  await restart(nodes, 0);
  assertEquals([0, 1].map((node) => textOf(nodes.broker(node), "a")), [null, null]);
  assertEquals(nodes.errors, []);
});

for (const [span, downMs] of [["an hour", DAY_MS / 24], ["six days", 6 * DAY_MS]] as const) {
  Deno.test(`a node that was down for ${span} does not bring a deleted message back, even if the other one has restarted`, async () => {
    await using nodes = await Nodes.start(2, DISK);
    const client = await nodes.client(0, "client");
    await retain(nodes, client, "a", "x");
    await retain(nodes, client, "$shop/open", "x");
    await nodes.settle();
    nodes.kill(1);
    await retain(nodes, client, "a", "");
    await retain(nodes, client, "$shop/open", "");
    await nodes.clock.advance(downMs / 2);
    nodes.kill(0);
    await nodes.clock.advance(downMs / 2);
    await restart(nodes, 0, 1);
    for (const node of [0, 1]) {
      for (const topic of ["a", "$shop/open"]) {
        assertEquals(textOf(nodes.broker(node), topic), null);
      }
    }
    // Both have stored the deletions, which are old, so the rows of the messages go, too.
    nodes.kill(1);
    assertEquals(nodes.disks[1]!.get("retained") ?? [], []);
    await restart(nodes, 1);
    for (const topic of ["a", "$shop/open"]) assertEquals(textOf(nodes.broker(1), topic), null);
  });
}

Deno.test("a deletion that another node does not know goes after seven days, or when the topic has a message again", async () => {
  await using nodes = await Nodes.start(2, DISK);
  const client = await nodes.client(0, "client");
  nodes.kill(1);
  for (const topic of ["a", "b"]) {
    await retain(nodes, client, topic, "x");
    await retain(nodes, client, topic, "");
  }
  await retain(nodes, client, "b", "again");
  await nodes.settle();
  nodes.kill(0);
  assertEquals(deletionsOn(nodes.disks[0]!), ["a"]);
  await nodes.boot(0);
  await nodes.clock.advance(4 * DAY_MS);
  nodes.kill(0);
  assertEquals(deletionsOn(nodes.disks[0]!), ["a"]);
  await nodes.clock.advance(4 * DAY_MS);
  await nodes.boot(0);
  await nodes.settle();
  assertEquals(textOf(nodes.broker(0), "b"), "again");
  assertEquals(nodes.broker(0).stats.storeRowsLost, 0);
  nodes.kill(0);
  assertEquals(nodes.disks[0]!.get("retained")!.length, 1, "only the message is left");
});

Deno.test("a deletion that all nodes have stored goes after ten minutes, with the next one", async () => {
  await using nodes = await Nodes.start(3, DISK);
  const client = await nodes.client(0, "client");
  for (const text of ["x", ""]) await retain(nodes, client, "a", text);
  await nodes.settle();
  await nodes.clock.advance(601_000);
  for (const node of [0, 1, 2]) nodes.broker(node).publish("b", "", { retain: true, qos: 1 });
  await nodes.settle();
  for (const node of [0, 1, 2]) nodes.kill(node);
  for (const disk of nodes.disks) assertEquals(deletionsOn(disk), ["b"]);
});

Deno.test("a deletion stays while one node has not stored it, whatever the others have", async () => {
  await using nodes = await Nodes.start(3, DISK);
  const client = await nodes.client(0, "client");
  await retain(nodes, client, "a", "x");
  await nodes.settle();
  nodes.kill(2);
  await retain(nodes, client, "a", "");
  await nodes.clock.advance(DAY_MS / 24);
  await retain(nodes, client, "b", "");
  await nodes.settle();
  for (const node of [0, 1]) {
    nodes.kill(node);
    assertEquals(deletionsOn(nodes.disks[node]!), ["a", "b"]);
  }
  await restart(nodes, 0, 1, 2);
  // All have it now. The node that was down has the message no more when the others forget that.
  await retain(nodes, await nodes.client(0, "again"), "c", "");
  await nodes.settle();
  nodes.kill(2);
  await restart(nodes, 2);
  assertEquals([0, 1, 2].map((node) => textOf(nodes.broker(node), "a")), [null, null, null]);
});

Deno.test("a deletion goes on to a node that its own node does not reach", async () => {
  await using nodes = await Nodes.start(3, DISK);
  const client = await nodes.client(0, "client");
  await retain(nodes, client, "a", "x");
  await nodes.settle();
  nodes.cut(0, 2);
  await retain(nodes, client, "a", "");
  await nodes.settle();
  assertEquals([1, 2].map((node) => textOf(nodes.broker(node), "a")), [null, null]);
});

Deno.test("a node deletes a message that has not arrived there yet", async () => {
  await using nodes = await Nodes.start(2, DISK);
  const [one, other] = [await nodes.client(0, "one"), await nodes.client(1, "other")];
  nodes.cut(0, 1);
  await retain(nodes, one, "a", "x");
  await nodes.clock.advance(5);
  await retain(nodes, other, "a", "");
  nodes.kill(1);
  await restart(nodes, 1);
  assertEquals([0, 1].map((node) => textOf(nodes.broker(node), "a")), [null, null]);
});

Deno.test("a broker that is no node stores no deletions, and starts with those of a node", async () => {
  const clock = new VirtualClock();
  await using nodes = await Nodes.start(1, { ...DISK, clock });
  const client = await nodes.client(0, "client");
  for (const topic of ["deleted", "again"]) await retain(nodes, client, topic, "");
  nodes.kill(0);
  const [disk] = nodes.disks;
  assertEquals(deletionsOn(disk!).sort(), ["again", "deleted"]);

  const store = MemoryStore.from(disk!);
  const wallClock = () => BEGAN_MS + clock.now();
  const broker = await Broker.open(store, { clock, wallClock });
  await broker.publish("again", "x", { retain: true, qos: 1 });
  await broker.publish("new", "x", { retain: true, qos: 1 });
  for (const topic of ["new", "again", "absent"]) {
    await broker.publish(topic, "", { retain: true, qos: 1 });
  }
  await clock.advance(100);
  assertEquals(broker.stats.storeRowsLost, 0);
  assertEquals(deletionsOn(store.snapshot()), ["deleted"]);
  assertEquals(store.snapshot().get("retained")!.length, 1);
  const closed = broker.close({ graceMs: 0 });
  await clock.advance(10_000);
  await closed;
});

for (const count of [1, 3]) {
  Deno.test(`a message that one of two stores has and the other one has deleted is gone after a move to ${count}`, async () => {
    const clock = new VirtualClock();
    await using nodes = await Nodes.start(2, { ...DISK, clock });
    const clients = await Promise.all([0, 1].map((node) => nodes.client(node, `on ${node}`)));
    for (const topic of ["a", "b"]) await retain(nodes, clients[0]!, topic, "old");
    await nodes.settle();
    nodes.cut(0, 1);
    await retain(nodes, clients[0]!, "a", "");
    await retain(nodes, clients[1]!, "b", "");
    await nodes.clock.advance(5);
    await retain(nodes, clients[0]!, "b", "new");
    nodes.kill(0);
    nodes.kill(1);
    const to = Array.from({ length: count }, () => new MemoryStore());
    await moveStores(nodes.disks.map((disk) => MemoryStore.from(disk)), to, () => 0);
    for (const store of to) {
      const rows = store.snapshot().get("retained")!;
      assertEquals(rows.map(({ key }) => new TextDecoder().decode(key)), ["b"]);
      assert(new TextDecoder().decode(rows[0]!.value).includes("new"));
    }
  });
}

Deno.test("the last acknowledged state of a topic is that of all nodes, whichever are killed and cut", async () => {
  let [deletions, kills] = [0, 0];
  for (let seed = 1; seed <= 25; seed++) {
    const random = new Random(seed);
    const count = random.integer(2, 3);
    await using nodes = await Nodes.start(count, { ...DISK, seed });
    const clients: NodeClient[] = [];
    const enter = async (node: number, round: number) => {
      clients[node] = await nodes.client(node, `at ${node} in ${round}`);
    };
    for (let node = 0; node < count; node++) await enter(node, 0);
    /** The state of each topic that was acknowledged last. */
    const promised = new Map<string, string | null>();
    for (let round = 1; round <= 40; round++) {
      const node = random.integer(0, count - 1);
      const topic = `t${random.integer(0, 3)}`;
      const text = random.chance(0.5) ? "" : `${round}`;
      // What was acknowledged is earlier than what a client does after that.
      await nodes.clock.advance(1);
      await retain(nodes, clients[node]!, topic, text);
      promised.set(topic, text === "" ? null : text);
      if (text === "") deletions++;
      if (random.chance(0.3)) nodes.cut(0, random.integer(1, count - 1));
      if (random.chance(0.3)) {
        const killed = random.chance(0.5) ? node : random.integer(0, count - 1);
        kills++;
        nodes.kill(killed);
        if (random.chance(0.3)) await nodes.clock.advance(random.integer(0, DAY_MS / 12));
        await nodes.boot(killed);
        await enter(killed, round);
      }
      if (random.chance(0.3)) nodes.linkAll();
      if (random.chance(0.3)) await nodes.clock.advance(random.integer(0, 20));
    }
    nodes.linkAll();
    await nodes.untilJoined();
    await nodes.settle();
    for (const [topic, text] of promised) {
      for (let node = 0; node < count; node++) {
        assertEquals(textOf(nodes.broker(node), topic), text, `seed ${seed} ${topic} at ${node}`);
      }
    }
    assertEquals(nodes.errors, []);
  }
  assert(deletions > 300 && kills > 200, `${deletions} deletions, ${kills} kills`);
});
