import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { MalformedPacketError } from "../codec/mod.ts";
import type { Audience } from "./audience.ts";
import type { Member } from "./member.ts";
import type { Route } from "./route_cache.ts";
import { Router, type RouterOptions } from "./router.ts";
import { Subscription, type SubscriptionOptions } from "./subscription.ts";
import {
  newSeed,
  type Random,
  randomFilter,
  randomFrom,
  randomTopic,
  slowlyMatches,
} from "./testdata/random_topics.ts";
import { hasMoreLevels } from "./topic.ts";
import { subscribers, subscription, type TestSubscriber } from "./testdata/subscribers.ts";

type TestRouter = Router<TestSubscriber>;

const encoder = new TextEncoder();

/** Who receives what is published to a topic, by number. */
function receivers(router: TestRouter, topic: string): number[] {
  const { members } = router.audience(router.routeOf(topic)!);
  return members.map(({ subscriber }) => subscriber.id).sort((a, b) => a - b);
}

const [ONE, OTHER] = subscribers(2) as [TestSubscriber, TestSubscriber];

Deno.test("hasMoreLevels() counts levels, empty ones included", () => {
  assertEquals([hasMoreLevels("a", 1), hasMoreLevels("a/b", 1)], [false, true]);
  assertEquals([hasMoreLevels("///", 4), hasMoreLevels("///", 3)], [false, true]);
  assertEquals([hasMoreLevels("a", 0), hasMoreLevels("a/b", Infinity)], [true, false]);
});

Deno.test("Router.route() gives one route to each topic, by its bytes", () => {
  const router: TestRouter = new Router();
  const buffer = encoder.encode("xé/bx");
  const route = router.route(buffer, 1, 5)!;
  assertEquals([route.topic, ...route.bytes], ["é/b", ...encoder.encode("é/b")]);
  buffer.fill(0);
  assertStrictEquals(router.routeOf("é/b"), route, "it keeps bytes of its own");
  assertEquals(router.routes, 1);
});

Deno.test("Router.route() takes no topic that is invalid, or has too many levels", () => {
  const router: TestRouter = new Router({ levelsMax: 2 });
  for (const topic of ["", "a/+", "#", "a/b/c"]) assertEquals(router.routeOf(topic), null, topic);
  assert(router.routeOf("a/b") !== null);
  assertThrows(() => router.route(Uint8Array.of(0xff), 0, 1), MalformedPacketError);
  assertEquals(router.routes, 1);
});

Deno.test("Router.audience() follows subscriptions that come and go", () => {
  const router: TestRouter = new Router();
  assertEquals(receivers(router, "a/b"), []);
  router.subscribe(subscription(ONE, "a/b"));
  assertEquals(receivers(router, "a/b"), [0]);
  router.subscribe(subscription(OTHER, "a/+"));
  assertEquals([receivers(router, "a/b"), receivers(router, "a/c")], [[0, 1], [1]]);
  router.unsubscribe(ONE, "a/b");
  assertEquals([receivers(router, "a/b"), receivers(router, "a/c")], [[1], [1]]);
  router.unsubscribe(OTHER, "a/+");
  assertEquals([receivers(router, "a/b"), receivers(router, "a/c")], [[], []]);
  assertEquals(router.filters, 0);
});

Deno.test("Router.subscribe() returns the subscription it replaces [MQTT-3.8.4-3]", () => {
  const router: TestRouter = new Router();
  for (const filter of ["a", "a/+", "$share/g/a"]) {
    const first = subscription(ONE, filter);
    assertEquals(router.subscribe(first), undefined);
    assertEquals(router.subscribe(subscription(OTHER, filter)), undefined);
    assertStrictEquals(router.subscribe(subscription(ONE, filter, { qos: 1 })), first);
  }
});

Deno.test("Router.unsubscribe() returns what it removes, if anything", () => {
  const router: TestRouter = new Router();
  for (const filter of ["a", "a/+", "$share/7/a"]) {
    assertEquals(router.unsubscribe(ONE, filter), undefined);
    const added = subscription(ONE, filter);
    router.subscribe(added);
    assertEquals(router.unsubscribe(OTHER, filter), undefined);
    assertStrictEquals(router.unsubscribe(ONE, filter), added);
    assertEquals([router.unsubscribe(ONE, filter), router.filters], [undefined, 0]);
  }
});

