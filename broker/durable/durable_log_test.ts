import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { JournalWorld } from "../testdata/journal_world.ts";
import { message, textOf } from "../testdata/messages.ts";
import type { DurableCursor } from "./durable_cursor.ts";
import { PAGE_BYTES, PAGE_ENTRIES } from "./message_page.ts";

/** A log without readers, and the store that it is in. */
function world() {
  const all = new JournalWorld();
  const log = all.journal.newLog();
  const append = (payload = "x", expirySeconds = -1) =>
    log.append(message("t", payload, { expirySeconds }));
  return { all, log, append };
}

/** What a cursor reads from where it is to the end. */
function rest(cursor: DurableCursor): string[] {
  const texts: string[] = [];
  for (let entry = cursor.peek(); entry !== null; entry = cursor.peek()) {
    texts.push(textOf(entry.message!));
    cursor.pass();
  }
  return texts;
}

Deno.test("DurableLog keeps nothing while nobody reads it, and counts all the same", async () => {
  const { all, log, append } = world();
  const { weight } = message("t", "x");
  append();
  append();
  assertEquals([log.start, log.end, log.weight], [2, 2, 2 * weight]);
  await all.settle();
  assertEquals([all.rows("entries"), all.rows("messages")], [0, 0]);
});

Deno.test("DurableCursor begins at the end of its log, and reads what comes from then on", () => {
  const { log, append } = world();
  append("before");
  const cursor = log.cursor();
  assertEquals([cursor.position, cursor.lag, cursor.peek()], [1, 0, null]);
  append("a");
  append("b");
  assertEquals([cursor.lag, cursor.lagWeight], [2, 2 * message("t", "a").weight]);
  assertEquals([rest(cursor), cursor.position, cursor.lag], [["a", "b"], 3, 0]);
});

Deno.test("DurableCursor.close() keeps what there is, and takes nothing more", () => {
  const { log, append } = world();
  const cursor = log.cursor();
  append("a");
  cursor.close();
  append("b");
  cursor.close();
  assertEquals([cursor.end, cursor.limit, cursor.lag], [1, 1, 1]);
  assertEquals(cursor.lagWeight, message("t", "a").weight);
  assertEquals(rest(cursor), ["a"]);
});

Deno.test("DurableLog begins a page when one has enough entries, or bytes", () => {
  const { log, append } = world();
  const cursor = log.cursor();
  for (let i = 0; i < PAGE_ENTRIES; i++) append();
  assertStrictEquals(log.firstPage, log.lastPage);
  append("x".repeat(PAGE_BYTES));
  assertStrictEquals(log.firstPage.next, log.lastPage);
  append();
  assertEquals([log.lastPage.first, log.lastPage.count], [PAGE_ENTRIES + 1, 1]);
  assertEquals(rest(cursor).length, PAGE_ENTRIES + 2);
});

Deno.test("DurableLog removes a page when the last of its readers has passed it", async () => {
  const { all, log, append } = world();
  const [fast, slow] = [log.cursor(), log.cursor()];
  for (let i = 0; i < 2 * PAGE_ENTRIES; i++) append();
  await all.settle();
  rest(fast);
  await all.settle();
  assertEquals([log.start, all.rows("entries")], [0, 2]);
  for (let i = 0; i < PAGE_ENTRIES; i++) slow.pass();
  await all.settle();
  assertEquals([log.start, all.rows("entries")], [PAGE_ENTRIES, 1]);
  rest(slow);
  await all.settle();
  assertEquals([log.start, all.rows("entries")], [2 * PAGE_ENTRIES, 0]);
});

Deno.test("DurableLog removes what a reader that leaves was the last to need", async () => {
  const { all, log, append } = world();
  const [stays, leaves] = [log.cursor(), log.cursor()];
  append();
  rest(stays);
  await all.settle();
  assertEquals(all.rows("messages"), 1);
  leaves.leave();
  leaves.leave();
  await all.settle();
  assertEquals([all.rows("messages"), log.start], [0, 1]);
  append("later");
  assertEquals(rest(stays), ["later"]);
});

Deno.test("DurableLog keeps a page for a message in flight, and its readers go on", async () => {
  const { all, log, append } = world();
  const cursor = log.cursor();
  append("in flight");
  const { page } = cursor;
  log.hold(page);
  cursor.pass();
  await all.settle();
  append("next");
  await all.settle();
  assertEquals(rest(cursor), ["next"]);
  assertEquals([log.start, all.rows("entries")], [0, 1]);
  log.release(page);
  await all.settle();
  assertEquals([log.start, all.rows("entries")], [2, 0]);
});

