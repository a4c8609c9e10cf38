import { assert, assertEquals } from "@std/assert";
import { TurnClock } from "../testdata/turn_clock.ts";
import { BrokerContext } from "../base/context.ts";
import { settingsOf } from "../base/options.ts";
import { ReplayShare } from "./replay_share.ts";

/** Far more than is done between two looks at the clock. */
const MANY_UNITS = 1000;

function world(turnMsMax: number, replayTurnPercent: number) {
  const clock = new TurnClock();
  const limits = { turnMsMax, replayTurnPercent };
  const context = new BrokerContext(settingsOf({ clock, limits, heap: null }));
  const share = new ReplayShare(context);
  /** A piece of work that takes so long. Returns whether it has to stop; `null` if it cannot begin. */
  const work = (ms: number) => {
    if (!share.begin()) return null;
    clock.nowMs += ms;
    const mustStop = share.spend(MANY_UNITS);
    share.end();
    return mustStop;
  };
  context.turns.begin();
  return { clock, context, share, work };
}

Deno.test("ReplayShare takes its percentage of a turn for all replays together (replayTurnPercent)", () => {
  const { work } = world(10, 50);
  assertEquals([work(2), work(2), work(1), work(1)], [false, false, true, null]);
});

Deno.test("ReplayShare has its share again in the next turn, for those that wait first", async () => {
  const { clock, context, share, work } = world(10, 20);
  const results: (boolean | null)[] = [];
  assertEquals([work(2), work(1)], [true, null]);
  share.later(() => results.push(work(1)));
  share.later(() => results.push(work(1)));
  assertEquals(context.stats.limited["replay-turn"], 2);
  // A turn lasts until its promises have settled.
  for (let step = 0; step < 5; step++) await Promise.resolve();
  clock.turn();
  assertEquals(results, [false, true]);
});

Deno.test("ReplayShare does one piece of work in a turn at 0 percent", () => {
  const { work } = world(10, 0);
  assertEquals([work(1), work(1)], [true, null]);
});

Deno.test("ReplayShare looks at the clock more often while work is slow, as before it is compiled", () => {
  const { clock, share } = world(100, 5);
  /** Works in units until it has to stop. Returns for how long, in milliseconds. */
  const work = (msPerUnit: number) => {
    const startMs = clock.nowMs;
    share.begin();
    do clock.nowMs += msPerUnit; while (!share.spend(1));
    return clock.nowMs - startMs;
  };
  assert(work(0.001) < 5.1);
  assert(work(0.05) < 5.5);
});

Deno.test("ReplayShare stops with the turn, however much of its share is left", () => {
  const { work, context } = world(4, 100);
  assertEquals(work(1), false);
  assertEquals([work(3), context.turns.isSpent], [true, true]);
});

/** Half a turn of 4 ms is for replays, and the runtime polls when the test says so. */
function liveWorld() {
  const clock = new TurnClock();
  const polls: (() => void)[] = [];
  Object.assign(clock, { afterPoll: (callback: () => void) => polls.push(callback) });
  const limits = { turnMsMax: 4, replayTurnPercent: 50 };
  const context = new BrokerContext(settingsOf({ limits, clock, heap: null }));
  const share = new ReplayShare(context);
  /** Replays as long as it may, in an event of its own; returns for how long. */
  const replay = async () => {
    context.turns.begin();
    const startMs = clock.nowMs;
    if (share.begin()) {
      do clock.nowMs += 0.5; while (!share.spend(64));
      share.end();
    }
    for (let step = 0; step < 3; step++) await Promise.resolve();
    return clock.nowMs - startMs;
  };
  return { clock, polls, context, share, replay };
}

Deno.test("ReplayShare gives replays a share of each turn while nothing is published", async () => {
  const { share, replay, clock, polls } = liveWorld();
  assertEquals([await replay(), await replay()], [2, 2]);
  let called = 0;
  share.later(() => called++);
  assertEquals([clock.turn(), called, polls.length], [1, 1, 0]);
});

Deno.test("ReplayShare gives replays one share between two polls while there is live traffic", async () => {
  const { context, share, replay, clock, polls } = liveWorld();
  context.stats.messagesReceived++;
  assertEquals([await replay(), await replay(), await replay()], [2, 0, 0]);
  let called = 0;
  share.later(() => called++);
  assertEquals([clock.turn(), called, polls.length], [0, 0, 1]);
  polls[0]!();
  assertEquals([called, await replay(), await replay()], [1, 2, 0]);
});

Deno.test("ReplayShare lets replays have each turn again when nothing was published for 10 s", async () => {
  const { context, replay, clock } = liveWorld();
  context.stats.messagesReceived++;
  assertEquals([await replay(), await replay()], [2, 0]);
  clock.nowMs += 10_000;
  assertEquals([await replay(), await replay()], [2, 2]);
});
