import { assertEquals, assertThrows } from "@std/assert";
import type { Cursor } from "./cursor.ts";
import { Log } from "./log.ts";

function append(log: Log<number>, count: number): void {
  for (let i = 0; i < count; i++) log.append(log.end);
}

/** Everything of a cursor that a test may look at. */
function state(cursor: Cursor<number>): Record<"position" | "lag" | "skipped", number> {
  const { position, lag, skipped } = cursor;
  return { position, lag, skipped };
}

Deno.test("Cursor.next() walks over segments to the end, and on when there is more", () => {
  const log = new Log<number>({ segmentItems: 2 });
  const cursor = log.cursor();
  assertEquals(cursor.next(), undefined);
  append(log, 5);
  assertEquals([0, 1, 2, 3, 4, 5].map(() => cursor.next()), [0, 1, 2, 3, 4, undefined]);
  append(log, 1);
  assertEquals([cursor.next(), cursor.next()], [5, undefined]);
  assertEquals(state(cursor), { position: 6, lag: 0, skipped: 0 });
});

Deno.test("Cursor.next() takes null, 0 and the empty string for items", () => {
  const log = new Log<null | number | string>();
  const cursor = log.cursor();
  for (const item of [null, 0, ""]) log.append(item);
  assertEquals(cursor.take(10), [null, 0, ""]);
});

Deno.test("Cursor.peek() reads the next item without passing it", () => {
  const log = new Log<number>({ segmentItems: 1 });
  const cursor = log.cursor();
  assertEquals(cursor.peek(), undefined);
  append(log, 2);
  assertEquals([cursor.peek(), cursor.peek(), cursor.next()], [0, 0, 0]);
  assertEquals([cursor.peek(), cursor.next(), cursor.peek()], [1, 1, undefined]);
});

Deno.test("Cursor.take() reads no more than it is asked for", () => {
  const log = new Log<number>({ segmentItems: 2 });
  const cursor = log.cursor();
  append(log, 5);
  assertEquals([cursor.take(0), cursor.take(3), cursor.take(3)], [[], [0, 1, 2], [3, 4]]);
});

Deno.test("Cursor jumps ahead to its lag limit when it reads, and counts what it lost", () => {
  const log = new Log<number>({ segmentItems: 3 });
  const cursor = log.cursor({ lagMax: 4 });
  append(log, 4);
  assertEquals(cursor.next(), 0);
  assertEquals(cursor.skipped, 0);
  append(log, 20);
  assertEquals(state(cursor), { position: 1, lag: 23, skipped: 0 });
  assertEquals(cursor.next(), 20);
  assertEquals(state(cursor), { position: 21, lag: 3, skipped: 19 });
  assertEquals(cursor.take(10), [21, 22, 23]);
  assertEquals(cursor.skipped, 19);
});

Deno.test("Cursor with a lag limit of one always reads the newest", () => {
  const log = new Log<number>({ segmentItems: 2 });
  const cursor = log.cursor({ lagMax: 1 });
  for (let round = 1; round < 10; round++) {
    append(log, round);
    assertEquals([cursor.next(), cursor.next()], [log.end - 1, undefined]);
  }
  assertEquals(cursor.skipped, log.end - 9);
});

Deno.test("Cursor reads every item that it does not skip, whatever the lag limit", () => {
  for (let lagMax = 1; lagMax < 12; lagMax++) {
    const log = new Log<number>({ segmentItems: 4, weigh: (item) => item });
    const cursor = log.cursor({ lagMax });
    let read = 0;
    let weight = 0;
    for (let round = 0; round < 50; round++) {
      append(log, round % 9);
      for (const item of cursor.take(round % 4)) {
        assertEquals(item, cursor.skipped + read, `lag limit ${lagMax}`);
        read++;
      }
    }
    assertEquals(cursor.position, cursor.skipped + read);
    for (let item = 0; item < cursor.position; item++) weight += item;
    assertEquals(cursor.weight, weight);
  }
});

Deno.test("Cursor rejects a lag limit that is none", () => {
  for (const lagMax of [0, -1, NaN, 1.5]) {
    assertThrows(() => new Log().cursor({ lagMax }), RangeError, `lagMax is ${lagMax}`);
  }
});

Deno.test("Cursor.skipTo() jumps to every place ahead, and never back nor past the end", () => {
  for (let target = 0; target <= 12; target++) {
    const log = new Log<number>({ segmentItems: 3 });
    const cursor = log.cursor();
    append(log, 10);
    cursor.take(2);
    cursor.skipTo(target);
    const position = Math.min(Math.max(target, 2), 10);
    assertEquals(state(cursor), { position, lag: 10 - position, skipped: position - 2 });
    assertEquals(cursor.next(), position < 10 ? position : undefined);
  }
});

Deno.test("Cursor.follow() yields what is there, then what comes", async () => {
  const log = new Log<number>({ segmentItems: 2 });
  const cursor = log.cursor();
  append(log, 3);
  const items: number[] = [];
  for await (const item of cursor.follow()) {
    items.push(item);
    if (item === 2) queueMicrotask(() => append(log, 2));
    if (item === 4) break;
  }
  assertEquals(items, [0, 1, 2, 3, 4]);
});

Deno.test("Cursor.follow() ends when its signal aborts, also while it waits", async () => {
  const log = new Log<number>();
  const cursor = log.cursor();
  const stop = new AbortController();
  append(log, 2);
  setTimeout(() => stop.abort(), 1);
  assertEquals(await Array.fromAsync(cursor.follow(stop.signal)), [0, 1]);
  append(log, 1);
  assertEquals(await Array.fromAsync(cursor.follow(stop.signal)), []);
  assertEquals(cursor.next(), 2, "what was not read stays to be read");
});

Deno.test("Cursor.ahead() gives the items up to an end without passing them", () => {
  const log = new Log<number>({ segmentItems: 2 });
  const cursor = log.cursor();
  assertEquals([...cursor.ahead()], []);
  append(log, 7);
  cursor.next();
  assertEquals([...cursor.ahead()], [1, 2, 3, 4, 5, 6]);
  assertEquals([...cursor.ahead(4)], [1, 2, 3]);
  assertEquals([...cursor.ahead(1)], []);
  assertEquals(state(cursor), { position: 1, lag: 6, skipped: 0 });
});
