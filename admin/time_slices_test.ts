import { assertEquals, assertRejects } from "@std/assert";
import { eventually } from "../tests/harness/eventually.ts";
import { VirtualClock } from "../tests/harness/virtual_clock.ts";
import { type Steps, TimeSlices, TooBusyError, WAITING_MAX } from "./time_slices.ts";

/** A clock on which each look takes a while; what is due is called when a test says so. */
class BusyClock {
  lookMs = 0.3;
  ms = 0;
  readonly due: [number, () => void][] = [];

  now(): number {
    return this.ms += this.lookMs;
  }

  schedule(atMs: number, callback: () => void): () => void {
    this.due.push([atMs, callback]);
    return () => {};
  }
}

function* count(to: number, seen: number[] = []): Steps<number> {
  for (let i = 0; i < to; i++) {
    seen.push(i);
    yield;
  }
  return to;
}

Deno.test("TimeSlices.run() does all steps, and gives what they return", async () => {
  const slices = new TimeSlices({ clock: new VirtualClock(), nextTurn: () => Promise.resolve() });
  assertEquals(await slices.run(count(100)), 100);
  assertEquals(slices.waiting, 0);
});

Deno.test("TimeSlices.run() rests after each slice, so that others have three quarters of the time", async () => {
  const clock = new BusyClock();
  let turns = 0;
  const nextTurn = () => {
    turns++;
    return Promise.resolve();
  };
  const slices = new TimeSlices({ clock, nextTurn });
  const seen: number[] = [];
  const done = slices.run(count(16, seen));
  for (let slice = 1; slice <= 2; slice++) {
    await eventually("it rests", () => clock.due.length > 0);
    assertEquals([seen.length, turns], [slice * 8, slice]);
    const [atMs, callback] = clock.due.shift()!;
    // It began one look after the turn, and ended two looks later; the last look is that of the rest.
    assertEquals(Math.round((atMs - clock.ms) * 10), 18);
    callback();
  }
  assertEquals(await done, 16);
});

Deno.test("TimeSlices.run() refuses what is too much, and rejects with what a step throws", async () => {
  const turn = Promise.withResolvers<void>();
  const slices = new TimeSlices({ clock: new VirtualClock(), nextTurn: () => turn.promise });
  const all = Array.from({ length: WAITING_MAX }, () => slices.run(count(1)));
  await assertRejects(() => slices.run(count(1)), TooBusyError);
  assertEquals(slices.refused, 1);
  slices.close();
  turn.resolve();
  await Promise.all(all);
  await assertRejects(
    () =>
      slices.run((function* (): Steps<void> {
        yield;
        throw new RangeError("no");
      })()),
    RangeError,
  );
});
