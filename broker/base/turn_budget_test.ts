import { assert, assertEquals, assertRejects } from "@std/assert";
import { TurnClock } from "../testdata/turn_clock.ts";
import { TurnBudget } from "./turn_budget.ts";

/** Far more than is done between two looks at the clock. */
const MANY_UNITS = 1000;

function world(turnMsMax = 2) {
  const clock = new TurnClock();
  const errors: unknown[] = [];
  const turns = new TurnBudget(clock, { turnMsMax }, (error) => errors.push(error));
  /** Work that takes so long; returns whether it has to stop. */
  const work = (ms: number) => {
    clock.nowMs += ms;
    return turns.spend(MANY_UNITS);
  };
  return { clock, errors, turns, work };
}

Deno.test("TurnBudget.spend() ends a turn when its time is over, and another begins", () => {
  const { clock, turns, work } = world();
  turns.begin();
  assertEquals([work(1), turns.isSpent], [false, false]);
  assertEquals([work(1), turns.isSpent], [true, true]);
  assertEquals([work(0), clock.turn(), turns.isSpent], [true, 1, false]);
  assertEquals([work(1.9), clock.turn()], [false, 0]);
});

Deno.test("TurnBudget.spend() does not look at the clock for each little thing", () => {
  const { clock, turns } = world();
  turns.begin();
  clock.nowMs = 10;
  assertEquals([turns.spend(1), turns.spend(1), turns.spend(MANY_UNITS)], [false, false, true]);
});

Deno.test("TurnBudget lets short events follow one another, up to the next poll", async () => {
  const { clock, turns, work } = world();
  let events = 0;
  while (!turns.isSpent) {
    events++;
    clock.nowMs += 100;
    turns.begin();
    assertEquals(work(1.5), false);
    // The end of the work is after the microtasks that it has made.
    for (let step = 0; step < 3; step++) await Promise.resolve();
  }
  // Not the time between is counted.
  assertEquals([events, clock.turn(), turns.isSpent], [8, 1, false]);
});

Deno.test("TurnBudget calls the fresh first, and each turn one of those that were stopped", () => {
  const { clock, turns, work } = world();
  const called: string[] = [];
  const job = (name: string, ms: number) => () => {
    called.push(name);
    work(ms);
  };
  turns.later(job("stopped 1", 5));
  turns.later(job("stopped 2", 5));
  turns.later(job("fresh 1", 1), true);
  turns.later(job("fresh 2", 5), true);
  turns.later(job("fresh 3", 1), true);
  const perTurn: string[][] = [];
  while (clock.turn() > 0) perTurn.push(called.splice(0));
  assertEquals(perTurn[0], ["fresh 1", "fresh 2", "stopped 1"]);
  assertEquals(perTurn[1], ["fresh 3", "stopped 2"]);
});

Deno.test("TurnBudget gives a job a share of the turn while others wait", () => {
  const { clock, turns, work } = world(4);
  const stops: boolean[] = [];
  turns.later(() => stops.push(work(0.9), work(0.2)), true);
  turns.later(() => stops.push(work(0.9)), true);
  clock.turn();
  assertEquals([stops, turns.isSpent], [[false, true, false], false]);
});

Deno.test("TurnBudget tells of a job that fails, and calls the others", () => {
  const { clock, errors, turns } = world();
  let called = 0;
  turns.later(() => {
    throw new Error("fails");
  });
  turns.later(() => called++);
  clock.turn();
  assertEquals([errors.map(String), called], [["Error: fails"], 1]);
});

Deno.test("TurnBudget.inTurns() does at once what there is time for, and the rest later", async () => {
  const { clock, turns, work } = world();
  turns.begin();
  let left = 10;
  const step = () => {
    if (left === 0) return 0;
    left--;
    work(0.5);
    return MANY_UNITS;
  };
  const done = turns.inTurns(step);
  assertEquals(left, 6);
  clock.turn();
  assertEquals(left, 2);
  clock.turn();
  await done;
  assertEquals([left, turns.inTurns(step), turns.size], [0, null, 0]);
});

Deno.test("TurnBudget.inTurns() rejects with what a later step throws", async () => {
  const { clock, turns } = world(0);
  let steps = 0;
  const done = turns.inTurns(() => {
    if (steps++ === 1) throw new Error("second step");
    return 1;
  });
  clock.turn();
  await assertRejects(() => Promise.resolve(done), Error, "second step");
});

Deno.test("TurnBudget with turns of 0 ms stops after each step", async () => {
  const { clock, turns } = world(0);
  let steps = 0;
  const done = turns.inTurns(() => steps++ < 3 ? 1 : 0);
  const seen: number[] = [];
  while (clock.turn() > 0) seen.push(steps);
  await done;
  assertEquals(seen.slice(0, 3), [2, 3, 4]);
});

Deno.test("TurnBudget.next() wakes some of many in a turn", async () => {
  const { clock, turns } = world();
  let awake = 0;
  for (let i = 0; i < 10; i++) turns.next().then(() => awake++);
  const perTurn: number[] = [];
  while (clock.turn() > 0) {
    for (let step = 0; step < 5; step++) await Promise.resolve();
    perTurn.push(awake);
  }
  assertEquals([perTurn[0], perTurn[1], perTurn[2]], [4, 8, 10]);
});

Deno.test("TurnBudget.whenever() calls a few at once, and the others in later turns", () => {
  const { clock, turns, work } = world();
  let called = 0;
  turns.begin();
  for (let i = 0; i < 30; i++) turns.whenever(() => (called++, void work(0.1)));
  assertEquals(called, 16);
  // A short turn, since more of them came; then one of full length.
  clock.turn();
  assertEquals([called, turns.isSpent], [21, false]);
  clock.turn();
  assertEquals([called, turns.isSpent], [30, false]);
});

Deno.test("TurnBudget.clear() forgets jobs, and wakes who waits for the next turn", async () => {
  const { clock, turns } = world();
  let called = 0;
  turns.later(() => called++);
  const next = turns.next();
  turns.clear();
  await next;
  clock.turn();
  assertEquals([called, turns.size], [0, 0]);
});

Deno.test("TurnBudget has the runtime poll its sockets when much was done since", async () => {
  const { clock, turns, work } = world();
  let polls = 0;
  Object.assign(clock, {
    afterPoll(callback: () => void) {
      polls++;
      clock.soon(callback);
    },
  });
  for (let turn = 0; turn < 20; turn++) {
    turns.begin();
    work(2);
    for (let step = 0; step < 3; step++) await Promise.resolve();
    clock.turn();
  }
  assert(polls >= 2 && polls <= 4, `${polls}`);
});
