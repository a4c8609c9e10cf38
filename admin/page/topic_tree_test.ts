import { assertEquals } from "@std/assert";
import type { PublishInfo } from "../../broker/base/hooks.ts";
import { topicsLine, treeLines } from "./topic_lines.ts";
import { LEVELS_MAX, TopicTree, type TopicTreeLimits, VALUE_BYTES_MAX } from "./topic_tree.ts";

const ROOM: TopicTreeLimits = { nodes: 100, nameCharacters: 1000, valuesBytes: 100_000 };

function message(topic: string, payload: string | Uint8Array = "x"): PublishInfo {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return { topic, payload: bytes, qos: 1, retain: false, clientId: "me" };
}

function treeOf(topics: readonly string[], limits: Partial<TopicTreeLimits> = {}): TopicTree {
  const tree = new TopicTree({ ...ROOM, ...limits });
  for (const topic of topics) tree.add(message(topic), 1);
  return tree;
}

Deno.test("TopicTree counts messages of a topic, and of all topics below each level", () => {
  const tree = treeOf(["a/b", "a/b", "a", "a/c", "/", ""]);
  assertEquals([tree.root.total, tree.root.other], [6, 0]);
  assertEquals([tree.find("a")?.messages, tree.find("a")?.total], [1, 4]);
  assertEquals([tree.find("a/b")?.messages, tree.find("a/b")?.bytes], [2, 2]);
  assertEquals([tree.find("/")?.messages, tree.find("")?.messages], [1, 1]);
  assertEquals(tree.find("a/d"), null);
});

Deno.test("TopicTree finds a topic again, whether it is short or long", () => {
  const long = `a/${"b".repeat(300)}`;
  const tree = treeOf([long, "a/c", long, "a/c", long]);
  assertEquals([tree.find(long)?.messages, tree.find("a/c")?.messages], [3, 2]);
  assertEquals([tree.nodes.length, tree.root.total], [4, 5]);
});

Deno.test("TopicTree keeps the beginning of the last payload, in bytes of its own", () => {
  const tree = treeOf([]);
  const payload = new Uint8Array(VALUE_BYTES_MAX + 10).fill(7);
  tree.add(message("a", payload), 5);
  payload.fill(0);
  const { last } = tree.find("a")!;
  assertEquals([last?.bytes, last?.value?.length], [VALUE_BYTES_MAX + 10, VALUE_BYTES_MAX]);
  assertEquals([last?.value?.[0], last?.atMs, last?.clientId], [7, 5, "me"]);
});

Deno.test("TopicTree counts as other what finds no room: nodes, names and levels", () => {
  const few = treeOf(["a/b", "c", "a/d", "a/b"], { nodes: 3 });
  assertEquals([few.root.other, few.find("a")?.other, few.find("a/b")?.messages], [1, 1, 2]);
  const short = treeOf(["abc", "defg"], { nameCharacters: 6 });
  assertEquals([short.root.other, short.root.total], [1, 2]);
  const deep = treeOf([Array(LEVELS_MAX + 1).fill("a").join("/")]);
  assertEquals(deep.nodes.length, LEVELS_MAX + 1);
  assertEquals(deep.nodes.at(-1)?.other, 1);
});

Deno.test("TopicTree keeps no payload past its limit, and has room again when one is replaced", () => {
  const tree = treeOf([], { valuesBytes: 10 });
  tree.add(message("a", "12345678"), 0);
  tree.add(message("b", "12345678"), 0);
  assertEquals(tree.find("b")?.last?.value, null);
  tree.add(message("a", "12"), 0);
  tree.add(message("b", "12345678"), 0);
  assertEquals(tree.find("b")?.last?.value?.length, 8);
});

Deno.test("TopicTree.takeChanged() gives a parent before its child, and each change once", () => {
  const tree = treeOf(["a/b/c"]);
  assertEquals(tree.takeChanged(2).map(({ name }) => name), ["", "a"]);
  assertEquals(tree.takeChanged(10).map(({ name }) => name), ["b", "c"]);
  assertEquals(tree.changed, 0);
  tree.add(message("a/b/c"), 0);
  assertEquals(tree.takeChanged(10).length, 4);
});

Deno.test("topicsLine() shows payloads as text or hex digits, to those who may see them only", () => {
  const tree = new TopicTree(ROOM);
  tree.add(message("text", "21 °C"), 0);
  tree.add(message("bytes", Uint8Array.of(0, 255)), 0);
  tree.add(message("long", "é".repeat(100)), 0);
  const previews = (hasPreviews: boolean) =>
    (JSON.parse(topicsLine(tree.nodes, hasPreviews)).nodes as unknown[][]).map((node) => node[8]);
  assertEquals(previews(true), [undefined, "21 °C", "0x00ff", "é".repeat(40)]);
  assertEquals(previews(false), [undefined, undefined, undefined, undefined]);
});

Deno.test("treeLines() tells of every node, parents first", () => {
  const tree = treeOf(Array.from({ length: 600 }, (_, i) => `n/${i}`), {
    nodes: 1000,
    nameCharacters: 10_000,
  });
  const steps = treeLines(tree, true);
  let step = steps.next();
  while (!step.done) step = steps.next();
  const [begin, ...rest] = step.value.map((line) => JSON.parse(line));
  assertEquals(begin.event, "topics-begin");
  const ids = rest.flatMap(({ nodes }) => (nodes as number[][]).map(([id]) => id));
  assertEquals(ids, Array.from({ length: 602 }, (_, i) => i));
});
