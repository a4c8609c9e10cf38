import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { RetainedTree } from "./retained_tree.ts";
import {
  newSeed,
  type Random,
  randomFilter,
  randomFrom,
  randomTopic,
  slowlyMatches,
} from "./testdata/random_topics.ts";

interface Value {
  topic: string;
}

function treeOf(...topics: string[]): RetainedTree<Value> {
  const tree = new RetainedTree<Value>();
  for (const topic of topics) tree.set(topic, { topic });
  return tree;
}

/** The topics that match, sorted, with every repetition kept. */
function matched(tree: RetainedTree<Value>, filter: string, max = Infinity): string[] {
  const topics: string[] = [];
  const cursor = tree.match(filter);
  for (let page = cursor.next(max); page.length > 0; page = cursor.next(max)) {
    topics.push(...page.map((value) => value.topic));
  }
  assert(cursor.done);
  return topics.sort();
}

Deno.test("RetainedTree.set() returns what it replaces", () => {
  const tree = new RetainedTree<Value>();
  const first = { topic: "first" };
  const second = { topic: "second" };
  assertEquals(tree.set("a/b", first), undefined);
  assertStrictEquals(tree.set("a/b", second), first);
  assertStrictEquals(tree.get("a/b"), second);
  assertEquals([tree.size, tree.nodeCount], [1, 2]);
});

Deno.test("RetainedTree.get() wants the very topic", () => {
  const tree = treeOf("a/b", "a/b/c/d", "/");
  for (const topic of ["a", "a/", "a/b/", "a/b/c", "b", "//", "/a", "+", "#", "a/+"]) {
    assertEquals(tree.get(topic), undefined, topic);
  }
  for (const topic of ["a/b", "a/b/c/d", "/"]) assertEquals(tree.get(topic)?.topic, topic);
});

Deno.test("RetainedTree.delete() cuts only what no other topic needs", () => {
  const tree = treeOf("a", "a/b/c", "a/b/d/e", "x/y/z");
  for (const topic of ["a/b", "b", "a/b/c/d", "x/y/"]) {
    assertEquals(tree.delete(topic), undefined, topic);
  }
  assertEquals([tree.size, tree.nodeCount], [4, 8]);
  assertEquals(tree.delete("x/y/z")?.topic, "x/y/z");
  assertEquals([tree.size, tree.nodeCount], [3, 5]);
  assertEquals(tree.delete("a")?.topic, "a");
  assertEquals([tree.size, tree.nodeCount], [2, 5]);
  assertEquals(tree.delete("a/b/d/e")?.topic, "a/b/d/e");
  assertEquals([tree.size, tree.nodeCount], [1, 3]);
  assertEquals(tree.delete("a/b/c")?.topic, "a/b/c");
  assertEquals([tree.size, tree.nodeCount], [0, 0]);
});

Deno.test("RetainedCursor.next() finds the parent for # too [MQTT-4.7.1-1]", () => {
  const tree = treeOf("a", "a/", "a/b", "a/b/c", "ab", "/", "/a");
  assertEquals(matched(tree, "#"), ["/", "/a", "a", "a/", "a/b", "a/b/c", "ab"]);
  assertEquals(matched(tree, "a/#"), ["a", "a/", "a/b", "a/b/c"]);
  assertEquals(matched(tree, "/#"), ["/", "/a"]);
  assertEquals(matched(tree, "a/b/c/#"), ["a/b/c"]);
  assertEquals(matched(tree, "a/b/c/d/#"), []);
});

Deno.test("RetainedCursor.next() finds one level for each + [MQTT-4.7.1-2]", () => {
  const tree = treeOf("a", "a/", "a/b", "a/b/c", "x/b", "/");
  assertEquals(matched(tree, "+"), ["a"]);
  assertEquals(matched(tree, "+/+"), ["/", "a/", "a/b", "x/b"]);
  assertEquals(matched(tree, "+/b"), ["a/b", "x/b"]);
  assertEquals(matched(tree, "a/+/#"), ["a/", "a/b", "a/b/c"]);
});

Deno.test("RetainedCursor.next() keeps first-level wildcards off $ topics [MQTT-4.7.2-1]", () => {
  const tree = treeOf("$SYS", "$SYS/a", "$", "a/$SYS");
  assertEquals(matched(tree, "#"), ["a/$SYS"]);
  assertEquals(matched(tree, "+"), []);
  assertEquals(matched(tree, "+/+"), ["a/$SYS"]);
  assertEquals(matched(tree, "$SYS/#"), ["$SYS", "$SYS/a"]);
  assertEquals(matched(treeOf("$SYS"), "#"), [], "the root has no other child");
});

Deno.test("RetainedCursor.next() makes pages of at most max values", () => {
  const topics = Array.from({ length: 10 }, (_, index) => `t/${index}`);
  const cursor = treeOf(...topics).match("t/+");
  const lengths = [4, 4, 4, 4].map((max) => cursor.next(max).length);
  assertEquals(lengths, [4, 4, 2, 0]);
  assertEquals(cursor.next(4), []);
});

