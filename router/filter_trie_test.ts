import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { FilterTrie } from "./filter_trie.ts";
import {
  newSeed,
  randomFilter,
  randomFrom,
  randomTopic,
  slowlyMatches,
} from "./testdata/random_topics.ts";
import { matchesFilter, topicFilterFault, topicNameFault } from "./topic.ts";

interface Value {
  filter: string;
}

function trieOf(...filters: string[]): FilterTrie<Value> {
  const trie = new FilterTrie<Value>();
  for (const filter of filters) trie.getOrCreate(filter, () => ({ filter }));
  return trie;
}

/** The filters that match, sorted, with every repetition kept. */
function matched(trie: FilterTrie<Value>, topic: string): string[] {
  const values: Value[] = [];
  trie.match(topic, values);
  return values.map((value) => value.filter).sort();
}

Deno.test("FilterTrie.getOrCreate() creates once for each filter", () => {
  const trie = new FilterTrie<Value>();
  for (const filter of ["a/b", "a/+", "a/#", "#", "+", "/", "+/"]) {
    const value = trie.getOrCreate(filter, () => ({ filter }));
    assertStrictEquals(trie.getOrCreate(filter, () => ({ filter: "second" })), value);
    assertStrictEquals(trie.get(filter), value);
  }
  assertEquals(trie.size, 7);
});

Deno.test("FilterTrie.getOrCreate() leaves the trie alone when create throws", () => {
  const trie = trieOf("a/+");
  for (const filter of ["b/c", "b/+/c", "b/#"]) {
    assertThrows(() =>
      trie.getOrCreate(filter, () => {
        throw new Error("Cannot create");
      })
    );
  }
  assertEquals([trie.size, trie.nodeCount], [1, 2]);
});

Deno.test("FilterTrie.get() looks for the filter itself, not for what it matches", () => {
  const trie = trieOf("a/+", "b/#", "+/c/#");
  for (const filter of ["a/b", "a", "a/#", "b", "b/+", "#", "+", "+/c", "+/+/#", "a/+/+"]) {
    assertEquals(trie.get(filter), undefined, filter);
  }
});

Deno.test("FilterTrie.match() finds every form of filter once", () => {
  const hits = ["#", "+/#", "+/+", "+/b", "+/b/#", "a/#", "a/+", "a/+/#", "a/b", "a/b/#"];
  const misses = ["a", "b/+", "a/b/c", "a/b/+", "b/#", "+", "+/+/+", "a/b/c/#", "a/+/+/#"];
  assertEquals(matched(trieOf(...misses, ...hits), "a/b"), hits);
});

Deno.test("FilterTrie.match() keeps first-level wildcards off $ topics [MQTT-4.7.2-1]", () => {
  const trie = trieOf("#", "+", "+/a", "+/#", "$SYS", "$SYS/+", "$SYS/#", "$SYS/a", "$SYS/+/#");
  assertEquals(matched(trie, "$SYS"), ["$SYS", "$SYS/#"]);
  assertEquals(matched(trie, "$SYS/a"), ["$SYS/#", "$SYS/+", "$SYS/+/#", "$SYS/a"]);
  assertEquals(matched(trie, "$other/a"), []);
});

Deno.test("FilterTrie.match() takes a literal level for what it is [MQTT-4.7.3-4]", () => {
  const names = ["__proto__", "constructor", "", "\ufeff", "é", "e\u0301", "😀", "0", "00"];
  const trie = trieOf(...names.map((name) => `+/${name}/+`), ...names.map((name) => `${name}/#`));
  for (const name of names) {
    assertEquals(matched(trie, `x/${name}/y`), [`+/${name}/+`], name);
    assertEquals(matched(trie, `${name}/y`), [`${name}/#`], name);
  }
});

Deno.test("FilterTrie.match() appends to what is there already", () => {
  const into: Value[] = [{ filter: "before" }];
  trieOf("#").match("a", into);
  assertEquals(into.map((value) => value.filter), ["before", "#"]);
});

