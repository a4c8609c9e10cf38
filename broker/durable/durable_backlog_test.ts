import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { Variant } from "../../router/variant.ts";
import type { MessageFollows } from "../delivery/backlog.ts";
import { JournalWorld } from "../testdata/journal_world.ts";
import { message, type MessageOptions, textOf, variant } from "../testdata/messages.ts";
import { DurableBacklog } from "./durable_backlog.ts";
import type { DurableLog } from "./durable_log.ts";
import { readerOf } from "./log_reader.ts";
import { LOST_VARIANT, PAGE_ENTRIES } from "./message_page.ts";

/** The most logs that a backlog reads. */
const READERS_MAX = 128;

/** A backlog, the store that its logs are in, and what it tells its session. */
class World {
  readonly all = new JournalWorld();
  readonly backlog: DurableBacklog;
  /** How many logs of its own the session was asked for. */
  ownLogs = 0;
  /** How often a changed position was to be stored. */
  changes = 0;
  /** How often an entry was loaded. */
  loads = 0;
  /** The log that the session was asked for last. */
  own: DurableLog | null = null;

  constructor() {
    this.backlog = new DurableBacklog({
      newLog: () => {
        this.ownLogs++;
        return this.own = this.all.journal.newLog();
      },
      markChanged: () => this.changes++,
      onLoaded: () => this.loads++,
    });
  }

  /** Adds a message for this session alone. */
  push(payload: string, options: Partial<Variant> = {}): void {
    this.backlog.push(message("t", payload).keep(), variant(options));
  }

  /** A log that this session follows, and how it learns of the end of that. */
  follow(options: Partial<Variant> = {}) {
    const log = this.all.journal.newLog();
    const follows = new TestFollows(variant(options));
    this.backlog.follow(this.all.journal.starts.add(1, log, follows.variant), follows);
    const append = (payload: string, options: MessageOptions = {}) =>
      log.append(message("t", payload, options).keep());
    return { log, follows, append };
  }

  /** The payload of the next message; `null` for none. */
  peek(): string | null {
    const entry = this.backlog.peek();
    return entry === null ? null : textOf(entry.message!);
  }

  /** Takes all messages that are loaded. */
  readAll(): string[] {
    const texts: string[] = [];
    for (let text = this.peek(); text !== null; text = this.peek()) {
      texts.push(text);
      this.backlog.shift();
    }
    return texts;
  }

  /** Has all pages of a log only in the store. */
  async evict(log: DurableLog): Promise<void> {
    await this.all.settle();
    for (let page = log.firstPage; page !== null; page = page.next!) page.evict();
  }
}

class TestFollows implements MessageFollows {
  left = 0;
  attached = 0;

  constructor(readonly variant: Variant) {}

  onLeft(): void {
    this.left++;
  }

  onAttached(): void {
    this.attached++;
  }
}

Deno.test("DurableBacklog reads its own log and those that it follows in the order of publication", () => {
  const world = new World();
  const a = world.follow();
  const b = world.follow();
  a.append("1");
  world.push("2");
  b.append("3");
  world.push("4");
  a.append("5");
  assertEquals(world.backlog.messages, 5);
  assertEquals([world.readAll(), world.backlog.messages], [["1", "2", "3", "4", "5"], 0]);
});

Deno.test("DurableBacklog has the flags of a message from its log, or from the message itself", () => {
  const world = new World();
  const shared = world.follow({ identifiers: [1] });
  shared.append("x");
  world.push("y", { identifiers: [2] });
  const found: unknown[] = [];
  while (world.peek() !== null) {
    found.push(world.backlog.variant.identifiers);
    world.backlog.shift();
  }
  assertEquals(found, [[1], [2]]);
});

Deno.test("DurableBacklog sends with QoS 1 what the store has lost the flags of", () => {
  const world = new World();
  const cursor = world.all.journal.newLog().cursor();
  world.backlog.restore(readerOf(cursor, null, null));
  cursor.log.append(message("t", "x"));
  assertEquals(world.peek(), "x");
  assertStrictEquals(world.backlog.variant, LOST_VARIANT);
});

Deno.test("DurableBacklog asks for a log of its own when it needs one, and again after it was read", () => {
  const world = new World();
  world.follow().append("x");
  assertEquals(world.ownLogs, 0);
  world.push("y");
  world.push("z");
  assertEquals(world.ownLogs, 1);
  world.backlog.clear();
  world.push("again");
  assertEquals([world.ownLogs, world.readAll()], [2, ["again"]]);
});

Deno.test("DurableBacklog counts messages and bytes of all logs", () => {
  const world = new World();
  const one = message("t", "x").weight;
  world.push("x");
  const { append } = world.follow();
  append("y");
  append("z");
  assertEquals([world.backlog.messages, world.backlog.bytes], [3, 3 * one]);
  world.peek();
  world.backlog.shift();
  assertEquals([world.backlog.messages, world.backlog.bytes], [2, 2 * one]);
});

