/**
 * Sessions move to the stores of another number of nodes: to clients it is as if nothing had been.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { readSession } from "../../broker/durable/session_record.ts";
import { ownerOf } from "../../cluster/client_owner.ts";
import type { StoreSnapshot } from "../../store/mod.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { move } from "./_move.ts";
import { Nodes } from "./_nodes.ts";

/** Enough for a log that they share. */
const CLIENTS = Array.from({ length: 12 }, (_, i) => `client ${i}`);
const DISK = { commitMsMax: 2 } as const;

/** What clients get that come back to nodes with these disks: all of them, and a new one. */
async function deliveries(disks: readonly StoreSnapshot[], clock: VirtualClock) {
  const count = disks.length;
  // A copy of the time, so that each has the same.
  const now = new VirtualClock();
  await now.advance(clock.now());
  await using nodes = await Nodes.start(count, { ...DISK, disks, clock: now });
  const newcomer = await nodes.client(ownerOf("newcomer", count), "newcomer");
  newcomer.subscribe("#");
  await nodes.settle();
  const found: Record<string, string[]> = {};
  for (const id of CLIENTS) {
    const client = await nodes.client(ownerOf(id, count), id, { isDurable: true });
    assert(client.connack!.sessionPresent, id);
    // What it has sent once, with QoS 2, and not released.
    client.publish("again", id, 2, { packetId: 77, dup: true });
    await nodes.settle();
    found[id] = client.received.map(({ topic, text, qos, dup }) =>
      `${topic} ${text} ${qos} ${dup}`
    );
  }
  await now.advance(200_000);
  found["newcomer"] = newcomer.received.map(({ topic, text, retain }) =>
    `${topic} ${text} ${retain}`
  );
  assertEquals(nodes.errors, []);
  return found;
}

/** A node with sessions of every kind, as its disk is after a power failure. */
async function disksOfOne(clock: VirtualClock): Promise<StoreSnapshot[]> {
  await using nodes = await Nodes.start(1, { ...DISK, clock });
  const program = await nodes.client(0, "publisher");
  for (const [i, id] of CLIENTS.entries()) {
    const client = await nodes.client(0, id, {
      isDurable: true,
      acknowledges: i % 3 > 0,
      receiveMaximum: 5,
    });
    client.subscribe("all/#", 2);
    client.subscribe(`own/${i}`, 1);
    if (i < 3) client.subscribe("$share/group/shared/#", 2);
    await nodes.settle();
  }
  program.publish("retained/a", "kept", 1, { retain: true });
  program.publish("retained/b", "gone", 1, { retain: true });
  program.publish("retained/b", "", 1, { retain: true });
  // Some is in flight to those that do not acknowledge.
  for (let n = 0; n < 4; n++) program.publish("all/x", `inflight ${n}`, n % 2 === 0 ? 1 : 2);
  await nodes.settle();
  nodes.kill(0);
  await nodes.boot(0);
  const again = await nodes.client(0, "publisher");
  for (let n = 0; n < 300; n++) {
    again.publish("all/y", `waits ${n}`, n % 3 === 0 ? 1 : 2);
    if (n % 10 === 0) again.publish(`own/${n / 10 % CLIENTS.length}`, `own ${n}`, 1);
    if (n % 20 === 0) again.publish("shared/z", `shared ${n}`, 2);
    if (n % 7 === 0) await nodes.clock.advance(3);
  }
  for (const id of CLIENTS) {
    const client = await nodes.client(0, id, { isDurable: true, acknowledges: false });
    client.publish("again", id, 2, { packetId: 77 });
    await nodes.clock.advance(4);
    client.cut();
  }
  const properties = { willDelayInterval: 100 };
  const payload = new TextEncoder().encode("gone");
  const will = { topic: "will", payload, qos: 1, retain: false, properties } as const;
  await nodes.client(0, "mortal", { isDurable: true, will });
  await nodes.settle();
  nodes.kill(0);
  return nodes.disks;
}