Deno.test("FilterTrie.match() finds all 4,096 filters of twelve levels a or + for a/a/…/a", () => {
  const trie = new FilterTrie<Value>();
  for (let bits = 0; bits < 4096; bits++) {
    const filter = Array.from({ length: 12 }, (_, level) => bits >> level & 1 ? "+" : "a").join(
      "/",
    );
    trie.getOrCreate(filter, () => ({ filter }));
  }
  assertEquals(trie.nodeCount, 2 ** 13 - 3, "all but the root and the end of a/a/…/a");
  assertEquals(new Set(matched(trie, Array(12).fill("a").join("/"))).size, 4096);
  assertEquals(matched(trie, Array(13).fill("a").join("/")), []);
});

Deno.test("FilterTrie handles filters of thousands of levels", () => {
  const deep = ["+/".repeat(32_767), "a/".repeat(32_766) + "#", "a/".repeat(32_766) + "+"];
  const trie = trieOf(...deep, "+/#");
  assertEquals(matched(trie, "a/".repeat(32_766) + "b").length, 3);
  assertEquals(matched(trie, "a/".repeat(32_767)).length, 3);
  assertEquals(matched(trie, "/".repeat(65_534)), ["+/#"]);
  assertEquals(
    new Set(Array.from(trie.entries(), ([filter]) => filter)),
    new Set([...deep, "+/#"]),
  );
  for (const filter of deep) assert(trie.delete(filter));
  assertEquals([trie.size, trie.nodeCount], [1, 1]);
});

Deno.test("FilterTrie.replace() keeps another value for every form of filter", () => {
  const trie = new FilterTrie<{ filter: string; isNew: boolean }>();
  const filters = ["a", "a/b", "a/+", "a/+/b", "a/#", "#", "+"];
  for (const filter of filters) trie.getOrCreate(filter, () => ({ filter, isNew: false }));
  const { size, nodeCount } = trie;
  for (const filter of filters) trie.replace(filter, { filter, isNew: true });
  for (const filter of filters) assertEquals(trie.get(filter), { filter, isNew: true });
  assertEquals([trie.size, trie.nodeCount], [size, nodeCount]);
});

Deno.test("FilterTrie.delete() reports whether the filter was there", () => {
  const trie = trieOf("a/+", "a/b", "a/#");
  for (const filter of ["a", "a/+/+", "a/+/#", "#", "+", "a/c", "b/#"]) {
    assertEquals(trie.delete(filter), false, filter);
  }
  for (const filter of ["a/+", "a/b", "a/#"]) {
    assertEquals([trie.delete(filter), trie.delete(filter)], [true, false], filter);
  }
  assertEquals([trie.size, trie.nodeCount], [0, 0]);
});

Deno.test("FilterTrie.delete() cuts only what no other filter needs", () => {
  const trie = trieOf("a/+/c/d/e", "a/+/#", "a/+/c/x/+", "#");
  assertEquals(trie.nodeCount, 7);
  trie.delete("a/+/c/x/+");
  assertEquals(trie.nodeCount, 5);
  trie.delete("a/+/#");
  assertEquals(trie.nodeCount, 5);
  assertEquals(matched(trie, "a/b/c/d/e"), ["#", "a/+/c/d/e"]);
  trie.delete("a/+/c/d/e");
  assertEquals([trie.size, trie.nodeCount], [1, 0]);
});

Deno.test("FilterTrie is not slowed by numerals whose hashes V8 lets a peer choose", () => {
  const numerals = trieOf("+/a/b", "+");
  const others = trieOf("+/a/b", "+");
  const use = (trie: typeof numerals, level: string) => {
    const started = performance.now();
    assertEquals(matched(trie, level), ["+"]);
    assertEquals(matched(trie, `${level}/a/b`), ["+/a/b"]);
    for (const filter of [level, `a/${level}/+`]) trie.getOrCreate(filter, () => ({ filter }));
    return performance.now() - started;
  };
  let slow = 0;
  let usual = 0;
  // In turn, so that whatever else the machine does slows both down.
  for (let numeral = 0; numeral < 2 ** 32; numeral += 65_536) {
    slow += use(numerals, `${numeral}`);
    usual += use(others, `n${numeral}`);
  }
  // If but one kind of numeral were looked up in a map, it would take ten times as long.
  assert(slow < 4 * usual, `${slow} ms instead of ${usual}`);
});