Deno.test("DurableBacklog.shift() removes a message from the store, take() when it is released", async () => {
  const world = new World();
  const kept = () => world.all.rows("messages");
  world.push("x");
  await world.all.settle();
  world.push("y");
  await world.all.settle();
  world.peek();
  const hold = world.backlog.take();
  assertEquals([world.peek(), textOf(hold.entry!.message!)], ["y", "x"]);
  world.backlog.shift();
  await world.all.settle();
  assertEquals(kept() > 0, true);
  hold.release();
  await world.all.settle();
  assertEquals([kept(), world.all.rows("entries")], [0, 0]);
});

Deno.test("DurableBacklog.leave() keeps what was appended so far, and tells the writer once", () => {
  const world = new World();
  const a = world.follow();
  const b = world.follow();
  a.append("1");
  world.backlog.leave(a.follows);
  world.backlog.leave(a.follows);
  a.append("not for this session");
  b.append("2");
  assertEquals([a.follows.left, b.follows.left], [1, 0]);
  world.backlog.leave();
  b.append("nor this");
  assertEquals([a.follows.left, b.follows.left], [1, 1]);
  assertEquals(world.readAll(), ["1", "2"]);
});

Deno.test("DurableBacklog.leave() does not leave the session's own log", () => {
  const world = new World();
  world.push("1");
  world.backlog.leave();
  world.push("2");
  assertEquals([world.readAll(), world.ownLogs], [["1", "2"], 1]);
});

Deno.test("DurableBacklog lets go of a log that it has left and read", async () => {
  const world = new World();
  const { log, follows, append } = world.follow();
  append("x");
  world.backlog.leave(follows);
  assertEquals(world.backlog.readers.length, 1);
  world.peek();
  world.backlog.shift();
  assertEquals(world.backlog.readers.length, 0);
  append("without a reader");
  await world.all.settle();
  assertEquals([log.end, world.all.rows("entries")], [2, 0]);
});

Deno.test("DurableBacklog.makeRoom() leaves logs that were read, and no others", () => {
  const world = new World();
  const read = world.follow();
  const waiting = Array.from({ length: READERS_MAX - 1 }, () => world.follow());
  for (const { append } of waiting) append("x");
  assertEquals([world.backlog.makeRoom(), read.follows.left], [true, 1]);
  world.follow().append("x");
  assertEquals(world.backlog.makeRoom(), false);
  assertEquals(waiting.some(({ follows }) => follows.left > 0), false);
});

Deno.test("DurableBacklog loads the next message once, and tells when it is there", async () => {
  const world = new World();
  world.push("x");
  await world.evict(world.own!);
  assertEquals([world.peek(), world.peek(), world.backlog.messages], [null, null, 1]);
  await world.all.settle();
  assertEquals([world.loads, world.peek()], [1, "x"]);
});

Deno.test("DurableBacklog knows the order of logs of which only one fits into memory", async () => {
  const world = new World();
  const logs = [world.follow(), world.follow(), world.follow()];
  for (const i of [2, 0, 1]) {
    logs[i]!.append(`${i}`);
    // Each in a commit of its own, and so in a chunk of its own.
    await world.all.settle();
  }
  for (const { log } of logs) await world.evict(log);
  const found: string[] = [];
  let inMemory: DurableLog | null = null;
  for (let tries = 0; found.length < 3; tries++) {
    assert(tries < 20, "it comes to an end");
    const text = world.peek();
    if (text !== null) {
      found.push(text);
      world.backlog.shift();
      continue;
    }
    await world.all.settle();
    // What is loaded takes the place of what was loaded before.
    const loaded = logs.map(({ log }) => log).filter((log) => (log.firstPage.entries ?? [])[0]);
    for (const log of loaded) if (log === inMemory && loaded.length > 1) log.firstPage.evict();
    inMemory = loaded.find((log) => log !== inMemory) ?? inMemory;
  }
  assertEquals(found, ["2", "0", "1"]);
});

Deno.test("DurableBacklog.trim() drops the oldest messages of all logs, and no more than it must", () => {
  const world = new World();
  const a = world.follow();
  a.append("2");
  const b = world.follow();
  world.push("3");
  b.append("4");
  a.append("5");
  assertEquals(world.backlog.trim(4, Infinity), 0);
  assertEquals(world.backlog.trim(2, Infinity), 2);
  assertEquals(world.readAll(), ["4", "5"]);
});

