import { assert, assertEquals, assertThrows } from "@std/assert";
import { Subscription } from "../../router/subscription.ts";
import { numberKey } from "../../store/record.ts";
import type { Message } from "../base/message.ts";
import { messageLog } from "../delivery/backlog.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { JournalWorld } from "../testdata/journal_world.ts";
import { message, type MessageOptions, textOf, variant } from "../testdata/messages.ts";
import { testContext } from "../testdata/test_context.ts";
import { TestQueueOwner } from "../testdata/test_queue_owner.ts";
import { DurableQueue } from "./durable_queue.ts";
import { readSession } from "./session_record.ts";

/** A durable session, and the store that it is in. */
class QueueWorld {
  readonly context;
  readonly all: JournalWorld;
  readonly owner: TestQueueOwner;
  readonly queue: DurableQueue;
  /** Payloads that went to other members of a group. */
  readonly handedOver: string[] = [];
  /** Whether other members of a group take messages. */
  hasMembers = true;

  constructor(receiveMaximum?: number) {
    const { context, clock } = testContext();
    this.context = context;
    this.all = new JournalWorld(clock);
    const host = {
      context,
      journal: this.all.journal,
      delivery: { handOver: (message: Message) => this.#handOver(message) },
    };
    const id = this.all.journal.ids.newId();
    this.owner = new TestQueueOwner(
      context,
      (session) => new DurableQueue(host, session, id, false),
      receiveMaximum,
    );
    this.queue = this.owner.queue as DurableQueue;
  }

  push(payload: string, options: MessageOptions = {}, shared: string | null = null): Message {
    const pushed = message("t", payload, options).keep();
    this.queue.push(pushed, variant({ shared }));
    return pushed;
  }

  /** The row of the session in the store. */
  row() {
    const rows = this.all.store.snapshot().get("sessions") ?? [];
    const key = numberKey(this.queue.rows.id);
    const row = rows.find((row) => row.key.every((byte, i) => byte === key[i]));
    return row === undefined ? null : readSession(row.value);
  }

  #handOver(message: Message): boolean {
    if (this.hasMembers) this.handedOver.push(textOf(message));
    return this.hasMembers;
  }
}

Deno.test("DurableQueue is stored with its first commit, and pendingCommit tells which", async () => {
  const { queue, all } = new QueueWorld();
  assertEquals(queue.isStored, false);
  queue.markChanged();
  assertEquals(queue.pendingCommit, all.journal.gathering);
  await all.settle();
  assertEquals([queue.isStored, queue.pendingCommit, all.rows("sessions")], [true, null, 1]);
});

Deno.test("DurableQueue sends QoS 0 and 1 at once, in order, and stores QoS 1 in flight", async () => {
  const world = new QueueWorld();
  const { owner, queue, all } = world;
  world.push("x");
  world.push("y", { qos: 0 });
  assertEquals(queue.messages, 2);
  const link = owner.connect();
  owner.pump();
  assertEquals([link.taken(), queue.messages], [["x QoS 1 #1", "y QoS 0"], 0]);
  await all.settle();
  const { exchanges, lastId } = world.row()!;
  assertEquals([exchanges.map(({ packetId, phase }) => [packetId, phase]), lastId], [
    [[1, "puback"]],
    1,
  ]);
  owner.inflightMessages!.puback(1, 0);
  await all.settle();
  assertEquals([world.row()!.exchanges, all.rows("messages"), all.rows("entries")], [[], 0, 0]);
});

Deno.test("DurableQueue sends QoS 2, and later its PUBREL, when the disk has that", async () => {
  const world = new QueueWorld();
  const { owner, all } = world;
  world.push("x", { qos: 2 });
  const link = owner.connect();
  owner.pump();
  assertEquals(link.taken(), []);
  await all.settle();
  assertEquals([link.taken(), world.row()!.exchanges[0]!.phase], [["x QoS 2 #1"], "pubrec"]);
  owner.inflightMessages!.pubrec(1, 0);
  assertEquals(link.taken(), []);
  await all.settle();
  assertEquals([link.taken(), world.row()!.exchanges[0]!.phase], [["PUBREL #1"], "pubcomp"]);
  assertEquals(all.rows("messages"), 0);
  owner.inflightMessages!.pubrec(1, 0);
  assertEquals(link.taken(), ["PUBREL #1"]);
  owner.inflightMessages!.pubcomp(1);
  await all.settle();
  assertEquals(world.row()!.exchanges, []);
});