Deno.test("Router.group() finds a shared group while it has members", () => {
  const router: TestRouter = new Router();
  assertEquals(router.group("a", "7"), undefined);
  router.subscribe(subscription(ONE, "$share/7/a"));
  assertEquals([router.group("a", "7")?.size, router.group("a", "8")], [1, undefined]);
  assertEquals(router.audience(router.routeOf("a")!).members, []);
  assertEquals(router.audience(router.routeOf("a")!).groups?.length, 1);
  router.unsubscribe(ONE, "$share/7/a");
  assertEquals(router.group("a", "7"), undefined);
  assertEquals(router.audience(router.routeOf("a")!).groups, null);
});

Deno.test("Router.group() is not slowed by numerals whose hashes V8 lets a peer choose", () => {
  const router: TestRouter = new Router();
  router.subscribe(subscription(ONE, "$share/g/a"));
  const started = performance.now();
  for (let numeral = 0; numeral < 2 ** 32; numeral += 65_536) {
    assertEquals(router.group("a", `${numeral}`), undefined);
  }
  // It takes 0.1 s, and more than a minute if the numerals are looked up in a map as they are.
  assert(performance.now() - started < 2000);
});

Deno.test("Router.audience() is one for all topics that match the same filters", () => {
  const router: TestRouter = new Router();
  router.subscribe(subscription(ONE, "a/+"));
  router.subscribe(subscription(ONE, "#"));
  const audienceOf = (topic: string) => router.audience(router.routeOf(topic)!);
  assertStrictEquals(audienceOf("a/b"), audienceOf("a/c"));
  assert(audienceOf("a/b") !== audienceOf("b"));
  assertStrictEquals(audienceOf("b"), audienceOf("c"));
});

Deno.test("Router.audience() leaves the audiences of other topics alone", () => {
  const router: TestRouter = new Router();
  router.subscribe(subscription(ONE, "a/b"));
  const route = router.routeOf("a/b")!;
  const before = router.audience(route);
  const [member] = before.members;
  for (let i = 0; i < 10; i++) router.subscribe(subscription(OTHER, `c/${i}/#`));
  assertStrictEquals(router.audience(route), before);
  assertStrictEquals(router.audience(route).members[0]!, member!);
  // Past what a route checks one by one it asks the trie, with the same answer.
  for (let i = 0; i < 100; i++) router.subscribe(subscription(OTHER, `d/${i}/#`));
  assertStrictEquals(router.audience(route), before);
});

Deno.test("Router.touch() has the audience look at a subscriber again", () => {
  const router: TestRouter = new Router();
  for (const subscriber of subscribers(20)) router.subscribe(subscription(subscriber, "a"));
  router.subscribe(subscription(ONE, "$share/g/a"));
  const audience = router.audience(router.routeOf("a")!);
  const told: string[] = [];
  const tell = (what: string) => ({ subscriber }: Member<TestSubscriber>) =>
    told.push(`${what} ${subscriber.id}`);
  audience.observe({ onAdded: tell("added"), onRemoved: tell("removed") });
  router.touch(audience.members[3]!.subscriber, "a");
  router.touch(ONE, "$share/g/a");
  router.touch(ONE, "nobody");
  router.audience(router.routeOf("a")!);
  assertEquals(told, ["removed 3", "added 3"]);
});

