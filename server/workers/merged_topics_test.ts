import { assertEquals } from "@std/assert";
import { MergedTopics, type TopicView } from "./merged_topics.ts";

Deno.test("MergedTopics is one tree: the same topic of two nodes is one, and its counts are added", () => {
  const topics = new MergedTopics();
  const one: TopicView[] = [[0, null, "", 3, 0, 0, 0, 0], [1, 0, "a", 3, 3, 30, 0, 1, "x"]];
  assertEquals(topics.take(0, one), one);
  const other: TopicView[] = [
    [0, null, "", 2, 0, 0, 0, 0],
    [1, 0, "b", 1, 1, 5, 0, 0, "y"],
    [2, 0, "a", 1, 1, 10, 0, 0, "z"],
  ];
  assertEquals(topics.take(1, other), [
    [0, null, "", 5, 0, 0, 0, 0],
    [2, 0, "b", 1, 1, 5, 0, 0, "y"],
    [1, 0, "a", 4, 4, 40, 0, 0, "z"],
  ]);
  // The same tree is told again, with other numbers.
  topics.begin(1);
  assertEquals(topics.take(1, [[0, null, "", 2, 0, 0, 0, 0], [7, 0, "a", 1, 1, 10, 0, 0, "z"]]), [
    [0, null, "", 5, 0, 0, 0, 0],
    [1, 0, "a", 4, 4, 40, 0, 0, "z"],
  ]);
});