Deno.test("what clients get is the same after their sessions have moved from 1 to 2, 3 and 1 nodes", async () => {
  const clock = new VirtualClock();
  const one = await disksOfOne(clock);
  const expected = await deliveries(one, clock);
  assertEquals(expected["client 5"]!.filter((text) => text.startsWith("all/y")).length, 300);
  assert(expected["newcomer"]!.includes("will gone false"));
  const shared = CLIENTS.flatMap((id) =>
    expected[id]!.filter((text) => text.startsWith("shared/"))
  );
  assertEquals(shared.length, 15);
  assert(expected["client 3"]!.includes("all/x inflight 0 1 true"), "some was in flight");
  let disks: readonly StoreSnapshot[] = one;
  for (const count of [2, 3, 1]) {
    disks = await move(disks, count, clock);
    assertEquals(await deliveries(disks, clock), expected, `${count} nodes`);
  }
});

for (const count of [1, 2, 3]) {
  Deno.test(`what waits for another node comes once, after a move from 2 nodes to ${count}`, async () => {
    const clock = new VirtualClock();
    await using nodes = await Nodes.start(2, { ...DISK, clock });
    const ids = ["first", "second", "third", "fourth"];
    for (const id of ids) {
      const client = await nodes.client(ownerOf(id, 2), id, { isDurable: true });
      client.subscribe("t", 2);
      client.subscribe("$share/group/s", 2);
      await nodes.settle();
      client.cut();
    }
    const publishers = await Promise.all([0, 1].map((node) => nodes.client(node, `from ${node}`)));
    const publish = (round: string) => {
      for (let n = 0; n < 20; n++) {
        for (const [node, publisher] of publishers.entries()) {
          publisher.publish("t", `${round} ${node} ${n}`, n % 2 === 0 ? 1 : 2);
          publisher.publish("s", `${round} ${node} ${n}`, 2);
        }
      }
    };
    // Some is on its way when the link is cut, and the rest waits for another one.
    publish("under way");
    await nodes.clock.advance(5);
    nodes.cut(0, 1);
    publish("waiting");
    await nodes.settle();
    for (const publisher of publishers) assertEquals(publisher.acked.size, 80);
    nodes.kill(0);
    nodes.kill(1);
    const disks = await move(nodes.disks, count, clock);
    await using after = await Nodes.start(count, { ...DISK, clock, disks });
    const shared: string[] = [];
    for (const id of ids) {
      const client = await after.client(ownerOf(id, count), id, { isDurable: true });
      await after.settle();
      const texts = client.received.filter(({ topic }) => topic === "t").map(({ text }) => text);
      assertEquals(texts.length, 80, id);
      for (const node of [0, 1]) {
        const own = texts.filter((text) => text.includes(` ${node} `));
        const inOrder = ["under way", "waiting"].flatMap((round) =>
          Array.from({ length: 20 }, (_, n) => `${round} ${node} ${n}`)
        );
        assertEquals(own, inOrder, id);
      }
      shared.push(...client.received.filter(({ topic }) => topic === "s").map(({ text }) => text));
    }
    assertEquals(shared.length, 80);
    assertEquals(new Set(shared).size, 80);
    assertEquals([...nodes.errors, ...after.errors], []);
  });
}