Deno.test("Router.audience() of one subscription stays while others come to its filter and leave", () => {
  for (const filter of ["a/b", "a/+", "a/#"]) {
    const router: TestRouter = new Router();
    const mine = subscription(ONE, filter);
    router.subscribe(mine);
    const route = router.routeOf("a/b")!;
    const audience = router.audience(route);
    assertEquals([audience.sole?.qos, audience.only], [0, mine]);
    assertThrows(() => audience.observe({ onAdded() {}, onRemoved() {} }), Error, "no observer");
    const again = subscription(ONE, filter, { qos: 1 });
    assertStrictEquals(router.subscribe(again), mine);
    assertStrictEquals(router.audience(route), audience);
    assertEquals([audience.sole?.qos, audience.only, mine.solo], [1, again, null]);
    const member = audience.sole;
    router.touch(ONE, filter);
    assert(router.audience(route) === audience && audience.sole !== member, "looked at again");
    router.subscribe(subscription(OTHER, filter));
    assertStrictEquals(router.audience(route), audience);
    assertEquals([receivers(router, "a/b"), audience.only, again.solo], [[0, 1], null, null]);
    router.unsubscribe(ONE, filter);
    assertEquals([receivers(router, "a/b"), audience.sole?.subscriber], [[1], OTHER]);
    router.subscribe(subscription(ONE, `$share/g/${filter}`));
    assertEquals([router.audience(route).groups?.length, audience.sole], [1, null]);
    router.unsubscribe(ONE, `$share/g/${filter}`);
    router.unsubscribe(OTHER, filter);
    assertEquals(receivers(router, "a/b"), []);
  }
});

Deno.test("Router.audience() of one subscription ends with the subscription", () => {
  const router: TestRouter = new Router();
  const first = subscription(ONE, "a/+");
  router.subscribe(first);
  const audience = router.audience(router.routeOf("a/b")!);
  assertStrictEquals(router.audience(router.routeOf("a/c")!), audience, "for both topics");
  const bytes = router.routesBytes;
  router.unsubscribe(ONE, "a/+");
  assertEquals([first.solo, audience.only], [null, null]);
  router.subscribe(subscription(ONE, "a/+"));
  assertEquals([receivers(router, "a/b"), receivers(router, "a/c")], [[0], [0]]);
  assertEquals([audience.routes, router.routesBytes], [0, bytes]);
});

Deno.test("Router.audience() is right for a route that the cache has dropped", () => {
  const router: TestRouter = new Router({ routesMax: 4 });
  router.subscribe(subscription(ONE, "a/#"));
  const held = router.routeOf("a/held")!;
  for (let i = 0; i < 50; i++) receivers(router, `a/${i}`);
  router.subscribe(subscription(OTHER, "+/held"));
  assertEquals(router.audience(held).members.length, 2);
  router.unsubscribe(OTHER, "+/held");
  assertEquals(router.audience(held).members.length, 1);
});

Deno.test("Router lets an audience go with the last route in the cache that leads there", () => {
  const router: TestRouter = new Router({ routesMax: 4 });
  router.subscribe(subscription(ONE, "a/#"));
  router.subscribe(subscription(OTHER, "+/held"));
  const held = router.routeOf("a/held")!;
  const first = router.audience(held);
  const flood = () => {
    for (let i = 0; i < 50; i++) receivers(router, `a/${i}`);
  };
  assertEquals([first.routes, held.isCached], [1, true]);
  flood();
  assertEquals([first.routes, held.isCached], [0, false]);
  const second = router.audience(held);
  assertEquals([second === first, second.routes, held.isCached], [false, 1, true]);
  flood();
  const other = router.routeOf("a/held")!;
  assertStrictEquals(router.audience(held), router.audience(other));
  assertEquals([held.isCached, other.isCached, router.audience(other).routes], [false, true, 1]);
  assertEquals(router.routes, 4);
});

Deno.test("Router has a route checked again that was not in the cache when permissions changed", () => {
  const router: TestRouter = new Router({ routesMax: 4 });
  router.subscribe(subscription(ONE, "a/#"));
  const held = router.routeOf("a/held")!;
  router.audience(held);
  held.checkedBy = {};
  for (let i = 0; i < 50; i++) receivers(router, `a/${i}`);
  router.uncheck();
  router.audience(held);
  assertEquals([held.isCached, held.checkedBy], [true, null]);
});

