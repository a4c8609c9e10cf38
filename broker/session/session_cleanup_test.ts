import { TurnBudget } from "../base/turn_budget.ts";
import { assert, assertEquals } from "@std/assert";
import { Router } from "../../router/router.ts";
import { Subscription } from "../../router/subscription.ts";
import { collectGarbage } from "../../tests/harness/garbage.ts";
import { SessionCleanup } from "./session_cleanup.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { SubscriptionTable } from "./subscription_table.ts";
import { TestReceiver } from "../testdata/test_receiver.ts";
import { TurnClock } from "../testdata/turn_clock.ts";

class TestSession extends TestReceiver {
  readonly subscriptions = new SubscriptionTable();
}

class EndedWorld {
  readonly clock = new TurnClock();
  readonly turns = new TurnBudget(this.clock, { turnMsMax: 2 }, (error) => {
    throw error;
  });
  readonly router = new Router<Receiver>();
  readonly ended = new SessionCleanup(this.turns, this.router, 10_000);

  /** A session with so many subscriptions: plain, with wildcards and shared. */
  session(name: string, count: number): TestSession {
    const session = new TestSession(name);
    const options = {
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      identifier: 0,
    } as const;
    for (let i = 0; i < count; i++) {
      const filter = [`${name}/${i}`, `${name}/${i}/+`, `$share/all/${name}/${i}/#`][i % 3]!;
      const subscription = new Subscription<Receiver>(session, filter, options);
      session.subscriptions.set(subscription);
      this.router.subscribe(subscription);
    }
    return session;
  }
}

Deno.test("EndedSessions removes a few subscriptions at once", () => {
  const { ended, router, session } = bound(new EndedWorld());
  ended.add(session("a", 1));
  ended.add(session("b", 100));
  assertEquals([router.filters, ended.size], [0, 0]);
});

Deno.test("EndedSessions removes many subscriptions a part at a time", () => {
  const { clock, ended, router, session } = bound(new EndedWorld());
  ended.add(session("many", 5000));
  ended.add(session("more", 3000));
  for (let before = router.filters; before > 0; before = router.filters) {
    assertEquals([ended.size, clock.turn()], [before, 1]);
    // A turn is not for everything there is, whatever the number of sessions.
    assert(before - router.filters <= 1000, `${before} ${router.filters}`);
  }
  assertEquals([router.filters, ended.size, clock.turn()], [0, 0, 0]);
});

Deno.test("EndedSessions removes all at once where too many would wait", () => {
  const { ended, router, session } = bound(new EndedWorld());
  for (let i = 0; i < 5; i++) ended.add(session(`${i}`, 2500));
  // Four wait, but for their first part; there is no room for the fifth.
  assert(ended.size > 7500 && ended.size < 10_000, `${ended.size}`);
  assertEquals(router.filters, ended.size);
});

Deno.test("EndedSessions.clear() forgets what is still to be done", () => {
  const { clock, ended, router, session } = bound(new EndedWorld());
  ended.add(session("many", 5000));
  const left = router.filters;
  ended.clear();
  clock.turn();
  assertEquals([router.filters, ended.size], [left, 0]);
});

Deno.test("EndedSessions holds no session whose subscriptions are removed", async () => {
  const { clock, ended, session } = bound(new EndedWorld());
  const gone = (() => {
    const many = session("many", 1000);
    ended.add(many);
    return new WeakRef(many);
  })();
  while (clock.turn() > 0);
  await collectGarbage();
  assertEquals(gone.deref(), undefined);
});

function bound(world: EndedWorld) {
  const { clock, ended, router } = world;
  return { clock, ended, router, session: world.session.bind(world) };
}
