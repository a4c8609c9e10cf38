import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { Log, type Waiter } from "./log.ts";

/** Counts how often it is woken, and by which item. */
class CountingWaiter implements Waiter {
  woken = 0;
  wake(): void {
    this.woken++;
  }
}

/** A log of the numbers from 0 up to but not including `count`. */
function logOf(count: number, options: ConstructorParameters<typeof Log<number>>[0]): Log<number> {
  const log = new Log<number>(options);
  for (let item = 0; item < count; item++) log.append(item);
  return log;
}

Deno.test("Log.append() returns sequence numbers that count up from 0", () => {
  const log = new Log<string>({ segmentItems: 2 });
  assertEquals(["a", "b", "c", "d", "e"].map((item) => log.append(item)), [0, 1, 2, 3, 4]);
  assertEquals(log.end, 5);
});

Deno.test("Log.append() keeps an item once, however many read it", () => {
  const log = new Log<object>();
  const cursors = [log.cursor(), log.cursor()];
  const item = {};
  log.append(item);
  for (const cursor of cursors) assert(cursor.next() === item);
});

Deno.test("Log() rejects sizes that make no sense", () => {
  for (const segmentItems of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => new Log({ segmentItems }), RangeError, `segmentItems is ${segmentItems}`);
  }
  for (const retainItems of [-1, NaN]) {
    assertThrows(() => new Log({ retainItems }), RangeError, `retainItems is ${retainItems}`);
  }
});

Deno.test("Log.cursor() starts at the end without `from`", () => {
  const log = logOf(3, { retainItems: 10 });
  const cursor = log.cursor();
  assertEquals([cursor.position, cursor.next()], [3, undefined]);
  log.append(3);
  assertEquals(cursor.take(10), [3]);
});

Deno.test("Log.cursor() replays from every sequence number that is retained", () => {
  const log = logOf(20, { segmentItems: 3, retainItems: 20 });
  for (let from = 0; from <= 20; from++) {
    const cursor = log.cursor({ from });
    assertEquals([cursor.position, cursor.skipped], [from, 0]);
    assertEquals(cursor.take(100), Array.from({ length: 20 - from }, (_, i) => from + i));
  }
});

Deno.test("Log.cursor() starts at the end if `from` is beyond it", () => {
  const log = logOf(3, { retainItems: 10 });
  const cursor = log.cursor({ from: 100 });
  assertEquals([cursor.position, cursor.skipped], [3, 0]);
});

Deno.test("Log.cursor() reports what retention has let go of as skipped", () => {
  const log = logOf(100, { segmentItems: 4, retainItems: 10 });
  assert(log.start <= 90 && log.start > 90 - 2 * 4, `start ${log.start}`);
  const cursor = log.cursor({ from: 7 });
  assertEquals([cursor.position, cursor.skipped], [log.start, log.start - 7]);
  assertEquals(cursor.next(), log.start);
});

Deno.test("Log.cursor() replays nothing without retention", () => {
  const log = logOf(10, { segmentItems: 4 });
  const cursor = log.cursor({ from: 8 });
  assertEquals([cursor.position, cursor.skipped, cursor.next()], [10, 2, undefined]);
});

Deno.test("Log.cursor() rejects what is no sequence number", () => {
  for (const from of [-1, 1.5, NaN, Infinity]) {
    assertThrows(() => new Log().cursor({ from }), RangeError, `from is ${from}`);
  }
});

Deno.test("Log.start never lets go of more than retention allows", () => {
  const log = new Log<number>({ segmentItems: 3, retainItems: 7 });
  for (let item = 0; item < 100; item++) {
    log.append(item);
    assert(log.end - log.start >= Math.min(7, log.end), `${log.start} of ${log.end}`);
    assert(log.end - log.start < 7 + 2 * 3, `${log.start} of ${log.end}`);
  }
});

Deno.test("Log.weight adds up what was appended, and cursors know their share", () => {
  const weigh = (text: string) => text.length;
  const log = new Log<string>({ weigh, segmentItems: 2, retainItems: 10 });
  const cursor = log.cursor();
  for (const item of ["a", "bb", "ccc", "dddd"]) log.append(item);
  assertEquals([log.weight, cursor.weight], [10, 0]);
  cursor.take(3);
  assertEquals(cursor.weight, 6);
  for (const [from, weight] of [[0, 0], [1, 1], [2, 3], [3, 6], [4, 10]] as const) {
    assertEquals(log.cursor({ from }).weight, weight);
  }
});

Deno.test("Log closes a segment that is heavy enough, however few its items", () => {
  const log = new Log<number>({ weigh: (item) => item, segmentWeight: 10, retainItems: 1 });
  log.append(100);
  assertEquals(log.start, 0);
  log.append(1);
  assertEquals(log.start, 0, "the newest item is retained");
  log.append(1);
  log.append(1);
  // The first segment was full with its only item, and retention has passed it.
  assertEquals(log.start, 0, "retention only moves with a new segment");
  log.append(8);
  log.append(1);
  assertEquals(log.start, 1);
});

Deno.test("Log.park() costs nothing per message and wakes each waiter once", () => {
  const log = new Log<number>();
  const waiters = Array.from({ length: 1000 }, () => new CountingWaiter());
  for (const waiter of waiters) log.park(waiter);
  for (let item = 0; item < 1000; item++) log.append(item);
  assert(waiters.every(({ woken }) => woken === 1));
  const [again] = waiters;
  log.park(again!);
  log.append(0);
  log.append(0);
  assertEquals(again!.woken, 2);
});

Deno.test("Log.park() from within a wake waits for the next append", () => {
  const log = new Log<number>();
  let woken = 0;
  const waiter: Waiter = {
    wake() {
      woken++;
      log.park(waiter);
    },
  };
  log.park(waiter);
  for (let item = 1; item <= 3; item++) {
    log.append(item);
    assertEquals(woken, item);
  }
});

Deno.test("Log.append() has stored the item when it wakes", () => {
  const log = new Log<number>();
  const cursor = log.cursor();
  let seen: number | undefined;
  log.park({ wake: () => seen = cursor.next() });
  log.append(7);
  assertEquals(seen, 7);
});

Deno.test("Log.more() is one receipt until the next append, then another", async () => {
  const log = new Log<number>();
  const more = log.more();
  assert(more === log.more());
  log.append(1);
  assert(more.isClosed);
  await more;
  assertFalse(log.more().isClosed);
});