Deno.test("FilterTrie.entries() lists every filter as it was added", () => {
  const filters = ["a", "a/b", "/", "//", "#", "/#", "+", "+/", "/+", "a/+/#", "a//+", "$SYS/+"];
  assertEquals(Array.from(trieOf(...filters).entries(), ([f]) => f).sort(), filters.sort());
});

Deno.test("FilterTrie.entries() lists 200,000 branches of one node", () => {
  const trie = new FilterTrie<Value>();
  for (let index = 0; index < 200_000; index++) {
    const filter = `a/${index}/#`;
    trie.getOrCreate(filter, () => ({ filter }));
  }
  assertEquals(Array.from(trie.entries()).length, 200_000);
  for (const [filter] of trie.entries()) trie.delete(filter);
  assertEquals([trie.size, trie.nodeCount], [0, 0]);
});

Deno.test("FilterTrie.match() and matchesFilter() agree with the slow way on a million pairs", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  for (let round = 0; round < 500; round++) {
    const filters = Array.from(new Set(Array.from({ length: 50 }, () => randomFilter(random))));
    const trie = trieOf(...filters);
    for (let pairs = 0; pairs < 2000; pairs += filters.length) {
      const topic = randomTopic(random);
      const expected = filters.filter((filter) => slowlyMatches(filter, topic)).sort().join();
      const oneByOne = filters.filter((filter) => matchesFilter(filter, topic)).sort().join();
      const message = `topic ${topic}, seed ${seed}, round ${round}`;
      if (oneByOne !== expected) throw new Error(`Wrong matchesFilter(): ${message}`);
      if (matched(trie, topic).join() !== expected) throw new Error(`Wrong match(): ${message}`);
    }
    for (const filter of filters) assert(trie.delete(filter), `seed ${seed}`);
    assertEquals([trie.size, trie.nodeCount], [0, 0], `seed ${seed}`);
  }
});

Deno.test("FilterTrie agrees with a plain map through random changes", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const trie = new FilterTrie<Value>();
  const model = new Map<string, Value>();
  for (let change = 0; change < 20_000; change++) {
    const filter = randomFilter(random);
    // It grows and shrinks in turn, so that branches come and go at every size.
    if (random(4) < (change % 4000 < 2000 ? 3 : 1)) {
      const value = trie.getOrCreate(filter, () => ({ filter }));
      assertStrictEquals(value, model.get(filter) ?? value, `seed ${seed}`);
      model.set(filter, value);
    } else {
      const victim = random(2) === 0 ? filter : model.keys().next().value ?? filter;
      assertEquals(trie.delete(victim), model.delete(victim), `seed ${seed}`);
    }
    assertEquals(trie.size, model.size, `seed ${seed}`);
    if (change % 200 > 0) continue;
    assertEquals(new Map(trie.entries()), model, `seed ${seed}`);
    assertEquals(trie.nodeCount, countPrefixes(model.keys()), `seed ${seed}`);
  }
});

/** The number of nodes that filters need, if not plain: their different beginnings. */
function countPrefixes(filters: Iterable<string>): number {
  const prefixes = new Set<string>();
  for (const filter of filters) {
    const levels = filter.split("/");
    if (levels.length > 1 && !levels.includes("+") && !levels.includes("#")) continue;
    if (levels.at(-1) === "#") levels.pop();
    for (let count = 1; count <= levels.length; count++) {
      prefixes.add(levels.slice(0, count).join("/") + "/");
    }
  }
  return prefixes.size;
}

Deno.test("randomFilter() and randomTopic() make valid ones", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  for (let count = 0; count < 5000; count++) {
    assertEquals(topicFilterFault(randomFilter(random)), null, `seed ${seed}`);
    assertEquals(topicNameFault(randomTopic(random)), null, `seed ${seed}`);
  }
});
