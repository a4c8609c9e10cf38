import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Route, RouteCache, sameBytes } from "./route_cache.ts";
import { newSeed, randomFrom } from "./testdata/random_topics.ts";
import type { TestSubscriber } from "./testdata/subscribers.ts";

type TestRoute = Route<TestSubscriber>;

const encoder = new TextEncoder();

/** A cache that is spoken to in texts. */
class TestCache {
  readonly dropped: string[] = [];
  readonly cache: RouteCache<TestSubscriber>;

  constructor(routesMax: number, readonly hash?: (topic: string) => number) {
    this.cache = new RouteCache(routesMax, 1, ({ topic }) => this.dropped.push(topic));
  }

  find(topic: string): TestRoute | null {
    const bytes = encoder.encode(topic);
    return this.cache.find(bytes, 0, bytes.length, this.#hashOf(topic, bytes));
  }

  add(topic: string): TestRoute {
    const bytes = encoder.encode(topic);
    const route = new Route<TestSubscriber>(topic, bytes, this.#hashOf(topic, bytes));
    this.cache.add(route);
    return route;
  }

  #hashOf(topic: string, bytes: Uint8Array): number {
    return this.hash?.(topic) ?? this.cache.hash(bytes, 0, bytes.length);
  }
}

/** The topics `t/0`, `t/1` and so on. */
function topics(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `t/${i}`);
}

Deno.test("RouteCache.find() finds by bytes what was added, anywhere in a buffer", () => {
  const { cache } = new TestCache(10);
  const buffer = encoder.encode("xa/bx");
  const hash = cache.hash(buffer, 1, 4);
  assertEquals(cache.find(buffer, 1, 4, hash), null);
  const route = new Route<TestSubscriber>("a/b", buffer.slice(1, 4), hash);
  cache.add(route);
  assertStrictEquals(cache.find(encoder.encode("a/b"), 0, 3, hash), route);
  assertEquals(cache.find(buffer, 1, 3, hash), null);
});

Deno.test("RouteCache.hash() differs with the seed", () => {
  const bytes = encoder.encode("a/b/c");
  const hashes = [0, 1, 2, -1].map((seed) =>
    new RouteCache(1, seed, () => {}).hash(bytes, 0, bytes.length)
  );
  assertEquals(new Set(hashes).size, 4);
});

Deno.test("RouteCache finds all of many topics, while it grows", () => {
  const cache = new TestCache(100_000);
  const all = topics(10_000);
  const routes = all.map((topic) => cache.add(topic));
  assertEquals(cache.cache.size, 10_000);
  all.forEach((topic, index) => assertStrictEquals(cache.find(topic), routes[index]!));
  assertEquals(cache.dropped, []);
});

Deno.test("RouteCache keeps no more routes than it may, and tells which it drops", () => {
  const cache = new TestCache(100);
  const all = topics(1000);
  for (const topic of all) {
    cache.add(topic);
    assert(cache.cache.size <= 100);
    assert(cache.find(topic) !== null);
  }
  const kept = all.filter((topic) => cache.find(topic) !== null);
  assertEquals(kept.length, 100);
  assertEquals(cache.dropped.toSorted(), all.filter((topic) => !kept.includes(topic)).toSorted());
});

Deno.test("RouteCache with room for one route keeps the last", () => {
  const cache = new TestCache(1);
  for (const topic of topics(5)) cache.add(topic);
  assertEquals(topics(5).filter((topic) => cache.find(topic) !== null), ["t/4"]);
});

Deno.test("RouteCache gives a route that is used a second chance", () => {
  const cache = new TestCache(50);
  const used = topics(10);
  for (const topic of used) cache.add(topic);
  // Topics that are published to once pass through and leave the others alone.
  for (let i = 0; i < 2000; i++) {
    cache.add(`once/${i}`);
    for (const topic of used) assert(cache.find(topic) !== null, `${topic} after ${i}`);
  }
  assertEquals(cache.cache.size, 50);
});

Deno.test("RouteCache bounds the chain of topics whose hashes collide", () => {
  const cache = new TestCache(1000, () => 7);
  const all = topics(200);
  for (const topic of all) cache.add(topic);
  assertEquals(cache.cache.size, 16);
  assertEquals(cache.dropped, all.slice(0, -16), "the oldest go");
  for (const topic of all.slice(-16)) assert(cache.find(topic) !== null);
});

Deno.test("RouteCache keeps its bounds through random topics with colliding hashes", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const cache = new TestCache(60, (topic) => topic.length * 64 + topic.charCodeAt(2) % 3);
  const live = new Map<string, TestRoute>();
  let dropped = 0;
  for (let step = 0; step < 50_000; step++) {
    const topic = `t/${random(300)}`;
    const known = cache.find(topic);
    assertStrictEquals(known, live.get(topic) ?? null, `seed ${seed}`);
    if (known === null) live.set(topic, cache.add(topic));
    for (; dropped < cache.dropped.length; dropped++) {
      assert(cache.dropped[dropped] !== topic, `${topic} drops itself, seed ${seed}`);
      assert(live.delete(cache.dropped[dropped]!), `seed ${seed}`);
    }
    assertEquals(cache.cache.size, live.size, `seed ${seed}`);
    assert(live.size <= 60, `seed ${seed}`);
  }
});

Deno.test("sameBytes() compares just the bytes it is told to", () => {
  const topic = encoder.encode("abc");
  const buffer = encoder.encode("xabcabd");
  assert(sameBytes(topic, buffer, 1, 4));
  assertEquals([sameBytes(topic, buffer, 4, 7), sameBytes(topic, buffer, 1, 5)], [false, false]);
  assert(sameBytes(new Uint8Array(0), buffer, 3, 3));
});
