import { assert, assertEquals } from "@std/assert";
import { FilterTrie } from "./filter_trie.ts";
import { newSeed, type Random, randomFrom } from "./testdata/random_topics.ts";

interface Value {
  filter: string;
}

function trieOf(filters: Iterable<string>): FilterTrie<Value> {
  const trie = new FilterTrie<Value>();
  for (const filter of filters) trie.getOrCreate(filter, () => ({ filter }));
  return trie;
}

/** Levels of a random text: few in front, so that branches meet, and many names behind. */
function randomLevels(random: Random, isFilter: boolean): string {
  const levels = Array.from({ length: 1 + random(6) }, (_, level) => {
    if (isFilter && random(2) === 0) return "+";
    return level % 2 === 0 ? "ab"[random(2)]! : `n${random(40)}`;
  });
  if (isFilter && random(5) === 0) levels.push("#");
  return levels.join("/");
}

/** What a trie of these filters costs, by the definition: filters as lists of levels, no trie. */
function slowCost(filters: readonly (readonly string[])[]): number {
  if (filters.length === 0) return 0;
  const below = new Map<string, string[][]>();
  for (const [first, ...others] of filters) {
    if (first === undefined || first === "#") continue;
    const known = below.get(first);
    if (known === undefined) below.set(first, [others]);
    else known.push(others);
  }
  const plus = slowCost(below.get("+") ?? []);
  below.delete("+");
  return 1 + Math.max(0, ...[...below.values()].map(slowCost)) + plus;
}

function isPlain(filter: string): boolean {
  return filter.includes("/") && !/[+#]/.test(filter);
}

function slowCostOf(filters: Iterable<string>): number {
  return slowCost([...filters].filter((one) => !isPlain(one)).map((one) => one.split("/")));
}

Deno.test("FilterTrie.cost is what its definition says, and no match visits more", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const trie = new FilterTrie<Value>();
  const filters = new Set<string>();
  for (let change = 0; change < 6000; change++) {
    const message = `seed ${seed}, change ${change}`;
    if (random(4) < (change % 3000 < 1500 ? 3 : 1)) {
      const filter = randomLevels(random, true);
      const expected = trie.costWith(filter);
      trie.getOrCreate(filter, () => ({ filter }));
      filters.add(filter);
      assertEquals(trie.cost, expected, `${filter}, ${message}`);
    } else {
      const filter = [...filters][random(filters.size)] ?? "a/+";
      assertEquals(trie.delete(filter), filters.delete(filter), message);
    }
    if (change % 20 === 0) assertEquals(trie.cost, slowCostOf(filters), message);
    const visited = trie.match(randomLevels(random, false), []);
    assert(visited <= trie.cost, `${visited} of ${trie.cost}, ${message}`);
  }
  for (const filter of filters) trie.delete(filter);
  assertEquals(trie.cost, 0, `seed ${seed}`);
});

Deno.test("FilterTrie.cost is small for great sets of filters that are harmless", () => {
  const devices = function* () {
    for (let i = 0; i < 100_000; i++) yield `device/+/x/${i}`;
    for (let i = 0; i < 10_000; i++) yield `room/${i}/+`;
  };
  assertEquals(trieOf(devices()).cost, 5);
  const patterns = Array.from(
    { length: 1024 },
    (_, bits) => Array.from({ length: 10 }, (_, i) => bits >> i & 1 ? "+" : "a").join("/"),
  );
  // The one without + is no part of the trie.
  assertEquals(trieOf(patterns).cost, 2046);
  const chains = Array.from({ length: 64 }, (_, i) => "+/".repeat(i) + "+");
  assertEquals(trieOf(chains).cost, 65);
});

Deno.test("FilterTrie.cost grows with what one topic has to be compared with", () => {
  const random = randomFrom(7);
  const trie = new FilterTrie<Value>();
  for (let i = 0; i < 500; i++) {
    const filter = Array.from({ length: 50 }, () => random(4) > 0 ? "a" : "+").join("/");
    trie.getOrCreate(filter, () => ({ filter }));
  }
  assert(trie.cost > 10_000, `${trie.cost}`);
});

Deno.test("FilterTrie.cost of more than a million stays where it is, and falls again", () => {
  const trie = new FilterTrie<Value>();
  const deep = "+/".repeat(700_000) + "+";
  trie.getOrCreate("a/+", () => ({ filter: "a/+" }));
  trie.getOrCreate(deep, () => ({ filter: deep }));
  trie.getOrCreate("+/x" + deep, () => ({ filter: "" }));
  assertEquals(trie.cost, 2 ** 20 - 1);
  trie.delete("+/x" + deep);
  assertEquals(trie.cost, 700_001 + 1 + 2);
  trie.delete(deep);
  assertEquals(trie.cost, 3);
});

Deno.test("FilterTrie.match() does not follow branches that end before the topic does", () => {
  const patterns = Array.from(
    { length: 256 },
    (_, bits) => Array.from({ length: 8 }, (_, i) => bits >> i & 1 ? "+" : "a").join("/"),
  );
  const trie = trieOf(patterns);
  assertEquals(trie.match("a/a/a/a/a/a/a/a/a", []), 1);
  const into: Value[] = [];
  assertEquals([trie.match("a/a/a/a/a/a/a/a", into), into.length], [510, 256]);
  // With # there is no end.
  trie.getOrCreate("a/+/#", () => ({ filter: "a/+/#" }));
  into.length = 0;
  assertEquals([trie.match("a/a/a/a/a/a/a/a/a", into), into.length], [3, 1]);
});

Deno.test("FilterTrie.cost stays right while the branches of one node come and go by thousands", () => {
  const trie = new FilterTrie<Value>();
  const add = (filter: string) => trie.getOrCreate(filter, () => ({ filter }));
  for (let i = 0; i < 2000; i++) add(`r/${i}/` + "+/".repeat(i % 50) + "+");
  assertEquals(trie.cost, 2 + 1 + 50);
  for (let i = 49; i < 2000; i += 50) trie.delete(`r/${i}/` + "+/".repeat(49) + "+");
  assertEquals(trie.cost, 2 + 1 + 49);
  for (let i = 0; i < 2000; i++) {
    if (i % 50 > 0) trie.delete(`r/${i}/` + "+/".repeat(i % 50) + "+");
  }
  assertEquals(trie.cost, 2 + 1 + 1);
});
