import { assert, assertEquals } from "@std/assert";
import { TurnBudget } from "../base/turn_budget.ts";
import { message, textOf, variant } from "../testdata/messages.ts";
import { TurnClock } from "../testdata/turn_clock.ts";
import { RetainedDelivery } from "./retained_delivery.ts";
import { RetainedDeliveryQueue } from "./retained_delivery_queue.ts";
import { RetainedStore } from "./retained_store.ts";
import { checkLimits } from "../base/check_limits.ts";
import { Scheduler } from "../base/scheduler.ts";
import type { Origin } from "../base/origin.ts";
import type { Receiver } from "./subscriber.ts";

/** Retained messages, and turns that end after each step. */
class FeedWorld {
  readonly clock = new TurnClock();
  readonly errors: unknown[] = [];
  readonly turns = new TurnBudget(this.clock, { turnMsMax: 0 }, (error) => this.errors.push(error));
  readonly store = new RetainedStore(checkLimits({}), this.clock, new Scheduler(this.clock));
  /** What receivers got, in order. */
  readonly received: string[] = [];

  set(topic: string, payload = topic): void {
    this.store.set(message(topic, payload, { retain: true }));
  }

  receiver(name: string): Receiver {
    const receive = (one: { name: string }) => this.received.push(`${name} ${one.name}`);
    return { isOrigin: (origin: Origin) => origin.isClient(name), receive } as unknown as Receiver;
  }

  feed(filter: string): RetainedDelivery {
    return new RetainedDelivery(
      filter,
      this.store.match(filter),
      variant({ retained: true }),
      false,
    );
  }
}

Deno.test("RetainedFeed.next() takes a bounded step, whether it finds something or not", () => {
  const world = new FeedWorld();
  for (let i = 0; i < 5000; i++) world.set(`a/${i}/x`);
  world.set("a/last/y");
  const feed = world.feed("a/+/y");
  let steps = 0;
  for (; !feed.isOver; steps++) {
    const units = feed.next(world.receiver("r"));
    assert(units >= 1 && units <= 300, `${units} units`);
  }
  assert(steps >= 19, `${steps} steps`);
  assertEquals(world.received, ["r a/last/y"]);
});

Deno.test("RetainedFeed.next() hands over fewer messages at a time where they are large", () => {
  const world = new FeedWorld();
  for (let i = 0; i < 64; i++) world.set(`a/${i}`, "x".repeat(100_000));
  const feed = world.feed("#");
  const counts: number[] = [];
  while (!feed.isOver) {
    const before = world.received.length;
    feed.next(world.receiver("r"));
    counts.push(world.received.length - before);
  }
  assertEquals(world.received.length, 64);
  assert(Math.max(...counts) <= 4 && counts.at(10) === 1, counts.join());
});

Deno.test("FeedQueue takes a step in each turn it is given, and others have theirs in between", () => {
  const world = new FeedWorld();
  for (let i = 0; i < 40; i++) world.set(`a/${i}`);
  const log: string[] = [];
  for (const name of ["one", "two", "three"]) {
    const queue = new RetainedDeliveryQueue([
      world.feed("a/+"),
      world.feed("none/+"),
      world.feed("a/1"),
    ]);
    const pump = () => {
      log.push(name);
      while (queue.isReady) queue.step(world.receiver(name), world.turns, pump);
    };
    pump();
    assert(!queue.isReady, "it is not its turn");
  }
  assertEquals(log, ["one", "two", "three"]);
  while (world.turns.size > 0) world.clock.turn();
  // Each is stopped as often as the others, and none runs twice before another has run.
  const rounds = log.length / 3;
  assert(rounds > 3, log.join());
  for (const name of ["one", "two", "three"]) {
    assertEquals(log.filter((one) => one === name).length, rounds, log.join());
    assertEquals(world.received.filter((one) => one.startsWith(`${name} `)).length, 41);
  }
  for (let i = 0; i + 3 <= log.length; i += 3) {
    assertEquals(new Set(log.slice(i, i + 3)).size, 3, log.join());
  }
  assertEquals(world.errors, []);
});

Deno.test("RetainedFeed sends what is there all the time while messages come and go between steps", () => {
  const world = new FeedWorld();
  for (let i = 0; i < 600; i++) world.set(`a/${i}/x`);
  const feed = world.feed("a/+/x");
  let step = 0;
  for (; !feed.isOver; step++) {
    feed.next(world.receiver("r"));
    // Odd ones go and return, others come; those divisible by four stay.
    const odd = (step * 14 + 1) % 600;
    world.store.set(message(`a/${odd}/x`, "", { retain: true }));
    world.set(`a/${odd}/x`, "again");
    world.set(`a/new-${step}/x`);
  }
  assertEquals(new Set(world.received).size, world.received.length, "none twice");
  for (let i = 0; i < 600; i += 4) assert(world.received.includes(`r a/${i}/x`), `${i}`);
  assert(!world.received.some((one) => one.includes("new")));
  assertEquals(textOf(world.store.get("a/1/x")!), "again");
});
