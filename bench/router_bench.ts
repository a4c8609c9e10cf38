/**
 * Measures the router: filters that match a topic, retained topics that match a filter, and one
 * filter against one topic.
 *
 *     deno bench bench/router_bench.ts
 *     deno bench --v8-flags=--expose-gc bench/router_bench.ts     also prints bytes per filter
 *
 * On two cores of a 2.1 GHz x86-64 Linux machine with Deno 2.9.6 (ratios carry over, figures do not):
 *
 * | what | among 1 | among a million |
 * |---|---|---|
 * | topics against filters: exact / `+` / `#` / six that match | 0.20 / 0.30 / 0.19 / 0.43 µs | 0.26 / 0.34 / 0.26 / 0.47 µs |
 * | insert and delete a filter: exact / with `+` or `#` | 0.3 / 1.4 µs | 1.4 / 1.4 µs |
 * | the same among 100,000 siblings | 0.7 µs | 4.2 µs |
 * | retained topics, each: exact / by `+` or `#` | 0.24 / 0.04 µs | |
 *
 * A million filters take 44 bytes each as `t/123/456`, their text included, 122 as
 * `device/123456/#` and 186 as `device/123456/+`.
 *
 * @module
 */
import { FilterTrie } from "../router/filter_trie.ts";
import { RetainedTree } from "../router/retained_tree.ts";
import { matchesFilter } from "../router/topic.ts";

const VALUE = {};

function trieOf(count: number, filterAt: (index: number) => string): FilterTrie<object> {
  const trie = new FilterTrie<object>();
  for (let index = 0; index < count; index++) trie.getOrCreate(filterAt(index), () => VALUE);
  return trie;
}

/** Filters that do not match here; every fourth has a wildcard. */
function otherFilter(index: number): string {
  const path = `t/${Math.trunc(index / 1000)}/${index % 1000}`;
  return index % 4 > 0 ? path : index % 8 > 0 ? `${path}/+` : `${path}/#`;
}

const TRIES = [["1", 1], ["10 thousand", 10_000], ["1 million", 1_000_000]] as const;

/** The filters that match `{kind}/7/device/heat`, by kind. */
const SUBSCRIBED = {
  exact: ["exact/7/device/heat"],
  plus: ["plus/+/device/heat"],
  hash: ["hash/7/#"],
  mix: ["mix/7/device/heat", "mix/+/device/heat", "mix/7/+/+", "mix/+/+/heat", "mix/#", "mix/+/#"],
};

for (const [name, count] of TRIES) {
  const trie = trieOf(count, otherFilter);
  for (const filter of Object.values(SUBSCRIBED).flat()) trie.getOrCreate(filter, () => VALUE);
  for (const [kind, { length }] of Object.entries(SUBSCRIBED)) {
    const topic = `${kind}/7/device/heat`;
    const into: object[] = [];
    Deno.bench({
      name: `match ${topic}: ${length} beside ${name}`,
      group: `match ${kind}`,
      baseline: count === 1,
      fn() {
        into.length = 0;
        trie.match(topic, into);
        if (into.length !== length) throw new Error(`Cannot match: ${into.length}`);
      },
    });
  }
  for (const filter of ["new/7/device/heat", "new/7/+/heat", "new/7/device/#"]) {
    Deno.bench({
      name: `insert and delete ${filter} beside ${name}`,
      group: `insert and delete ${filter}`,
      baseline: count === 1,
      fn() {
        trie.getOrCreate(filter, () => VALUE);
        if (!trie.delete(filter)) throw new Error(`Cannot delete: ${filter}`);
      },
    });
  }
}

for (const siblings of [1, 100_000]) {
  const trie = trieOf(siblings, (index) => `wide/${index}/#`);
  Deno.bench({
    name: `insert and delete wide/new/# beside ${siblings}`,
    group: "insert and delete among siblings",
    baseline: siblings === 1,
    fn() {
      trie.getOrCreate("wide/new/#", () => VALUE);
      if (!trie.delete("wide/new/#")) throw new Error("Cannot delete: wide/new/#");
    },
  });
}

const retained = new RetainedTree<object>();
for (let index = 0; index < 100_000; index++) {
  retained.set(`r/${Math.trunc(index / 100)}/${index % 100}`, VALUE);
}

const WALKS = [["r/7/7", 1], ["r/7/+", 100], ["r/+/7", 1000], ["r/7/#", 100], [
  "#",
  100_000,
]] as const;
for (const [filter, expected] of WALKS) {
  Deno.bench({
    name: `retained ${filter}: ${expected} of 100000`,
    group: "retained",
    baseline: expected === 1,
    fn() {
      let found = 0;
      const cursor = retained.match(filter);
      while (!cursor.done) found += cursor.next(100).length;
      if (found !== expected) throw new Error(`Cannot find all: ${found}`);
    },
  });
}

Deno.bench("retained r/7/7: get", { group: "retained one" }, () => {
  if (retained.get("r/7/7") === undefined) throw new Error("Cannot get: r/7/7");
});

Deno.bench("retained r/7/7: replace", { group: "retained one", baseline: true }, () => {
  if (retained.set("r/7/7", VALUE) === undefined) throw new Error("Cannot replace: r/7/7");
});

Deno.bench("retained r/7/new: add and delete", { group: "retained one" }, () => {
  retained.set("r/7/new", VALUE);
  if (retained.delete("r/7/new") === undefined) throw new Error("Cannot delete: r/7/new");
});

for (const filter of ["site/7/device/heat", "site/+/device/+", "site/#", "house/#"]) {
  Deno.bench({
    name: `matchesFilter ${filter}`,
    group: "matchesFilter",
    baseline: filter === "site/7/device/heat",
    fn() {
      matchesFilter(filter, "site/7/device/heat");
    },
  });
}

// If garbage collection can be triggered, it also prints the memory of a million filters.
const collect = (globalThis as { gc?: () => void }).gc;

/** Prints the heap bytes of a million filters, with the text that the trie keeps of them. */
function printBytesPerFilter(example: string, filterAt: (index: number) => string): void {
  if (collect === undefined) return;
  collect();
  const before = Deno.memoryUsage().heapUsed;
  const trie = trieOf(1_000_000, filterAt);
  collect();
  const bytes = (Deno.memoryUsage().heapUsed - before) / trie.size;
  // deno-lint-ignore no-console
  console.log(`${example}: ${bytes.toFixed(0)} bytes a filter among ${trie.size}`);
}

printBytesPerFilter("t/123/456", (index) => `t/${Math.trunc(index / 1000)}/${index % 1000}`);
printBytesPerFilter("device/123456/#", (index) => `device/${index}/#`);
printBytesPerFilter("device/123456/+", (index) => `device/${index}/+`);