Deno.test("RetainedCursor.next() visits at most visitsMax nodes", () => {
  const tree = treeOf(...Array.from({ length: 100 }, (_, index) => `t/${index}/x`), "t/last/y");
  const cursor = tree.match("t/+/y");
  let pages = 0;
  const topics: string[] = [];
  for (; !cursor.done; pages++) topics.push(...cursor.next(10, 5).map((value) => value.topic));
  assertEquals(topics, ["t/last/y"]);
  assert(pages >= 20, `${pages} pages`);
});

Deno.test("RetainedCursor.next() reaches topics of 65,535 levels", () => {
  const slashes = "/".repeat(65_534);
  const tree = treeOf(slashes, slashes + "a");
  assertEquals(tree.nodeCount, 65_536);
  for (const filter of ["#", "/#", "+/".repeat(32_766) + "#", "+/".repeat(65_534) + "#"]) {
    assertEquals(matched(tree, filter, 1).length, 2, `${filter.length} characters`);
  }
  tree.delete(slashes);
  tree.delete(slashes + "a");
  assertEquals(tree.nodeCount, 0);
});

Deno.test("RetainedCursor.next() delivers no topic that left before its turn", () => {
  const tree = treeOf("a/1", "a/2", "a/3", "b/1");
  const cursor = tree.match("#");
  assertEquals(cursor.next(1).length, 1);
  for (const topic of ["a/1", "a/2", "a/3", "b/1"]) tree.delete(topic);
  assertEquals(cursor.next(10), []);
});

Deno.test("RetainedCursor.next() delivers a topic once even if it goes and comes back", () => {
  const tree = treeOf("a/1", "b/1");
  const cursor = tree.match("+/1");
  const [first] = cursor.next(1);
  assert(first);
  tree.delete(first.topic);
  tree.set(first.topic, first);
  assertEquals(cursor.next(10).length, 1);
});

Deno.test("RetainedCursor.next() delivers the value of its own time", () => {
  const tree = treeOf("a", "b");
  const cursor = tree.match("#");
  const [first] = cursor.next(1);
  const other = first?.topic === "a" ? "b" : "a";
  tree.set(other, { topic: "replaced" });
  assertEquals(cursor.next(10), [{ topic: "replaced" }]);
});

Deno.test("RetainedTree agrees with a plain map about 200,000 random pairs", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  for (let round = 0; round < 100; round++) {
    const topics = Array.from(new Set(Array.from({ length: 50 }, () => randomTopic(random))));
    const tree = treeOf(...topics);
    for (let pairs = 0; pairs < 2000; pairs += topics.length) {
      const filter = randomFilter(random);
      const expected = topics.filter((topic) => slowlyMatches(filter, topic)).sort();
      const message = `filter ${filter}, seed ${seed}, round ${round}`;
      assertEquals(matched(tree, filter, 1 + random(9)), expected, message);
    }
    for (const topic of topics) assertEquals(tree.delete(topic), { topic }, `seed ${seed}`);
    assertEquals([tree.size, tree.nodeCount], [0, 0], `seed ${seed}`);
  }
});

Deno.test("RetainedCursor.next() keeps its word while the tree changes between pages", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  for (let round = 0; round < 3000; round++) {
    walkWhileChanging(random, `seed ${seed}, round ${round}`);
  }
});

/** Walks a tree in small pages, changes it at random between them, and checks every promise. */
function walkWhileChanging(random: Random, message: string): void {
  const tree = new RetainedTree<Value>();
  const now = new Map<string, Value>();
  const keep = (topic: string) => {
    const value = { topic };
    assertStrictEquals(tree.set(topic, value), now.get(topic), message);
    now.set(topic, value);
  };
  for (let count = random(40); count > 0; count--) keep(randomTopic(random));
  const filter = random(2) === 0 ? "#" : randomFilter(random);
  const due = new Set([...now.keys()].filter((topic) => slowlyMatches(filter, topic)));
  const cursor = tree.match(filter);
  while (!cursor.done) {
    for (const value of cursor.next(1 + random(3), random(2) === 0 ? Infinity : 2)) {
      assertStrictEquals(value, now.get(value.topic), message);
      assert(due.delete(value.topic), `${value.topic} twice or uncalled for: ${message}`);
    }
    for (let count = random(6); count > 0; count--) {
      const known = [...now.keys()];
      const topic = (random(3) > 0 ? known[random(known.length)] : undefined) ??
        randomTopic(random);
      if (random(3) === 0) {
        keep(topic);
      } else {
        assertStrictEquals(tree.delete(topic), now.get(topic), message);
        now.delete(topic);
        due.delete(topic);
      }
    }
  }
  assertEquals([...due], [], message);
  assertEquals(tree.size, now.size, message);
  for (const [topic, value] of now) assertStrictEquals(tree.delete(topic), value, message);
  assertEquals(tree.nodeCount, 0, message);
}
