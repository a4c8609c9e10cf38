import { assert, assertEquals } from "@std/assert";
import { Router } from "./router.ts";
import { subscribers, subscription, type TestSubscriber } from "./testdata/subscribers.ts";

/** So many routes that a full cache need not take every other one. */
const ROUTES = 2000;

type TestRouter = Router<TestSubscriber>;

/** Looks up topics in turn; returns how many had a route, and how many members there were. */
function lookUp(router: TestRouter, count: number, topicOf: (i: number) => string): number[] {
  let known = 0;
  let members = 0;
  for (let i = 0; i < count; i++) {
    const route = router.routeOf(topicOf(i))!;
    if (route.isCached) known++;
    members += router.audience(route).size;
  }
  return [known, members];
}

/** Who receives what is published to a topic, by number. */
function receivers(router: TestRouter, topic: string): number[] {
  const { members } = router.audience(router.routeOf(topic)!);
  return members.map(({ subscriber }) => subscriber.id).sort((a, b) => a - b);
}

Deno.test("Router keeps the routes of some topics when more come in turn than it has room for", () => {
  const router: TestRouter = new Router({ routesMax: ROUTES });
  const [one] = subscribers(1);
  for (let i = 0; i < 2 * ROUTES; i++) router.subscribe(subscription(one!, `t/${i}`));
  lookUp(router, 2 * ROUTES, (i) => `t/${i}`);
  const [known, members] = lookUp(router, 2 * ROUTES, (i) => `t/${i}`);
  // It would be none if each were removed right before it comes again.
  assert(known! > ROUTES / 2, `${known}`);
  assertEquals([members, router.routes], [2 * ROUTES, ROUTES]);
});

Deno.test("Router takes other topics into a full cache when the old ones do not come any more", () => {
  const router: TestRouter = new Router({ routesMax: ROUTES });
  for (let round = 0; round < 2; round++) lookUp(router, ROUTES, (i) => `old/${i}`);
  for (let round = 0; round < 40; round++) lookUp(router, ROUTES / 2, (i) => `new/${i}`);
  const [known] = lookUp(router, ROUTES / 2, (i) => `new/${i}`);
  assert(known! > ROUTES / 2 * 0.9, `${known}`);
});

Deno.test("Router finds who subscribes to a topic without a route, also after each change", () => {
  const router: TestRouter = new Router({ routesMax: ROUTES });
  for (let round = 0; round < 2; round++) lookUp(router, ROUTES, (i) => `known/${i}`);
  const all = subscribers(12);
  const [a, b, c, ...others] = all as [TestSubscriber, TestSubscriber, TestSubscriber];
  router.subscribe(subscription(a, "x/one"));
  router.subscribe(subscription(b, "x/two"));
  router.subscribe(subscription(c, "x/+"));
  const held = router.routeOf("x/one")!;
  assertEquals([router.audience(held).size, held.isCached], [2, false]);
  assertEquals([receivers(router, "x/two"), receivers(router, "x/three")], [[1, 2], [2]]);
  assertEquals(receivers(router, "other/topic"), []);
  router.unsubscribe(a, "x/one");
  assertEquals(router.audience(held).members.map(({ subscriber }) => subscriber.id), [2]);
  router.unsubscribe(c, "x/+");
  assertEquals(router.audience(held).sole, null);
  router.subscribe(subscription(a, "x/one"));
  assertEquals(router.audience(held).sole?.subscriber, a);
  // Wide audiences and shared groups are kept, because they have a state.
  for (const one of others) router.subscribe(subscription(one, "wide"));
  router.subscribe(subscription(a, "$share/g/grouped"));
  for (const [topic, size] of [["wide", 9], ["grouped", 0]] as const) {
    const route = router.routeOf(topic)!;
    assertEquals([router.audience(route).size, route.isCached], [size, true], topic);
  }
});

Deno.test("Router has one audience for all topics of a filter, also for those without a route", () => {
  for (const count of [1, 2, 20]) {
    const router: TestRouter = new Router({ routesMax: ROUTES });
    const all = subscribers(count + 1);
    for (const one of all.slice(1)) router.subscribe(subscription(one, "t/#"));
    for (let round = 0; round < 2; round++) lookUp(router, ROUTES, (i) => `t/${i}`);
    const shared = router.audience(router.routeOf("t/0")!);
    const bytes = router.routesBytes;
    const other = router.routeOf("t/other")!;
    assertEquals([router.audience(other) === shared, other.isCached], [true, false]);
    assertEquals([shared.routes, router.routesBytes], [ROUTES, bytes]);
    // Who comes then is in it.
    router.subscribe(subscription(all[0]!, "t/#"));
    assertEquals([router.audience(other) === shared, shared.size], [true, count + 1]);
    assert(router.routesBytes > bytes, "its members were weighed");
    router.unsubscribe(all[0]!, "t/#");
    const last = router.routeOf("t/last")!;
    assertEquals([router.audience(last) === shared, shared.size], [true, count]);
    for (const one of all.slice(1)) router.unsubscribe(one, "t/#");
    assertEquals([router.audience(last).size, router.audience(other).size], [0, 0]);
  }
});

Deno.test("Route.isAt() compares every byte, of ASCII and of other topics", () => {
  const router: TestRouter = new Router();
  const encoder = new TextEncoder();
  for (const topic of ["a/b", "é/b", "x".repeat(100), "水/".repeat(30)]) {
    const route = router.routeOf(topic)!;
    const bytes = encoder.encode(`-${topic}-`);
    assert(route.isAt(bytes, 1, bytes.length - 1), topic);
    assertEquals([...route.bytes], [...encoder.encode(topic)]);
    for (let at = 1; at < bytes.length - 1; at++) {
      const other = bytes.slice();
      other[at]! ^= 1;
      assert(!route.isAt(other, 1, bytes.length - 1), `${topic} at ${at}`);
    }
    assert(!route.isAt(bytes, 1, bytes.length));
  }
});
