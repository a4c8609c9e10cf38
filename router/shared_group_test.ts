import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { SharedGroup } from "./shared_group.ts";
import type { Subscription } from "./subscription.ts";
import { newSeed, randomFrom } from "./testdata/random_topics.ts";
import { subscribers, subscription, type TestSubscriber } from "./testdata/subscribers.ts";

const FILTER = "$share/g/a";
const BEST = 3;

/** A group of so many members, numbered from 0. */
function groupOf(count: number): SharedGroup<TestSubscriber> {
  const group = new SharedGroup<TestSubscriber>();
  for (const subscriber of subscribers(count)) group.set(subscription(subscriber, FILTER));
  return group;
}

/** Who is chosen, `times` times in a row; `ranks` holds the rank of each, the best by default. */
function chosen(group: SharedGroup<TestSubscriber>, times: number, ranks: number[] = []): number[] {
  const rank = ({ subscriber }: Subscription<TestSubscriber>) => ranks[subscriber.id] ?? BEST;
  return Array.from({ length: times }, () => group.select(rank, BEST)?.subscriber.id ?? -1);
}

Deno.test("SharedGroup.select() has the members take turns", () => {
  assertEquals(chosen(groupOf(3), 7), [0, 1, 2, 0, 1, 2, 0]);
});

Deno.test("SharedGroup.select() spreads a burst evenly", () => {
  const counts = new Array(7).fill(0);
  for (const id of chosen(groupOf(7), 7000)) counts[id]++;
  assertEquals(counts, new Array(7).fill(1000));
});

Deno.test("SharedGroup.select() passes over who cannot take the message", () => {
  assertEquals(chosen(groupOf(3), 4, [BEST, 0, BEST]), [0, 2, 0, 2]);
});

Deno.test("SharedGroup.select() prefers the highest rank, and takes turns among equals", () => {
  assertEquals(chosen(groupOf(5), 5, [1, 2, 1, 2, 0]), [1, 3, 1, 3, 1]);
});

Deno.test("SharedGroup.select() chooses nobody when nobody can take it", () => {
  assertEquals(chosen(groupOf(2), 1, [0, 0]), [-1]);
  assertEquals(chosen(groupOf(0), 1), [-1]);
});

Deno.test("SharedGroup.select() asks no further than the best", () => {
  const group = groupOf(1000);
  let asked = 0;
  const rank = () => (asked++, BEST);
  for (let i = 0; i < 1000; i++) group.select(rank, BEST);
  assertEquals(asked, 1000);
});

Deno.test("SharedGroup.some() leaves everybody's turn as it was", () => {
  const group = groupOf(2);
  const order: number[] = [];
  for (let i = 0; i < 4; i++) {
    assert(group.some(({ subscriber }) => subscriber.id === 1));
    order.push(...chosen(group, 1));
  }
  assertEquals(order, [0, 1, 0, 1]);
});

Deno.test("SharedGroup.set() replaces the subscription of a member", () => {
  const group = groupOf(2);
  const [first] = subscribers(1);
  const [old, anew] = [subscription(first!, FILTER), subscription(first!, FILTER, { qos: 2 })];
  group.set(old);
  assertEquals(group.size, 3);
  group.set(anew);
  assertEquals(group.size, 3);
  assertStrictEquals(group.get(first!), anew);
});

Deno.test("SharedGroup.delete() returns what was there, and forgets it", () => {
  const group = new SharedGroup<TestSubscriber>();
  const [first, second] = subscribers(2);
  const kept = subscription(first!, FILTER);
  group.set(kept);
  assertEquals(group.delete(second!), undefined);
  assertStrictEquals(group.delete(first!), kept);
  assertEquals([group.size, group.get(first!), group.delete(first!)], [0, undefined, undefined]);
});

Deno.test("SharedGroup stays fair while members come and go", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const all = subscribers(20);
  const group = new SharedGroup<TestSubscriber>();
  const members = new Set<TestSubscriber>();
  for (let round = 0; round < 2000; round++) {
    const subscriber = all[random(all.length)]!;
    if (members.delete(subscriber)) assert(group.delete(subscriber) !== undefined, `seed ${seed}`);
    else {
      members.add(subscriber);
      group.set(subscription(subscriber, FILTER));
    }
    assertEquals(group.size, members.size, `seed ${seed}`);
    // Once round, everybody is chosen once.
    const ids = chosen(group, members.size).sort((a, b) => a - b);
    assertEquals(ids, [...members].map(({ id }) => id).sort((a, b) => a - b), `seed ${seed}`);
  }
});