/** A router and, beside it, a model of it that is too simple to be wrong. */
class CheckedRouter {
  readonly router: TestRouter;
  readonly #random: Random;
  readonly #filters: string[];
  readonly #topics: string[];
  /** The topics' routes, as a connection would hold them. */
  readonly #routes: (Route<TestSubscriber> | null)[];
  /** For each topic, which filters match it. */
  readonly #matches: number[][];
  readonly #subscribers: TestSubscriber[];
  /** The options of each subscriber, by filter, and the members of each filter's group. */
  readonly #options: (SubscriptionOptions | undefined)[][];
  readonly #shared: Set<TestSubscriber>[];
  /** Scratch: the members of an audience by the number of the subscriber. */
  readonly #members: (Member<TestSubscriber> | undefined)[] = [];

  constructor(random: Random, count: number, options: RouterOptions) {
    this.#random = random;
    this.#subscribers = subscribers(count);
    this.router = new Router(options);
    this.#filters = [...new Set(Array.from({ length: 14 }, () => randomFilter(random)))];
    this.#topics = Array.from({ length: 20 }, () => randomTopic(random));
    this.#routes = this.#topics.map(() => null);
    this.#matches = this.#topics.map((topic) =>
      [...this.#filters.keys()].filter((filter) => slowlyMatches(this.#filters[filter]!, topic))
    );
    this.#options = this.#filters.map(() => []);
    this.#shared = this.#filters.map(() => new Set());
  }

  /** Changes a subscription, or a membership of a shared group. */
  change(): void {
    const index = this.#random(this.#filters.length);
    const filter = this.#filters[index]!;
    const subscriber = this.#subscribers[this.#random(this.#subscribers.length)]!;
    if (this.#random(8) === 0) this.#changeShared(index, `$share/7/${filter}`, subscriber);
    else this.#changeOwn(index, filter, subscriber);
  }

  #changeOwn(index: number, filter: string, subscriber: TestSubscriber): void {
    const options = this.#options[index]!;
    const before = options[subscriber.id];
    if (this.#random(2) === 0) {
      assertEquals(this.router.unsubscribe(subscriber, filter)?.options, before);
      options[subscriber.id] = undefined;
      return;
    }
    const added = new Subscription(subscriber, filter, {
      qos: this.#random(3) as 0 | 1 | 2,
      noLocal: this.#random(4) === 0,
      retainAsPublished: this.#random(4) === 0,
      retainHandling: 0,
      identifier: this.#random(3),
    });
    assertEquals(this.router.subscribe(added)?.options, before);
    options[subscriber.id] = added.options;
  }

  #changeShared(index: number, filter: string, subscriber: TestSubscriber): void {
    const members = this.#shared[index]!;
    const was = members.has(subscriber);
    if (this.#random(2) === 0) {
      members.delete(subscriber);
      assertEquals(this.router.unsubscribe(subscriber, filter) !== undefined, was);
    } else {
      members.add(subscriber);
      assertEquals(this.router.subscribe(subscription(subscriber, filter)) !== undefined, was);
    }
  }

  /** Looks at the audience of a topic. */
  check(): void {
    const index = this.#random(this.#topics.length);
    const topic = this.#topics[index]!;
    // Half of the time by a route held since long, which the cache may have dropped.
    const held = this.#random(2) === 0 ? this.#routes[index]! : null;
    const route = held ?? (this.#routes[index] = this.router.routeOf(topic));
    const audience = this.router.audience(route!);
    this.#checkMembers(audience, this.#matches[index]!);
    let groups = 0;
    for (const filter of this.#matches[index]!) if (this.#shared[filter]!.size > 0) groups++;
    assert((audience.groups?.length ?? 0) === groups, topic);
  }

  #checkMembers(audience: Audience<TestSubscriber>, matches: number[]): void {
    this.#members.length = 0;
    for (const member of audience.members) this.#members[member.subscriber.id] = member;
    let count = 0;
    for (const { id } of this.#subscribers) {
      if (this.#checkMember(this.#members[id], id, matches)) count++;
    }
    assert(audience.members.length === count, "each is a member once");
  }

  /** Adds up a subscriber's subscriptions once more; says whether it has any. */
  #checkMember(member: Member<TestSubscriber> | undefined, id: number, matches: number[]): boolean {
    let subscribed = 0;
    let local = 0;
    let [qos, ownQos, identifiers, ownIdentifiers] = [0, 0, 0, 0];
    let asPublished = false;
    for (const filter of matches) {
      const options = this.#options[filter]![id];
      if (options === undefined) continue;
      subscribed++;
      qos = Math.max(qos, options.qos);
      // Identifiers are 1 and 2: they are counted in the digits of a number.
      if (options.identifier > 0) identifiers += 100 ** options.identifier;
      asPublished ||= options.retainAsPublished;
      if (options.noLocal) continue;
      local++;
      ownQos = Math.max(ownQos, options.qos);
      if (options.identifier > 0) ownIdentifiers += 100 ** options.identifier;
    }
    if (member === undefined || subscribed === 0) {
      assert(member === undefined && subscribed === 0, "who is subscribed is a member");
      return false;
    }
    assert(member.qos === qos && member.retainAsPublished === asPublished);
    assert(counted(member.identifiers) === identifiers);
    const { own } = member;
    if (local === subscribed) assert(own === undefined);
    else if (local === 0) assert(own === null);
    else assert(own?.qos === ownQos && counted(own.identifiers) === ownIdentifiers);
    return true;
  }
}