Deno.test("DurableLog without readers keeps what is still in flight", async () => {
  const { all, log, append } = world();
  const cursor = log.cursor();
  append("in flight");
  const { page } = cursor;
  log.hold(page);
  cursor.pass();
  cursor.leave();
  append("for nobody");
  await all.settle();
  assertEquals([page.entries!.length, all.rows("messages"), log.end], [1, 1, 2]);
  log.release(page);
  await all.settle();
  assertEquals([all.rows("messages"), log.start], [0, 2]);
});

Deno.test("DurableLog wakes who is parked once, at the next message", () => {
  const { log, append } = world();
  const cursor = log.cursor();
  let wakes = 0;
  log.park({ wake: () => void wakes++ });
  append();
  append();
  assertEquals([wakes, cursor.lag], [1, 2]);
});

Deno.test("DurableLog wakes nobody for a message that nobody reads", () => {
  const { log, append } = world();
  let wakes = 0;
  log.park({ wake: () => void wakes++ });
  append();
  assertEquals(wakes, 0);
});

Deno.test("DurableLog drops whole pages whose messages have all expired, but never the last", () => {
  const { log, append } = world();
  const cursor = log.cursor();
  for (let i = 0; i < PAGE_ENTRIES; i++) append("old", 1);
  for (let i = 0; i < PAGE_ENTRIES - 1; i++) append("old", 1);
  append("new", 3);
  append("last", 1);
  assertEquals([log.dropExpired(999), log.dropExpired(1000)], [0, PAGE_ENTRIES]);
  assertEquals([cursor.position, cursor.lag], [PAGE_ENTRIES, PAGE_ENTRIES + 1]);
  assertEquals([log.dropExpired(9000), cursor.lag], [PAGE_ENTRIES, 1]);
  assertEquals([cursor.lagWeight, rest(cursor)], [message("t", "last").weight, ["last"]]);
});

Deno.test("DurableCursor that is closed does not go past its end when what it reads has expired", () => {
  const { log, append } = world();
  const other = log.cursor();
  const cursor = log.cursor();
  for (let i = 0; i < PAGE_ENTRIES - 1; i++) append("old", 1);
  cursor.close();
  append("old", 1);
  append("last");
  log.dropExpired(1000);
  assertEquals([cursor.lag, cursor.lagWeight, cursor.peek()], [0, 0, null]);
  assertEquals([cursor.position, rest(other)], [PAGE_ENTRIES - 1, ["last"]]);
});

Deno.test("DurableCursor.passPage() passes the rest of its page, but not what comes after its end", () => {
  const { log, append } = world();
  const [follows, ends] = [log.cursor(), log.cursor()];
  for (let i = 0; i < PAGE_ENTRIES + 5; i++) append();
  ends.pass();
  ends.close();
  append("after the end");
  assertEquals([ends.passPage(), ends.lag], [PAGE_ENTRIES - 1, 5]);
  assertEquals([ends.passPage(), ends.lag, ends.lagWeight], [5, 0, 0]);
  assertEquals([follows.passPage(), follows.lag], [PAGE_ENTRIES, 6]);
  assertEquals(follows.lagWeight, log.weight - PAGE_ENTRIES * message("t", "x").weight);
});

Deno.test("DurableCursor knows the place of its next message after that was evicted", async () => {
  const { all, log, append } = world();
  const cursor = log.cursor();
  append("a");
  append("b");
  const place = cursor.locate();
  await all.settle();
  cursor.page.evict();
  assertEquals([cursor.peek(), cursor.isUnloaded], [null, true]);
  assertStrictEquals(cursor.locate(), place);
  // That of the one after it was never asked for.
  await new Promise<void>((resolve) => cursor.load(resolve));
  cursor.pass();
  cursor.page.evict();
  assertEquals(cursor.locate(), null);
  cursor.leave();
  assert(log.start === log.end);
});

Deno.test("DurableCursor that has passed everything reads on after its page was emptied", async () => {
  const { all, log, append } = world();
  const [a, b] = [log.cursor(), log.cursor()];
  for (let round = 0; round < 3; round++) {
    append(`${round}`);
    assertEquals([rest(a), rest(b)], [[`${round}`], [`${round}`]]);
    await all.settle();
    assertEquals([all.rows("entries"), log.start], [0, round + 1]);
  }
});
