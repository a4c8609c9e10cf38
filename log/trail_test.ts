import { assertEquals, assertStrictEquals } from "@std/assert";
import { Log } from "./log.ts";
import type { Cursor } from "./cursor.ts";
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
