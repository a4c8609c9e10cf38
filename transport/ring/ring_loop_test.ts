import { assert, assertEquals } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import type { Clock } from "../clock.ts";
import { RingLoop } from "./ring_loop.ts";
import type { Polled } from "./ring_set.ts";

/** A ring in which so much comes as a test says. */
class FakeRing implements Polled {
  polls = 0;
  /** In how many more polls something comes. */
  left = 0;
  isParked = false;
  /** Called in each poll in which something has come. */
  onFound: () => void = () => {};

  poll(): boolean {
    this.polls++;
    if (this.left === 0) return false;
    this.left--;
    this.onFound();
    return true;
  }

  park(): boolean {
    this.isParked = this.left === 0;
    return this.isParked;
  }

  unpark(): void {
    this.isParked = false;
  }
}

function open(count: number): { clock: VirtualClock & Clock; loop: RingLoop; rings: FakeRing[] } {
  const clock: VirtualClock & Clock = new VirtualClock();
  const loop = new RingLoop(clock, () => {});
  const rings = Array.from({ length: count }, () => new FakeRing());
  for (const ring of rings) loop.rings.add(ring);
  return { clock, loop, rings };
}

Deno.test("RingLoop polls all rings while bytes come, and then parks all of them", async () => {
  const { clock, loop, rings } = open(2);
  rings[0]!.left = 10;
  await clock.advance(0);
  assertEquals(rings.map(({ isParked }) => isParked), [true, true]);
  assertEquals(rings.map(({ polls }) => polls), [42, 42]);
  rings[1]!.left = 3;
  loop.rings.onRung();
  assertEquals(rings.map(({ isParked, left }) => [isParked, left]), [[false, 0], [false, 2]]);
  await clock.advance(0);
  assertEquals(rings.map(({ isParked, left }) => [isParked, left]), [[true, 0], [true, 0]]);
});

Deno.test("RingLoop does not poll within the call that wants it", async () => {
  const { clock, loop, rings } = open(1);
  await clock.advance(0);
  const { polls } = rings[0]!;
  rings[0]!.left = 1;
  loop.rings.onWanted();
  loop.rings.onWanted();
  assertEquals(rings[0]!.polls, polls);
  await clock.advance(0);
  assertEquals([rings[0]!.left, rings[0]!.isParked], [0, true]);
});

Deno.test("RingLoop stops polling in advance when that is of no use, and tries again now and then", async () => {
  const { clock, loop, rings } = open(1);
  await clock.advance(0);
  const polls: number[] = [];
  for (let i = 0; i < 40; i++) {
    const before = rings[0]!.polls;
    rings[0]!.left = 1;
    loop.rings.onRung();
    await clock.advance(0);
    polls.push(rings[0]!.polls - before);
  }
  assertEquals(polls.slice(0, 7), Array(7).fill(33));
  assertEquals([polls.filter((count) => count === 33).length, polls[7]], [9, 1]);
  // What comes while it tries restores the habit.
  const ring = rings[0]!;
  for (let i = 0; i < 16; i++) {
    const before = ring.polls;
    ring.left = 1;
    loop.rings.onRung();
    await clock.settle();
    if (!ring.isParked) {
      await clock.advanceUntil(() => ring.polls - before === 3, 0);
      ring.left = 1;
    }
    await clock.advance(0);
  }
  const before = ring.polls;
  ring.left = 1;
  loop.rings.onRung();
  await clock.advance(0);
  assertEquals(ring.polls - before, 33);
});

Deno.test("RingLoop lets the runtime run when a round takes long, and goes on with the next ring", async () => {
  const { clock, loop, rings } = open(3);
  await clock.advance(0);
  const now = clock.now.bind(clock);
  let workMs = 0;
  clock.now = () => now() + workMs;
  const rounds: string[] = [];
  for (const [i, ring] of rings.entries()) {
    ring.left = 1;
    ring.onFound = () => {
      workMs += i === 2 ? 0 : 3;
      rounds.push(`ring ${i}`);
    };
  }
  clock.soon = (callback) => {
    rounds.push("turn");
    clock.schedule(0, callback);
  };
  loop.rings.onRung();
  await clock.advance(0);
  assertEquals(rounds.slice(0, 5), ["ring 0", "turn", "ring 1", "turn", "ring 2"]);
  assertEquals(rings.map(({ left, isParked }) => [left, isParked]), Array(3).fill([0, true]));
});

Deno.test("RingLoop polls every ring once a round while rings are removed", async () => {
  const { clock, loop, rings } = open(4);
  await clock.advance(0);
  const before = rings.map(({ polls }) => polls);
  rings[1]!.left = 1;
  rings[1]!.onFound = () => {
    loop.rings.remove(rings[0]!);
    loop.rings.remove(rings[1]!);
    loop.rings.remove(rings[1]!);
  };
  loop.rings.onRung();
  assertEquals(rings.map(({ polls }, i) => polls - before[i]!), [1, 1, 1, 1]);
  await clock.advance(0);
  assert(rings[2]!.isParked && rings[3]!.isParked);
  assertEquals(loop.rings.size, 2);
});

Deno.test("RingLoop reports the error of a receiver, and goes on", async () => {
  const clock = new VirtualClock();
  const errors: unknown[] = [];
  const loop = new RingLoop(clock, (error) => errors.push(error));
  const rings = [new FakeRing(), new FakeRing()];
  for (const ring of rings) loop.rings.add(ring);
  rings[0]!.left = rings[1]!.left = 1;
  rings[0]!.onFound = () => {
    throw new Error("bad");
  };
  await clock.advance(0);
  assertEquals([errors.map(String), rings[1]!.left], [["Error: bad"], 0]);
});

Deno.test("RingLoop keeps the process alive while it has a ring, by one timer", async () => {
  const clock = new VirtualClock();
  let timers = 0;
  const schedule = clock.schedule.bind(clock);
  clock.schedule = (atMs, callback) => {
    const cancel = schedule(atMs, callback);
    if (atMs <= clock.now()) return cancel;
    timers++;
    return () => {
      timers--;
      cancel();
    };
  };
  const loop = new RingLoop(clock, () => {});
  const [one, other] = [new FakeRing(), new FakeRing()];
  loop.rings.add(one);
  loop.rings.add(other);
  await clock.advance(0);
  assertEquals(timers, 1);
  loop.rings.remove(one);
  assertEquals(timers, 1);
  loop.rings.remove(other);
  assertEquals(timers, 0);
  // It starts again with the next ring.
  one.left = 1;
  loop.rings.add(one);
  await clock.advance(0);
  assertEquals([timers, one.left], [1, 0]);
  loop.rings.remove(one);
});
