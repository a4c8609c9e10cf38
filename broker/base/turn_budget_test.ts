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

/** Counts how often the runtime is made to poll its sockets. */
function countPolls(clock: TurnClock): { count: number } {
  const polls = { count: 0 };
  Object.assign(clock, {
    afterPoll(callback: () => void) {
      polls.count++;
      clock.soon(callback);
    },
  });
  return polls;
}

function sequence(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
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
  const called: number[] = [];
  const end = (i: number) => turns.whenever(() => (called.push(i), void work(0.125)));
  turns.begin();
  for (let i = 0; i < 40; i++) end(i);
  assertEquals(called.length, 16);
  clock.turn();
  assertEquals([called.length, turns.isSpent], [32, true]);
  // None comes before those that wait.
  end(40);
  clock.turn();
  assertEquals([called, turns.size], [sequence(41), 0]);
});

Deno.test("TurnBudget.whenever() has the runtime poll its sockets before it calls those that wait", () => {
  const { clock, turns } = world();
  const polls = countPolls(clock);
  turns.begin();
  for (let i = 0; i < 17; i++) turns.whenever(() => {});
  assertEquals([polls.count, turns.size], [1, 1]);
  clock.turn();
  assertEquals([polls.count, turns.size], [1, 0]);
});

Deno.test("TurnBudget reads what has arrived at many sockets before it does other work", async () => {
  const { clock, turns, work } = world();
  const polls = countPolls(clock);
  let long = 0;
  let short = 0;
  const job = () => {
    long++;
    work(1);
    turns.later(job);
  };
  turns.later(job);
  /** The runtime hands on a part of what is ready for each poll, which takes a millisecond. */
  const poll = async (count: number) => {
    for (let i = 0; i < count; i++) turns.arrive();
    work(1);
    turns.later(() => short++, true);
    for (let step = 0; step < 3; step++) await Promise.resolve();
    [long, short] = [0, 0];
    clock.turn();
    return [short, long];
  };
  const parts: number[][] = [];
  for (let part = 0; part < 20; part++) {
    const before = polls.count;
    parts.push(await poll(128));
    assertEquals([turns.isDraining, polls.count], [true, before + 1]);
  }
  // What has arrived is handled after each poll. Other work has a turn every 12 ms, and in the end.
  assertEquals(parts.map(([count]) => count), sequence(20).map(() => 1));
  assertEquals(parts.flatMap(([, count], part) => count! > 0 ? [part] : []), [12]);
  assertEquals([await poll(1), turns.isDraining], [[1, 1], false]);
});

Deno.test("TurnBudget polls before a turn that was scheduled before much else was done", async () => {
  const { clock, turns, work } = world();
  const polls = countPolls(clock);
  let called = 0;
  turns.later(() => called++);
  for (let event = 0; event < 7; event++) {
    turns.begin();
    work(1.9);
    for (let step = 0; step < 3; step++) await Promise.resolve();
  }
  clock.turn();
  assertEquals([called, polls.count, turns.isSpent], [0, 1, true]);
  clock.turn();
  assertEquals([called, polls.count, turns.isSpent], [1, 1, false]);
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
  const polls = countPolls(clock);
  for (let turn = 0; turn < 20; turn++) {
    turns.begin();
    work(2);
    for (let step = 0; step < 3; step++) await Promise.resolve();
    clock.turn();
  }
  assert(polls.count >= 2 && polls.count <= 4, `${polls.count}`);
});

Deno.test("TurnBudget.afterPoll() calls a job when the sockets were polled, and tells of it", () => {
  const { clock, turns } = world();
  const polls: (() => void)[] = [];
  Object.assign(clock, { afterPoll: (callback: () => void) => polls.push(callback) });
  const before = turns.polls;
  let called = 0;
  turns.afterPoll(() => called++);
  assertEquals([clock.turn(), polls.length, called, turns.polls === before], [0, 1, 0, true]);
  polls[0]!();
  assertEquals([called, turns.polls], [1, before + 1]);
  // What comes later does not wait for a poll.
  turns.later(() => called++);
  assertEquals([clock.turn(), polls.length, called, turns.polls], [1, 1, 2, before + 1]);
});
