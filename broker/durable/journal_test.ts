import { assert, assertEquals } from "@std/assert";
import type { Receipt } from "../../log/receipt.ts";
import { ManualStore } from "../../tests/harness/manual_store.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import type { Message } from "../base/message.ts";
import { Scheduler } from "../base/scheduler.ts";
import { message } from "../testdata/messages.ts";
import { Journal, type JournalHost } from "./journal.ts";

/** The broker around a journal: it retains messages, and records what the journal reports. */
class TestHost implements JournalHost {
  readonly clock = new VirtualClock();
  readonly scheduler = new Scheduler(this.clock);
  readonly calendar = { toWall: (ms: number) => ms, toClock: (ms: number) => ms };
  readonly cacheBytesMax = 1_000_000;
  journalBytesMax = 1_000_000;
  storedBytesMax = 1_000_000;
  readonly retained = new Map<string, Message>();
  readonly reports: string[] = [];
  room: Receipt | null = null;
  stored = 0;

  endTurn(): void {}

  needRoom(room: Receipt): void {
    this.room = room;
  }

  onStoring(): void {
    this.stored++;
  }

  retainedOf(topic: string): Message | undefined {
    return this.retained.get(topic);
  }

  reportError(error: unknown): void {
    this.reports.push(`failed ${error}`);
  }

  onExpired(messages: number): void {
    this.reports.push(`expired ${messages}`);
  }

  onLost(messages: number): void {
    this.reports.push(`lost ${messages}`);
  }

  onCommitFailed(): void {
    this.reports.push("commit failed");
  }

  onFull(isFull: boolean): void {
    this.reports.push(isFull ? "full" : "not full");
  }
}

/** A journal that has begun, on a store whose commits the test ends. */
class JournalWorld {
  readonly host = new TestHost();
  readonly store = new ManualStore();
  readonly journal = new Journal(this.store, this.host, 1);

  constructor() {
    this.journal.begin();
  }

  /** Retains a message, which the journal has to store. */
  retain(topic: string, payload = "x"): void {
    this.host.retained.set(topic, message(topic, payload).keep());
    this.journal.onRetainedChanged(topic);
  }

  /** The topics in the store. */
  topics(): number {
    return this.store.snapshot().get("retained")?.length ?? 0;
  }

  settle(): Promise<void> {
    return this.host.clock.settle();
  }
}

Deno.test("Journal commits all changes of a turn together, at its end", async () => {
  const { journal, store, host, ...world } = bound(new JournalWorld());
  for (const topic of ["a", "b", "a"]) world.retain(topic);
  assertEquals(store.commits, []);
  assert(journal.latest !== null && journal.latest === journal.gathering);
  await world.settle();
  assertEquals([store.commits.length, world.topics(), journal.latest], [1, 2, null]);
  assertEquals([journal.done, host.stored], [1, 3]);
});

Deno.test("Journal gathers changes during a commit for the next one", async () => {
  const { journal, store, ...world } = bound(new JournalWorld());
  store.mode = "wait";
  world.retain("a");
  await world.settle();
  const first = journal.latest!;
  world.retain("b");
  world.retain("c");
  const second = journal.latest!;
  assert(first !== second);
  store.mode = "succeed";
  store.settle(true);
  await journal.whenStored(second);
  assertEquals([store.commits.length, world.topics(), journal.done], [2, 3, 2]);
});

Deno.test("Journal retries a failed commit after a second, with the changes since then", async () => {
  const { journal, store, host, ...world } = bound(new JournalWorld());
  store.mode = "fail";
  world.retain("a");
  const stored = journal.whenStored(journal.latest!);
  let isStored = false;
  stored.then(() => isStored = true);
  await world.settle();
  assertEquals([journal.isFailing, journal.isFull, isStored], [true, true, false]);
  world.retain("b");
  store.mode = "succeed";
  await host.clock.advance(999);
  assertEquals(world.topics(), 0);
  await host.clock.advance(1);
  await stored;
  assertEquals([world.topics(), journal.isFailing], [2, false]);
  assertEquals(host.reports, ["commit failed", "full", "not full"]);
});

Deno.test("Journal makes publishers wait for the commit beyond journalBytesMax", async () => {
  const { host, store, ...world } = bound(new JournalWorld());
  host.journalBytesMax = 10_000;
  store.mode = "wait";
  world.retain("a", "x".repeat(9_000));
  assertEquals(host.room, null);
  world.retain("b", "x".repeat(9_000));
  assert(host.room !== null);
  await world.settle();
  store.settle(true);
  await host.room;
});

Deno.test("Journal.isFull at storedBytesMax", () => {
  const { journal, host } = new JournalWorld();
  journal.pages.countStored(host.storedBytesMax - 1);
  assertEquals(journal.isFull, false);
  journal.pages.countStored(1);
  assertEquals([journal.isFull, journal.isFailing], [true, false]);
});

Deno.test("Journal.close() tries a last time, and releases everyone who waits", async () => {
  const { journal, store, ...world } = bound(new JournalWorld());
  store.mode = "fail";
  world.retain("a");
  await world.settle();
  const stored = journal.whenStored(journal.gathering);
  await journal.close();
  await stored;
  assertEquals(world.topics(), 0);
  await journal.whenStored(journal.gathering);
});

/** The parts of a world, with methods that can be called on their own. */
function bound(world: JournalWorld) {
  const { journal, host, store } = world;
  return {
    journal,
    host,
    store,
    retain: world.retain.bind(world),
    topics: world.topics.bind(world),
    settle: world.settle.bind(world),
  };
}
