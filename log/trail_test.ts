import { assertEquals, assertStrictEquals } from "@std/assert";
import { newSeed, randomFrom } from "../router/testdata/random_topics.ts";
import type { Cursor } from "./cursor.ts";
import { Log } from "./log.ts";
import { Trail } from "./trail.ts";

type Walk = Trail<Cursor<string>, string>;

/** Reads a trail to its end: which item, and why it was walked. */
function readAll(trail: Walk): string[] {
  const read: string[] = [];
  for (let s = trail.current(); s !== null; s = trail.current()) {
    read.push(`${s.key}:${s.cursor.next()}`);
  }
  return read;
}

Deno.test("Trail of nothing has nothing to read", () => {
  const trail: Walk = new Trail();
  assertEquals([trail.open, trail.first, trail.current(), trail.lag], [null, null, null, 0]);
  trail.close(0);
  assertEquals(trail.first, null);
});

Deno.test("Trail leads over many logs in the order in which it followed them", () => {
  const trail: Walk = new Trail();
  const [a, b] = [new Log<string>(), new Log<string>()];
  a.append("too early");
  trail.follow(a.cursor(), "a");
  a.append("1");
  a.append("2");
  trail.close(0);
  a.append("not for us");
  trail.follow(b.cursor(), "b");
  b.append("3");
  trail.close(0);
  b.append("not for us");
  trail.follow(a.cursor(), "a again");
  a.append("4");
  assertEquals(trail.lag, 4);
  assertEquals(readAll(trail), ["a:1", "a:2", "b:3", "a again:4"]);
  assertEquals([trail.lag, trail.current()], [0, null]);
  a.append("5");
  assertEquals(trail.lag, 1);
  assertEquals(readAll(trail), ["a again:5"], "an open stretch follows its log");
});

Deno.test("Trail.open is the last stretch while it follows its log", () => {
  const trail: Walk = new Trail();
  const stretch = trail.follow(new Log<string>().cursor(), "a");
  assertStrictEquals(trail.open, stretch);
  assertEquals(stretch.end, Infinity);
  trail.close(7);
  assertEquals([trail.open, stretch.end, stretch.endCount], [null, 0, 7]);
});

Deno.test("Trail.close() keeps the place and count of the first time", () => {
  const trail: Walk = new Trail();
  const log = new Log<string>();
  const stretch = trail.follow(log.cursor(), "a");
  log.append("1");
  trail.close(1);
  log.append("2");
  trail.close(2);
  assertEquals([stretch.end, stretch.endCount, stretch.limit], [1, 1, 1]);
});

Deno.test("Trail.current() forgets stretches that are closed and read, not an open one", () => {
  const trail: Walk = new Trail();
  const log = new Log<string>();
  trail.follow(log.cursor(), "empty");
  trail.close(0);
  const open = trail.follow(log.cursor(), "open");
  assertEquals(trail.current(), null);
  assertStrictEquals(trail.first, open);
  assertStrictEquals(trail.open, open);
  trail.close(0);
  assertEquals([trail.current(), trail.first, trail.open], [null, null, null]);
  trail.follow(log.cursor(), "anew");
  log.append("1");
  assertEquals(readAll(trail), ["anew:1"]);
});

Deno.test("Trail.clear() forgets everything", () => {
  const trail: Walk = new Trail();
  const log = new Log<string>();
  trail.follow(log.cursor(), "a");
  log.append("1");
  trail.clear();
  assertEquals([trail.first, trail.open, trail.current(), trail.lag], [null, null, null, 0]);
  trail.follow(log.cursor(), "b");
  log.append("2");
  assertEquals(readAll(trail), ["b:2"]);
});

Deno.test("Trail.prune() forgets what was skipped in its middle, and keeps the order", () => {
  // Which of four stretches are skipped, as the bits of a number.
  for (let skipped = 0; skipped < 16; skipped++) {
    const trail: Walk = new Trail();
    const kept: string[] = [];
    for (let i = 0; i < 4; i++) {
      const log = new Log<string>();
      const { cursor } = trail.follow(log.cursor(), `${i}`);
      log.append("x");
      trail.close(1);
      if ((skipped >> i) % 2 === 1) cursor.skipTo(1);
      else kept.push(`${i}:x`);
    }
    trail.prune();
    const log = new Log<string>();
    trail.follow(log.cursor(), "open");
    log.append("y");
    trail.prune();
    assertEquals([trail.size, trail.lag], [kept.length + 1, kept.length + 1]);
    assertEquals(readAll(trail), [...kept, "open:y"]);
    assertEquals(trail.open?.key, "open");
  }
});

Deno.test("Trail.prune() keeps an open stretch that is read to its end", () => {
  const trail: Walk = new Trail();
  const stretch = trail.follow(new Log<string>().cursor(), "a");
  trail.prune();
  assertStrictEquals(trail.open, stretch);
});

Deno.test("Trail.lag and Trail.size are what a walk would find, through random changes", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const logs = [new Log<string>({ segmentItems: 2 }), new Log<string>()];
  const trail: Walk = new Trail();
  for (let step = 0; step < 20_000; step++) {
    const log = logs[random(2)]!;
    const action = random(10);
    if (action < 4) log.append("x");
    else if (action < 6) {
      trail.close(0);
      trail.follow(log.cursor(), "k");
    } else if (action === 6) trail.close(0);
    else if (action === 7 && random(5) === 0) {
      for (let s = trail.first; s !== null; s = s.next) {
        if (random(2) === 0) s.cursor.skipTo(s.cursor.position + random(3));
        if (s.cursor.position > s.limit) trail.clear();
      }
      trail.prune();
    } else if (random(500) === 0) trail.clear();
    else trail.current()?.cursor.next();
    let [lag, size] = [0, 0];
    for (let s = trail.first; s !== null; s = s.next) {
      lag += s.limit - s.cursor.position;
      size++;
    }
    assertEquals([trail.lag, trail.size], [lag, size], `step ${step}, seed ${seed}`);
  }
});