Deno.test("DurableBacklog.trim() drops the oldest message of one commit, whichever log it is in", () => {
  const world = new World();
  const late = world.follow();
  const early = world.follow();
  for (const payload of ["1", "2", "3"]) early.append(payload);
  for (const payload of ["4", "5", "6"]) late.append(payload);
  assertEquals(world.backlog.trim(4, Infinity), 2);
  assertEquals(world.readAll(), ["3", "4", "5", "6"]);
});

Deno.test("DurableBacklog.trim() keeps to the bytes", () => {
  const world = new World();
  const one = message("t", "x").weight;
  for (const payload of ["a", "b", "c"]) world.push(payload);
  assertEquals([world.backlog.trim(Infinity, 2 * one), world.readAll()], [1, ["b", "c"]]);
});

Deno.test("DurableBacklog.trim() drops a page that is not in memory as a whole", async () => {
  const world = new World();
  for (let i = 0; i < PAGE_ENTRIES; i++) world.push("old");
  world.push("new");
  await world.evict(world.own!);
  assertEquals(world.backlog.trim(100, Infinity), PAGE_ENTRIES);
  assertEquals(world.backlog.messages, 1);
});

Deno.test("DurableBacklog.leaveShared() drops what others have too, and keeps its own", () => {
  const world = new World();
  const { follows, append } = world.follow();
  append("shared");
  world.push("own");
  assertEquals([world.backlog.leaveShared(), follows.left], [1, 1]);
  append("later");
  assertEquals(world.readAll(), ["own"]);
});

Deno.test("DurableBacklog.clear() drops everything, and the store with it", async () => {
  const world = new World();
  const { follows, append } = world.follow();
  append("shared");
  world.push("own");
  await world.all.settle();
  assertEquals([world.backlog.clear(), follows.left, world.backlog.messages], [2, 1, 0]);
  assertEquals(world.peek(), null);
  await world.all.settle();
  assertEquals([world.all.rows("entries"), world.all.rows("messages")], [0, 0]);
});

Deno.test("DurableBacklog.park() wakes once when a log that it follows goes on", () => {
  const world = new World();
  let wakes = 0;
  const waiter = { wake: () => void wakes++ };
  const { follows, append } = world.follow();
  world.push("own");
  for (let i = 0; i < 3; i++) world.backlog.park(waiter);
  world.push("nobody waits for that");
  assertEquals(wakes, 0);
  append("1");
  append("2");
  assertEquals(wakes, 1);
  world.backlog.park(waiter);
  append("3");
  assertEquals(wakes, 2);
  world.backlog.leave(follows);
  world.backlog.park(waiter);
  append("4");
  assertEquals(wakes, 2);
});

Deno.test("DurableBacklog tells the writers of its logs that the client is back", () => {
  const world = new World();
  const a = world.follow();
  const b = world.follow();
  world.backlog.leave(b.follows);
  world.backlog.onAttached();
  assertEquals([a.follows.attached, b.follows.attached], [1, 0]);
});

Deno.test("DurableBacklog doubts what may have been sent before a crash, up to there", () => {
  const world = new World();
  const cursor = world.all.journal.newLog().cursor();
  const reader = readerOf(cursor, null, null);
  reader.doubtEnd = 1;
  world.backlog.restore(reader);
  for (const payload of ["sent, maybe", "not sent"]) {
    cursor.log.append(message("t", payload), variant());
  }
  const doubts: boolean[] = [];
  while (world.peek() !== null) {
    doubts.push(world.backlog.isDoubtful);
    world.backlog.shift();
  }
  assertEquals(doubts, [true, false]);
});

Deno.test("DurableBacklog knows whether messages of shared subscriptions may wait", () => {
  const world = new World();
  world.push("x");
  world.follow().append("y");
  assertEquals(world.backlog.mayBeShared, false);
  world.push("z", { shared: "$share/g/t" });
  assertEquals(world.backlog.mayBeShared, true);

  // What the store has is not read to find out.
  const restored = new World();
  const cursor = restored.all.journal.newLog().cursor();
  cursor.log.append(message("t", "x"), variant());
  restored.backlog.restore(readerOf(cursor, null, null));
  assertEquals(restored.backlog.mayBeShared, true);
});

Deno.test("DurableBacklog says that a position must be stored when it has moved", () => {
  const world = new World();
  const { follows, append } = world.follow();
  append("1");
  append("2");
  append("3");
  const changesOf = (act: () => void) => {
    const before = world.changes;
    act();
    return world.changes > before;
  };
  assertEquals(changesOf(() => world.peek()), false);
  assertEquals(changesOf(() => world.backlog.shift()), true);
  assertEquals(changesOf(() => world.backlog.trim(1, Infinity)), true);
  assertEquals(changesOf(() => world.backlog.leave(follows)), true);
  assertEquals(changesOf(() => world.push("own")), true);
});
