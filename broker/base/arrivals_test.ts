import { assertEquals } from "@std/assert";
import { Arrivals } from "./arrivals.ts";

/** So many arrivals in one event mean that more of them wait. */
const MANY = 64;
/** How long other work waits while many arrive, in milliseconds. */
const DRAIN_MS_MAX = 12;

/** An event in which so much arrives. */
function event(arrivals: Arrivals, count: number, nowMs = 0): void {
  for (let i = 0; i < count; i++) arrivals.count();
  arrivals.onEventOver(nowMs);
}

Deno.test("Arrivals are many from an event with many of them to a poll after which there are few", () => {
  const arrivals = new Arrivals();
  // Not their sum counts: few at a time means that no more wait.
  for (let i = 0; i < 10; i++) event(arrivals, MANY - 1);
  assertEquals(arrivals.areMany, false);
  event(arrivals, MANY);
  assertEquals(arrivals.areMany, true);
  event(arrivals, 1);
  arrivals.onPolled();
  assertEquals(arrivals.areMany, true);
  event(arrivals, MANY - 1);
  arrivals.onPolled();
  assertEquals(arrivals.areMany, false);
});

Deno.test("Other work than Arrivals waits while they are many, and has a turn now and then", () => {
  const arrivals = new Arrivals();
  assertEquals(arrivals.mayOthers(0), true);
  event(arrivals, MANY, 100);
  assertEquals([100, 100 + DRAIN_MS_MAX - 1].map((ms) => arrivals.mayOthers(ms)), [false, false]);
  // More of them do not make it wait longer.
  event(arrivals, MANY, 105);
  arrivals.onPolled();
  event(arrivals, MANY, 110);
  assertEquals(arrivals.mayOthers(100 + DRAIN_MS_MAX), true);
  arrivals.onOthersDone(115);
  assertEquals([115, 127].map((ms) => arrivals.mayOthers(ms)), [false, true]);
  arrivals.onPolled();
  arrivals.onPolled();
  assertEquals(arrivals.mayOthers(116), true);
});
