import { assert, assertEquals } from "@std/assert";
import { type HeldCount, SharedAddresses } from "./shared_addresses.ts";

const KEY = "192.0.2.7";
/** Of which one token stays taken. */
const LIMIT = { perSecond: 0, burst: 1 };

function two(): readonly [SharedAddresses, SharedAddresses] {
  const first = new SharedAddresses(2, 0);
  return [first, new SharedAddresses(2, 1, first.buffer)];
}

function hold(addresses: SharedAddresses, key: string, nowMs = 0): HeldCount | null {
  return addresses.use(key, nowMs, (record) => record.hold("connections"));
}

function count(addresses: SharedAddresses, key: string, nowMs = 0): number | null {
  return addresses.use(key, nowMs, (record) => record.count("connections"));
}

Deno.test("SharedAddresses counts what an address holds at all workers", () => {
  const [first, second] = two();
  const held = [hold(first, KEY), hold(second, KEY), hold(second, KEY)];
  assertEquals([count(first, KEY), count(second, KEY)], [3, 3]);
  second.giveBack(held[1]!);
  assertEquals(count(first, KEY), 2);
});

Deno.test("SharedAddresses keeps apart addresses, and what they hold", () => {
  const [first, second] = two();
  const keys = ["192.0.2.8", "2.0.192.7", "2001:db8:0:1::/64", "2001:db8:1:0::/64", "0:0:0:0::/64"];
  for (const key of keys) hold(first, key);
  for (const key of keys) assertEquals(count(second, key), 1);
  assertEquals(count(second, KEY), 0);
  assertEquals(first.use(keys[0]!, 0, (record) => record.count("handshakes")), 0);
});

Deno.test("SharedAddresses has token buckets for all workers together, refilled with time", () => {
  const [first, second] = two();
  const limit = { perSecond: 1, burst: 2 };
  const take = (addresses: SharedAddresses, nowMs: number) =>
    addresses.use(KEY, nowMs, (record) => record.take("connects", limit));
  assertEquals([take(first, 0), take(second, 0), take(first, 999)], [true, true, false]);
  assertEquals([take(second, 1000), take(first, 1000)], [true, false]);
  // The clock was set back: nothing is added, and it goes on from there.
  assertEquals([take(first, 100), take(first, 1100)], [false, true]);
  // The other rate of the address is another one.
  assert(second.use(KEY, 1100, (record) => record.take("failures", limit)));
  // Of other limits it starts again.
  const more = { perSecond: 1, burst: 3 };
  assertEquals(second.use(KEY, 1100, (record) => record.tokens("connects", more)), 3);
});

Deno.test("SharedAddresses.useAll() has one record for all, which may go into debt", () => {
  const [first, second] = two();
  const limit = { perSecond: 10, burst: 1 };
  assertEquals(first.useAll(0, (all) => all.spend("connects", limit)), true);
  assertEquals(second.useAll(0, (all) => all.spend("connects", limit)), false);
  assertEquals(first.useAll(100, (all) => all.tokens("connects", limit)), 0);
});

Deno.test("SharedAddresses.clear() gives back what a worker held that has died, and its locks", () => {
  const [first, second] = two();
  hold(first, KEY);
  hold(second, KEY);
  first.useAll(0, () => {
    // It dies while it holds the lock.
    assertEquals(second.useAll(0, () => true), null);
    second.clear(0);
    assertEquals(second.useAll(0, () => true), true);
  });
  assertEquals(count(second, KEY), 1);
});

Deno.test("SharedAddresses forgets addresses that hold nothing, the least recently used first", () => {
  const [first, second] = two();
  const kept = hold(first, KEY, 0)!;
  // So many that every bucket has had more than it has room for.
  const keys = Array.from(
    { length: 200_000 },
    (_, i) => `10.${i >> 16}.${i >> 8 & 255}.${i & 255}`,
  );
  keys.forEach((key, i) => second.use(key, i + 1, (record) => record.take("connects", LIMIT)));
  assertEquals(count(second, KEY, 300_000), 1);
  const isKnown = (key: string) =>
    second.use(key, 200_001, (record) => record.tokens("connects", LIMIT)) === 0;
  assert(isKnown(keys.at(-1)!));
  assert(!isKnown(keys[0]!));
  first.giveBack(kept);
});

Deno.test("SharedAddresses.use() returns null if all addresses of a bucket hold something", () => {
  const [first, second] = two();
  let held = 0;
  let refused: string | null = null;
  for (let i = 0; refused === null; i++) {
    const key = `10.${i >> 16}.${i >> 8 & 255}.${i & 255}`;
    if (hold(first, key) === null) refused = key;
    else held++;
  }
  assert(held > 16, `${held}`);
  assertEquals(second.use(refused, 0, () => true), null);
});