function counted(identifiers: readonly number[] | null): number {
  return identifiers?.reduce((sum, identifier) => sum + 100 ** identifier, 0) ?? 0;
}

/** How many steps in all, in how many worlds of filters, topics and cache sizes. */
const STEPS = 1_000_000;
const WORLDS = 40;

Deno.test("Router agrees with a slow matcher through a million random steps", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  for (let world = 0; world < WORLDS; world++) {
    // A cache too small for all topics drops routes; in every third world it is.
    const routesMax = world % 3 === 0 ? 8 : 1000;
    // With few subscribers filters come and go all the time; with many, audiences are large.
    const checked = new CheckedRouter(random, world % 2 === 0 ? 2 : 14, { routesMax, seed: world });
    const changesOfTen = world % 4 < 2 ? 3 : 9;
    try {
      for (let step = 0; step < STEPS / WORLDS; step++) {
        if (random(10) < changesOfTen) checked.change();
        else checked.check();
      }
    } catch (cause) {
      throw new Error(`The router is wrong: world ${world}, seed ${seed}`, { cause });
    }
  }
});

Deno.test("routesBytes counts members that join an audience after its route was found", () => {
  const router: TestRouter = new Router();
  const everyone = subscribers(1000);
  router.subscribe(subscription(everyone[0]!, "#"));
  const topics = Array.from({ length: 50 }, (_, i) => `t/${i}`);
  for (const topic of topics) {
    router.subscribe(subscription(everyone[0]!, topic));
    router.audience(router.routeOf(topic)!);
  }
  const before = router.routesBytes;
  for (const subscriber of everyone) router.subscribe(subscription(subscriber, "#"));
  for (const topic of topics) assertEquals(receivers(router, topic).length, 1000);
  const grown = router.routesBytes - before;
  assert(grown >= 50 * 999 * 100, `${grown} bytes for ${50 * 999} members`);
  for (const subscriber of everyone.slice(1)) router.unsubscribe(subscriber, "#");
  for (const topic of topics) assertEquals(receivers(router, topic).length, 1);
  assertEquals(router.routesBytes, before);
});

Deno.test("limitRoutes() lets go of audiences that have grown beyond what routes may cost", () => {
  const router: TestRouter = new Router();
  const everyone = subscribers(1000);
  for (let i = 0; i < 20; i++) {
    router.subscribe(subscription(everyone[0]!, `t/${i}`));
    router.audience(router.routeOf(`t/${i}`)!);
  }
  router.limitRoutes(400_000);
  for (const subscriber of everyone) router.subscribe(subscription(subscriber, "#"));
  for (let i = 0; i < 20; i++) {
    assertEquals(receivers(router, `t/${i}`).length, 1000);
    assert(router.routesBytes <= 400_000 + 1000 * 300, `${router.routesBytes} bytes after ${i}`);
  }
  assert(router.routes < 20);
});
