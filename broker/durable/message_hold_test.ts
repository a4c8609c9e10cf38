import { assertEquals } from "@std/assert";
import { JournalWorld } from "../testdata/journal_world.ts";
import { message, textOf } from "../testdata/messages.ts";
import { MessageHold } from "./message_hold.ts";
import { PAGE_ENTRIES } from "./message_page.ts";

/** A hold of the first message of a log, whose reader has passed everything. */
function world(messages: number) {
  const all = new JournalWorld();
  const log = all.journal.newLog();
  const cursor = log.cursor();
  for (let i = 0; i < messages; i++) log.append(message("t", `${i}`, { expirySeconds: 1 }));
  const hold = new MessageHold(log, cursor.page, cursor.position);
  while (cursor.lag > 0) cursor.passPage();
  return { all, log, hold };
}

Deno.test("MessageHold keeps the message in the store until it is released", async () => {
  const { all, hold } = world(1);
  await all.settle();
  assertEquals([textOf(hold.entry!.message!), all.rows("messages")], ["0", 1]);
  hold.release();
  await all.settle();
  assertEquals(all.rows("messages"), 0);
});

Deno.test("MessageHold loads its message after the page was evicted", async () => {
  const { all, hold } = world(2);
  await all.settle();
  hold.page.evict();
  assertEquals([hold.entry, hold.isRemoved], [null, false]);
  await new Promise<void>((resolve) => hold.load(resolve));
  assertEquals(textOf(hold.entry!.message!), "0");
});

Deno.test("MessageHold knows that its message has expired", async () => {
  const { all, hold } = world(PAGE_ENTRIES + 1);
  await all.settle();
  await all.host.clock.advance(2000);
  assertEquals([hold.entry, hold.isRemoved], [null, true]);
  hold.release();
});
