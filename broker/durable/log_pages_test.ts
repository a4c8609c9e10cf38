import { assert, assertEquals } from "@std/assert";
import { JournalWorld } from "../testdata/journal_world.ts";
import { message, textOf } from "../testdata/messages.ts";
import { PAGE_ENTRIES } from "./message_page.ts";

/** A log with a reader at its start. */
function world() {
  const journalWorld = new JournalWorld();
  const cursor = journalWorld.journal.newLog().cursor();
  const append = (payload: string, expirySeconds = -1) =>
    cursor.log.append(message("t", payload, { expirySeconds }));
  return { ...journalWorld, world: journalWorld, cursor, log: cursor.log, append };
}

Deno.test("LogPages writes the page of a log with the commit of its messages", async () => {
  const { world: { journal }, world: all, append } = world();
  append("x");
  append("y");
  assert(journal.latest === journal.gathering && journal.bytes > 0);
  await all.settle();
  assertEquals([all.rows("entries"), all.rows("messages"), all.store.commits.length], [1, 1, 1]);
});

Deno.test("LogPages removes the page that all readers have passed", async () => {
  const { world: all, cursor, append } = world();
  append("x");
  await all.settle();
  cursor.pass();
  await all.settle();
  assertEquals([all.rows("entries"), all.rows("messages"), all.journal.bytes], [0, 0, 0]);
});

Deno.test("LogPages writes the page of a failed commit with the next one", async () => {
  const { world: all, append, cursor } = world();
  append("x");
  await all.fail();
  append("y");
  assertEquals(all.rows("entries"), 0);
  await all.repair();
  assertEquals([all.rows("entries"), all.rows("messages")], [1, 2]);
  assertEquals([cursor.page.count, cursor.page.pending], [2, 0]);
});

Deno.test("LogPages evicts pages beyond cacheBytesMax, and loads them for their reader", async () => {
  const { world: all, append, cursor } = world();
  all.host.cacheBytesMax = 0;
  const pages = 40;
  for (let i = 0; i < pages * PAGE_ENTRIES; i++) append(`${i}`);
  const before = all.journal.memoryBytes;
  await all.settle();
  assertEquals([cursor.isUnloaded, cursor.peek()], [true, null]);
  assert(all.journal.memoryBytes > before, "pages in memory count after their commit");
  let loads = 0;
  for (let i = 0; i < pages * PAGE_ENTRIES; i++) {
    if (cursor.isUnloaded) {
      loads++;
      await new Promise<void>((resolve) => cursor.load(resolve));
    }
    assertEquals(textOf(cursor.peek()!.message!), `${i}`);
    cursor.pass();
  }
  assert(loads > 0 && loads < pages);
});

Deno.test("LogPages removes pages whose messages have expired unread [MQTT-3.3.2-5]", async () => {
  const { world: all, append, log } = world();
  for (let i = 0; i < PAGE_ENTRIES; i++) append("x", 1);
  append("last");
  await all.settle();
  assertEquals([all.rows("entries"), log.start], [2, 0]);
  await all.host.clock.advance(2000);
  assertEquals([all.rows("entries"), log.start], [1, PAGE_ENTRIES]);
  assertEquals(all.host.reports, [`expired ${PAGE_ENTRIES}`]);
});

Deno.test("LogPages counts messages that were in the store, for Journal.isFull", () => {
  const { world: { journal, host } } = world();
  journal.pages.countStored(host.storedBytesMax);
  assertEquals([journal.bytes, journal.isFull], [host.storedBytesMax, true]);
});
