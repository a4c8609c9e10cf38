/**
 * Measures the way from a topic's bytes to who receives: the route, remembered or new, and its
 * audience, while nothing changes and after each change.
 *
 *     deno bench bench/route_bench.ts
 *
 * On two cores of a 2.1 GHz x86-64 Linux machine with Deno 2.9.6 (ratios carry over, figures do not):
 *
 * | what | figure |
 * |---|---|
 * | find a route by bytes among 1 / 1000 / 50,000 | 45 / 60 / 200 ns |
 * | make a route and its audience, with room or without | 3.7 µs |
 * | look at an audience while nothing changes | 6 ns |
 * | the same after one of 1 / 10 / 10,000 has subscribed again | 0.2 / 0.4 / 0.4 µs |
 * | the same after a filter has come and gone: no match / match with 10 / with 10,000 members | 1 µs / 5 µs / 2.5 ms |
 *
 * @module
 */
import type { Route } from "../router/route_cache.ts";
import { Router } from "../router/router.ts";
import { type Subscriber, Subscription } from "../router/subscription.ts";

const OPTIONS = {
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  identifier: 0,
} as const;

const encoder = new TextEncoder();

/** A router in which many subscribers have the same filter. */
function routerOf(
  subscribers: number,
  filter: string,
): { router: Router<Subscriber>; one: Subscription<Subscriber> } {
  const router = new Router<Subscriber>({ seed: 1 });
  const all = Array.from(
    { length: subscribers },
    () => new Subscription<Subscriber>({ wireClass: 0 }, filter, OPTIONS),
  );
  for (const subscription of all) router.subscribe(subscription);
  return { router, one: all[0]! };
}

/** Finds an existing route. */
function routeOf(router: Router<Subscriber>, topic: string): Route<Subscriber> {
  const route = router.routeOf(topic);
  if (route === null) throw new Error(`Cannot route: ${topic}`);
  return route;
}

for (const topics of [1, 1000, 50_000]) {
  const { router } = routerOf(1, "site/#");
  const known = Array.from({ length: topics }, (_, i) => encoder.encode(`site/${i}/device/heat`));
  for (const bytes of known) router.audience(router.route(bytes, 0, bytes.length)!);
  let turn = 0;
  Deno.bench({
    name: `find a route by bytes among ${topics}`,
    group: "route: known",
    baseline: topics === 1,
    fn() {
      const bytes = known[turn++ % topics]!;
      if (router.route(bytes, 0, bytes.length) === null) throw new Error("Cannot route");
    },
  });
}

for (const [name, routesMax] of [["there is room", Infinity], ["one must go", 10_000]] as const) {
  const router = new Router<Subscriber>({ seed: 1, routesMax });
  router.subscribe(new Subscription<Subscriber>({ wireClass: 0 }, "site/#", OPTIONS));
  for (let i = 0; i < 10_000; i++) router.audience(routeOf(router, `known/${i}`));
  let turn = 0;
  Deno.bench({
    name: `make a route and its audience, ${name}`,
    group: "route: new",
    baseline: routesMax === Infinity,
    fn() {
      router.audience(routeOf(router, `site/${turn++}/device/heat`));
    },
  });
}

for (const members of [1, 10, 10_000]) {
  const { router, one } = routerOf(members, "site/+/heat");
  const route = routeOf(router, "site/7/heat");
  router.audience(route);
  Deno.bench({
    name: `look at an audience of ${members}`,
    group: "audience: nothing has changed",
    baseline: members === 1,
    fn() {
      if (router.audience(route).members.length !== members) throw new Error("Cannot look");
    },
  });
  Deno.bench({
    name: `resubscribe one of ${members} and look`,
    group: "audience: a subscription has changed",
    baseline: members === 1,
    fn() {
      router.subscribe(one);
      if (router.audience(route).members.length !== members) throw new Error("Cannot look");
    },
  });
  const other = new Subscription<Subscriber>({ wireClass: 0 }, "site/+/+", OPTIONS);
  Deno.bench({
    name: `add and remove a filter that matches, beside ${members}`,
    group: "audience: a filter that matches has come and gone",
    baseline: members === 1,
    fn() {
      router.subscribe(other);
      router.audience(route);
      router.unsubscribe(other.subscriber, other.filter);
      router.audience(route);
    },
  });
  const stranger = new Subscription<Subscriber>({ wireClass: 0 }, "elsewhere/+", OPTIONS);
  Deno.bench({
    name: `add and remove a filter that does not match, beside ${members}`,
    group: "audience: another filter has come and gone",
    baseline: members === 1,
    fn() {
      router.subscribe(stranger);
      router.audience(route);
      router.unsubscribe(stranger.subscriber, stranger.filter);
      router.audience(route);
    },
  });
}