Deno.test("of two retained messages of a topic every store gets the later one, also from one node", async () => {
  const clock = new VirtualClock();
  await using nodes = await Nodes.start(2, { ...DISK, clock });
  const [one, other] = await Promise.all([0, 1].map((node) => nodes.client(node, `on ${node}`)));
  one!.publish("t", "old", 1, { retain: true });
  other!.publish("u", "there", 1, { retain: true });
  await nodes.settle();
  // The first node does not learn of it any more.
  nodes.cut(0, 1);
  other!.publish("t", "new", 1, { retain: true });
  await nodes.settle();
  nodes.kill(0);
  nodes.kill(1);
  let { disks } = nodes;
  for (const [count, change] of [[1, "single"], [3, null]] as const) {
    disks = await move(disks, count, clock);
    for (const [node, disk] of disks.entries()) {
      const texts = disk.get("retained")!.map(({ value }) => new TextDecoder().decode(value));
      assertEquals(texts.length, 2, `node ${node} of ${count}`);
      assert(texts[0]!.includes(count === 1 ? "new" : "single"), `node ${node} of ${count}`);
    }
    if (change === null) return;
    await using alone = await Nodes.start(count, { ...DISK, clock, disks });
    const client = await alone.client(0, "alone");
    client.publish("t", change, 1, { retain: true });
    await alone.settle();
    alone.kill(0);
    disks = alone.disks;
  }
});

Deno.test("messages of a shared group that a session hands over when it ends are not lost by a move", async () => {
  let wasLeaving = 0;
  for (let step = 0, isDone = false; !isDone; step++) {
    const clock = new VirtualClock();
    await using nodes = await Nodes.start(1, { ...DISK, clock, seed: step + 1 });
    for (const id of ["ends", "stays"]) {
      const client = await nodes.client(0, id, { isDurable: true });
      client.subscribe("$share/group/s", 2);
      await nodes.settle();
      client.cut();
    }
    const publisher = await nodes.client(0, "publisher");
    for (let n = 0; n < 10; n++) publisher.publish("s", `${n}`, 2);
    await nodes.settle();
    nodes.kill(0);
    await nodes.boot(0);
    // Its session ends, so its messages go to the other member.
    const connecting = nodes.client(0, "ends");
    let steps = 0;
    isDone = !await clock.advanceUntil(() => steps++ >= step, 5000);
    await connecting;
    nodes.kill(0);
    const { disks } = nodes;
    for (const { value } of disks[0]!.get("sessions")!) {
      if (readSession(value).isLeaving) wasLeaving++;
    }
    const moved = await move(disks, 2, clock);
    await using after = await Nodes.start(2, { ...DISK, clock, disks: moved });
    const texts: string[] = [];
    for (const id of ["stays", "ends"]) {
      const client = await after.client(ownerOf(id, 2), id, { isDurable: true });
      await after.settle();
      texts.push(...client.texts);
    }
    assertEquals(texts.sort(), Array.from({ length: 10 }, (_, n) => `${n}`), `${step} steps`);
    assertEquals([...nodes.errors, ...after.errors], []);
  }
  assert(wasLeaving > 0, "some move came while messages were handed over");
});

Deno.test("a message that a session shares with a stream moves with the session", async () => {
  const clock = new VirtualClock();
  await using nodes = await Nodes.start(1, { ...DISK, clock });
  await nodes.broker(0).declareStream({ name: "log", filters: ["t/#"], maxMessages: 1000 });
  const ids = ["first", "second", "third", "fourth"];
  for (const id of ids) {
    const client = await nodes.client(0, id, { isDurable: true });
    client.subscribe("t/#", 2);
    await nodes.settle();
    client.cut();
  }
  const publisher = await nodes.client(0, "publisher");
  const texts = Array.from({ length: 50 }, (_, n) => `text ${n}`);
  for (const text of texts) publisher.publish("t/x", text, 1);
  await nodes.settle();
  nodes.kill(0);
  let { disks } = nodes;
  for (const count of [2, 3, 1]) {
    disks = await move(disks, count, clock);
    assertEquals(
      disks.map((disk) => disk.get("streams")!.length > 0),
      disks.map((_, i) => i === 0),
    );
    await using after = await Nodes.start(count, { ...DISK, clock, disks });
    for (const id of ids) {
      const client = await after.client(ownerOf(id, count), id, { isDurable: true });
      await after.settle();
      assertEquals(client.texts, texts, `${id} of ${count}`);
    }
    assertEquals([...nodes.errors, ...after.errors], []);
  }
});
