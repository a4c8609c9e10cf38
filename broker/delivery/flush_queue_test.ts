import { assert, assertEquals } from "@std/assert";
import { type Flushable, FlushQueue } from "./flush_queue.ts";
import { TurnClock } from "../testdata/turn_clock.ts";
import { TurnBudget } from "../base/turn_budget.ts";

class QueueWorld {
  readonly clock = new TurnClock();
  /** The names of those that were flushed, in order. */
  readonly flushed: (string | number)[] = [];
  readonly errors: unknown[] = [];
  readonly turns = new TurnBudget(this.clock, { turnMsMax: 2 }, (error) => this.errors.push(error));
  readonly queue = new FlushQueue(this.clock, this.turns, (_, error) => this.errors.push(error));

  member(name: string | number, then: () => void = () => {}): Flushable {
    const flush = () => {
      this.flushed.push(name);
      then();
    };
    return { listed: false, flush };
  }

  /** Adds so many that a log has woken. */
  crowd(count: number): Flushable[] {
    const crowd = Array.from({ length: count }, (_, i) => this.member(i));
    for (const member of crowd) this.queue.add(member, true);
    return crowd;
  }

  /** Takes what was flushed up to now. */
  take(): (string | number)[] {
    return this.flushed.splice(0);
  }
}

Deno.test("FlushQueue flushes a few at the end of the turn, woken or not", async () => {
  const world = new QueueWorld();
  world.queue.add(world.member("a"), false);
  world.queue.add(world.member("b"), true);
  world.queue.add(world.member("c"), false);
  assertEquals([world.take(), world.queue.size], [[], 3]);
  await Promise.resolve();
  assertEquals(world.take(), ["a", "c", "b"]);
  assertEquals([world.clock.turn(), world.queue.size], [0, 0]);
});

Deno.test("FlushQueue lets the runtime have its turn between parts of a crowd", async () => {
  const world = new QueueWorld();
  const crowd = world.crowd(1000);
  await Promise.resolve();
  const parts: number[] = [];
  const all: (string | number)[] = [];
  for (let part = world.take(); part.length > 0; part = world.take()) {
    parts.push(part.length);
    all.push(...part);
    assertEquals(world.queue.size, 1000 - all.length);
    world.clock.turn();
  }
  assertEquals(all, Array.from({ length: 1000 }, (_, i) => i));
  assert(Math.max(...parts) <= 100, `${parts}`);
  assert(crowd.every(({ listed }) => !listed));
  assertEquals([world.queue.size, world.clock.turn()], [0, 0]);
});

Deno.test("FlushQueue has nobody with something of its own wait for a crowd", async () => {
  const world = new QueueWorld();
  world.crowd(1000);
  await Promise.resolve();
  world.take();
  world.queue.add(world.member("own"), false);
  await Promise.resolve();
  assertEquals(world.take(), ["own"]);
  assertEquals(world.clock.turn(), 1);
});

Deno.test("FlushQueue has whoever is woken again wait for those that wait already", async () => {
  const world = new QueueWorld();
  const [first] = world.crowd(200);
  await Promise.resolve();
  world.take();
  world.queue.add(first!, true);
  const rest: (string | number)[] = [];
  while (world.clock.turn() > 0) rest.push(...world.take());
  // The first time it was flushed with the first part.
  assertEquals([rest.filter((name) => name === 0).length, rest.at(-1)], [1, 0]);
});

Deno.test("FlushQueue flushes the others when one fails, and who is added by a flush", async () => {
  const world = new QueueWorld();
  const later = world.member("later");
  world.queue.add(world.member("a", () => world.queue.add(later, false)), false);
  world.queue.add(
    world.member("b", () => {
      throw new Error("b fails");
    }),
    false,
  );
  world.queue.add(world.member("c"), true);
  await Promise.resolve();
  assertEquals(world.take(), ["a", "b", "c"]);
  assertEquals(world.errors.map(String), ["Error: b fails"]);
  await Promise.resolve();
  assertEquals(world.take(), ["later"]);
});

Deno.test("FlushQueue.clear() forgets everyone", async () => {
  const world = new QueueWorld();
  world.crowd(200);
  await Promise.resolve();
  world.take();
  world.queue.add(world.member("own"), false);
  world.queue.clear();
  await Promise.resolve();
  world.clock.turn();
  assertEquals([world.take(), world.queue.size], [[], 0]);
});

Deno.test("FlushQueue has a crowd wait for what has arrived at many sockets", async () => {
  const world = new QueueWorld();
  const { turns, clock } = world;
  world.crowd(300);
  /** An event of the runtime, and everything that it causes. */
  const event = async (arrivals: number) => {
    for (let i = 0; i < arrivals; i++) turns.arrive();
    for (let step = 0; step < 4; step++) await Promise.resolve();
  };
  await event(128);
  assertEquals([world.take().length, turns.isDraining], [64, true]);
  for (let poll = 0; poll < 5; poll++) {
    world.queue.add(world.member("response"), false);
    await event(128);
    clock.turn();
    assertEquals([world.take(), turns.isDraining], [["response"], true]);
  }
  await event(1);
  clock.turn();
  assertEquals([world.take().length, turns.isDraining], [64, false]);
});