Deno.test("DurableQueue sends QoS 2 after the commit that succeeds, not after one that fails", async () => {
  const world = new QueueWorld();
  const { owner, all } = world;
  const link = owner.connect();
  await all.settle();
  world.push("x", { qos: 2 });
  owner.pump();
  await all.fail();
  assertEquals([link.taken(), world.queue.hasRoomFor(message("t", "y"))], [[], false]);
  await all.repair();
  assertEquals([link.taken(), world.queue.hasRoomFor(message("t", "y"))], [["x QoS 2 #1"], true]);
});

Deno.test("DurableQueue sends no more than the Receive Maximum allows [MQTT-3.3.4-9]", () => {
  const world = new QueueWorld(1);
  const { owner, queue } = world;
  world.push("x");
  world.push("y");
  const link = owner.connect();
  owner.pump();
  assertEquals([link.taken(), queue.messages], [["x QoS 1 #1"], 1]);
  owner.inflightMessages!.puback(1, 0);
  owner.pump();
  assertEquals([link.taken(), queue.messages], [["y QoS 1 #2"], 0]);
});

Deno.test("DurableQueue sends again what was in flight, first and with DUP [MQTT-4.4.0-1]", async () => {
  const world = new QueueWorld();
  const { owner, all } = world;
  world.push("one");
  owner.connect();
  owner.pump();
  await all.settle();
  owner.disconnect();
  world.push("two");
  const link = owner.connect();
  owner.pump();
  assertEquals(link.taken(), ["one QoS 1 #1 DUP", "two QoS 1 #2"]);
});

Deno.test("DurableQueue drops and counts messages that have expired [MQTT-3.3.2-5]", async () => {
  const world = new QueueWorld();
  world.push("old", { expirySeconds: 1 });
  world.push("new");
  await world.all.host.clock.advance(1000);
  const link = world.owner.connect();
  world.owner.pump();
  assertEquals([link.taken(), world.context.stats.dropped.expired], [["new QoS 1 #1"], 1]);
});

Deno.test("DurableQueue passes on what the client may no longer receive", () => {
  const world = new QueueWorld();
  world.push("x");
  world.owner.denied.add("t");
  const link = world.owner.connect();
  world.owner.pump();
  assertEquals([link.taken(), world.owner.passedOn, world.queue.messages], [[], ["x"], 0]);
});

Deno.test("DurableQueue does not send a message whose publisher was refused", () => {
  const world = new QueueWorld();
  world.push("refused").place!.isRevoked = true;
  world.push("x");
  const link = world.owner.connect();
  world.owner.pump();
  assertEquals(link.taken(), ["x QoS 1 #1"]);
});

Deno.test("DurableQueue merges its own log with shared logs in the order of publication [MQTT-4.6.0-6]", () => {
  const { queue, owner, all, ...world } = bound();
  const log = all.journal.newLog();
  const follows = { variant: variant(), onLeft() {}, onAttached() {} };
  assertEquals(queue.follow(log, follows), true);
  world.push("one");
  log.append(message("t", "two"));
  world.push("three");
  log.append(message("t", "four"));
  assertEquals(queue.messages, 4);
  const link = owner.connect();
  owner.pump();
  const payloads = link.taken().map((line) => line.split(" ")[0]);
  assertEquals(payloads, ["one", "two", "three", "four"]);
});

Deno.test("DurableQueue.leave() keeps what was appended until then, and tells the writer", () => {
  const { queue, all } = bound();
  const log = all.journal.newLog();
  let left = 0;
  const follows = { variant: variant(), onLeft: () => void left++, onAttached() {} };
  queue.follow(log, follows);
  log.append(message("t", "x"));
  queue.leave(follows);
  log.append(message("t", "y"));
  assertEquals([queue.messages, left], [1, 1]);
});

