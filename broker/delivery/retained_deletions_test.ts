import { assertEquals } from "@std/assert";
import {
  DELETION_MS,
  DELETION_STORED_MS,
  DELETIONS_BYTES_MAX,
  DELETIONS_MAX,
  RetainedDeletions,
} from "./retained_deletions.ts";

/** Deletions at a time that a test sets. */
class World {
  nowMs = 1_000_000_000_000;
  readonly forgotten: (readonly [string, boolean])[] = [];
  readonly deletions: RetainedDeletions = new RetainedDeletions({
    wallClock: () => this.nowMs,
    onForgotten: (topic, isEarly) => void this.forgotten.push([topic, isEarly]),
  });

  add(topic: string): void {
    this.deletions.add(topic, this.nowMs * 1000);
  }

  get topics(): string[] {
    return [...this.deletions.topics()];
  }
}

Deno.test("RetainedDeletions remembers the last deletion of each topic, until it has a message again", () => {
  const world = new World();
  const { deletions } = world;
  world.add("a");
  world.add("b");
  world.nowMs++;
  world.add("a");
  assertEquals(world.topics, ["b", "a"]);
  assertEquals(deletions.versionOf("a"), 1_000_000_000_001_000);
  assertEquals(deletions.versionOf("c"), 0);
  for (const topic of ["a", "b", "c"]) deletions.delete(topic);
  assertEquals([deletions.size, deletions.bytes, world.forgotten.length], [0, 0, 0]);
});

Deno.test("RetainedDeletions forgets a deletion after seven days", () => {
  const world = new World();
  world.add("a");
  world.nowMs += DELETION_MS - 1;
  world.add("b");
  assertEquals(world.topics, ["a", "b"]);
  world.nowMs++;
  world.add("c");
  assertEquals(world.topics, ["b", "c"]);
  assertEquals(world.forgotten, [["a", false]]);
});

Deno.test("RetainedDeletions forgets what every node has stored after ten minutes", () => {
  const world = new World();
  const { deletions } = world;
  world.add("a");
  world.add("b");
  world.nowMs += DELETION_STORED_MS - 1;
  deletions.collect(1);
  assertEquals(world.topics, ["a", "b"]);
  world.nowMs++;
  world.add("c");
  deletions.collect(0);
  assertEquals(world.topics, ["a", "b", "c"]);
  deletions.collect(1);
  assertEquals(world.topics, ["b", "c"]);
  deletions.collect(deletions.last);
  assertEquals(world.topics, ["c"]);
  assertEquals(world.forgotten, [["a", false], ["b", false]]);
});

Deno.test("RetainedDeletions forgets the oldest ones beyond its limits, and says that it is early", () => {
  const many = new World();
  for (let i = 0; i <= DELETIONS_MAX; i++) many.add(`${i}`);
  assertEquals([many.deletions.size, many.forgotten], [DELETIONS_MAX, [["0", true]]]);

  const long = new World();
  const topic = "x".repeat(60_000);
  for (let i = 0; i < 300; i++) long.add(`${i}${topic}`);
  const { size, bytes } = long.deletions;
  assertEquals(bytes <= DELETIONS_BYTES_MAX && bytes > DELETIONS_BYTES_MAX - 121_000, true);
  assertEquals(long.forgotten.length, 300 - size);
});
