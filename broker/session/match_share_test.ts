import { assert, assertEquals } from "@std/assert";
import { Router } from "../../router/router.ts";
import { Subscription } from "../../router/subscription.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { TestReceiver } from "../testdata/test_receiver.ts";
import { matchFault, shareOf, subscribeCharged, unsubscribeCharged } from "./match_share.ts";
import type { Session } from "./session.ts";
import { SubscriptionTable } from "./subscription_table.ts";

/** The levels of filters that make matching dearer: there are 1024 of them. */
const LEVELS = 10;

/** What these functions need of a session. */
class TestSession extends TestReceiver {
  readonly subscriptions = new SubscriptionTable();

  get asSession(): Session {
    return this as unknown as Session;
  }
}

/** A router, and sessions that subscribe to it. */
class World {
  readonly router = new Router<Receiver>();

  constructor(readonly stepsMax: number) {}

  fault(session: TestSession, filter: string) {
    return matchFault(this.router, session.asSession, filter, this.stepsMax);
  }

  subscribe(session: TestSession, filter: string): boolean {
    const subscription = new Subscription<Receiver>(session, filter, {
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      identifier: 0,
    });
    return subscribeCharged(this.router, session.asSession, subscription);
  }

  unsubscribe(session: TestSession, filter: string): boolean {
    return unsubscribeCharged(this.router, session.asSession, filter);
  }

  /**
   * Subscribes to one filter after another that makes matching dearer, until one is refused: each
   * level is `+` or `x`, so a topic of `x` alone matches them all.
   *
   * @param every Takes every so many filters, from `from` on; others take the rest.
   */
  fill(session: TestSession, from = 0, every = 1): "all" | "share" | null {
    for (let i = from; i < 2 ** LEVELS; i += every) {
      const levels = Array.from({ length: LEVELS }, (_, level) => (i >> level) % 2 ? "+" : "x");
      const filter = levels.join("/");
      const fault = this.fault(session, filter);
      if (fault !== null) return fault;
      this.subscribe(session, filter);
    }
    return null;
  }
}

Deno.test("a session may make matching dearer by half of what the others leave, and not more", () => {
  const world = new World(200);
  const [a, b] = [new TestSession("a"), new TestSession("b")];
  assertEquals(world.fill(a, 0, 2), "share");
  const first = a.subscriptions.matchSteps;
  assert(first > 0 && first <= 100, `${first} steps`);
  assertEquals(world.fill(b, 1, 2), "share");
  const second = b.subscriptions.matchSteps;
  assert(second > 0 && second <= shareOf(200, first), `${second} steps`);
  assert(world.router.matchCost <= 200);
});

Deno.test("however many sessions take their shares, the limit for all holds", () => {
  const world = new World(50);
  const faults = Array.from({ length: 20 }, (_, i) => {
    const fault = world.fill(new TestSession(`${i}`), i, 20);
    assert(world.router.matchCost <= 50);
    return fault;
  });
  assertEquals(faults[0], "share");
  assert(faults.includes("all"), "nothing is left for the last ones");
});

Deno.test("without a limit nothing is refused", () => {
  const world = new World(0);
  const session = new TestSession("a");
  for (let i = 0; i < 1000; i++) {
    const filter = `+/${i}/+`;
    assertEquals(world.fault(session, filter), null);
    world.subscribe(session, filter);
  }
});

Deno.test("a filter that does not make matching dearer is never refused", () => {
  const world = new World(20);
  const session = new TestSession("a");
  world.fill(session);
  const [known] = session.subscriptions.filters();
  const other = new TestSession("b");
  assertEquals(world.fault(other, known!), null);
  assertEquals(world.fault(other, `$share/g/${known}`), null);
  world.subscribe(other, known!);
  assertEquals(other.subscriptions.matchSteps, 0);
});

Deno.test("a session has the steps back of a filter that it no longer has", () => {
  const world = new World(200);
  const session = new TestSession("a");
  assertEquals(world.subscribe(session, "a/+"), true);
  const one = session.subscriptions.matchSteps;
  assert(one > 0);
  assertEquals(world.subscribe(session, "b/+/+"), true);
  assert(session.subscriptions.matchSteps > one);
  assertEquals([world.unsubscribe(session, "b/+/+"), session.subscriptions.matchSteps], [
    true,
    one,
  ]);
  assertEquals([world.unsubscribe(session, "a/+"), session.subscriptions.matchSteps], [true, 0]);
});

Deno.test("a subscription that replaces another is not charged again", () => {
  const world = new World(200);
  const session = new TestSession("a");
  world.subscribe(session, "a/+");
  const { matchSteps } = session.subscriptions;
  assertEquals(world.subscribe(session, "a/+"), false);
  assertEquals([session.subscriptions.matchSteps, session.subscriptions.size], [matchSteps, 1]);
});

Deno.test("a filter that another session still has stays charged, until the first has none left", () => {
  const world = new World(200);
  const [a, b] = [new TestSession("a"), new TestSession("b")];
  world.subscribe(a, "x");
  world.subscribe(a, "a/+");
  const before = a.subscriptions.matchSteps;
  world.subscribe(b, "a/+");
  world.unsubscribe(a, "a/+");
  assertEquals(a.subscriptions.matchSteps, before);
  world.unsubscribe(a, "x");
  assertEquals([a.subscriptions.matchSteps, b.subscriptions.matchSteps], [0, 0]);
  // What becomes free now was charged to neither.
  world.unsubscribe(b, "a/+");
  assertEquals(b.subscriptions.matchSteps, 0);
});

Deno.test("a filter that a session does not have is not removed, and costs nothing", () => {
  const world = new World(200);
  const session = new TestSession("a");
  world.subscribe(session, "a/+");
  const { matchSteps } = session.subscriptions;
  assertEquals(world.unsubscribe(session, "b/+"), false);
  assertEquals([session.subscriptions.matchSteps, session.subscriptions.size], [matchSteps, 1]);
});
