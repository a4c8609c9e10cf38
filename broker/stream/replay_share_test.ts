import { assertEquals } from "@std/assert";
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

Deno.test("ReplayShare stops with the turn, however much of its share is left", () => {
  const { work, context } = world(4, 100);
  assertEquals(work(1), false);
  assertEquals([work(3), context.turns.isSpent], [true, true]);
});