Deno.test("DurableQueue follows a limited number of logs, and makes room by leaving read ones", () => {
  const { queue, all } = bound();
  const follow = (hasMessage: boolean) => {
    const log = all.journal.newLog();
    const isDone = queue.follow(log, { variant: variant(), onLeft() {}, onAttached() {} });
    if (isDone && hasMessage) log.append(message("t", "x"));
    return isDone;
  };
  for (let i = 0; i < 127; i++) assert(follow(true));
  assertEquals([follow(false), follow(true), follow(true)], [true, true, false]);
});

Deno.test("DurableQueue follows no log that is not stored", () => {
  const { queue } = bound();
  const follows = { variant: variant(), onLeft() {}, onAttached() {} };
  assertThrows(() => queue.follow(messageLog(), follows), TypeError, "not stored");
});

Deno.test("DurableQueue.trim() passes the oldest messages", () => {
  const { queue, owner, ...world } = bound();
  for (const payload of ["a", "b", "c"]) world.push(payload);
  assertEquals([queue.trim(1, Infinity), queue.messages], [2, 1]);
  const link = owner.connect();
  owner.pump();
  assertEquals(link.taken(), ["c QoS 1 #1"]);
});

Deno.test("DurableQueue stores subscriptions that have changed, after a failed commit, too", async () => {
  const { queue, owner, all } = bound();
  owner.subscriptions.set(subscription("t/+"));
  queue.markSubscriptionChanged("t/+");
  await all.fail();
  assertEquals(all.rows("subscriptions"), 0);
  await all.repair();
  assertEquals(all.rows("subscriptions"), 1);
  owner.subscriptions.delete("t/+");
  queue.markSubscriptionChanged("t/+");
  await all.settle();
  assertEquals(all.rows("subscriptions"), 0);
});

Deno.test("DurableQueue stores when the client was disconnected, and nothing while it is connected", async () => {
  const { owner, all, ...world } = bound();
  await all.host.clock.advance(5000);
  owner.connect();
  await all.settle();
  assertEquals(world.row()!.disconnectedWallMs, 0);
  owner.disconnect();
  await all.settle();
  assertEquals(world.row()!.disconnectedWallMs, 5000);
});

Deno.test("DurableQueue.end() drops and counts its own messages, and removes its rows", async () => {
  const { queue, owner, all, context, ...world } = bound();
  owner.subscriptions.set(subscription("t"));
  queue.markSubscriptionChanged("t");
  world.push("x");
  await all.settle();
  assertEquals([[...queue.end()], context.stats.dropped["session-ended"]], [[], 1]);
  await all.settle();
  const tables = ["sessions", "subscriptions", "messages", "entries"] as const;
  assertEquals(tables.map((table) => all.rows(table)), [0, 0, 0, 0]);
});

Deno.test("DurableQueue.end() hands over shared messages, in flight and waiting [MQTT-4.8.2-4]", async () => {
  const { queue, owner, all, handedOver, ...world } = bound(1);
  world.push("sent", {}, "group");
  world.push("waiting", {}, "group");
  owner.connect();
  owner.pump();
  await all.settle();
  queue.end();
  assertEquals([handedOver, queue.messages], [["sent", "waiting"], 0]);
  await all.settle();
  assertEquals([all.rows("sessions"), all.rows("messages")], [0, 0]);
});

Deno.test("DurableQueue.end() drops shared messages that no other member takes", () => {
  const world = new QueueWorld();
  world.hasMembers = false;
  world.push("x", {}, "group");
  world.queue.end();
  assertEquals([world.handedOver, world.context.stats.dropped["session-ended"]], [[], 1]);
});

function subscription(filter: string): Subscription<Receiver> {
  return new Subscription({} as Receiver, filter, {
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    identifier: 0,
  });
}

/** The parts of a world, with methods that can be called on their own. */
function bound(receiveMaximum?: number) {
  const world = new QueueWorld(receiveMaximum);
  const { queue, owner, all, context, handedOver } = world;
  return {
    queue,
    owner,
    all,
    context,
    handedOver,
    push: world.push.bind(world),
    row: world.row.bind(world),
  };
}
