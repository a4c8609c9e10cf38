import { assertEquals } from "@std/assert";
import { JournalWorld } from "../testdata/journal_world.ts";
import { message, textOf, variant } from "../testdata/messages.ts";
import { Join, joinedBytes, joinedMessages, joinsOf } from "./join.ts";
import type { Reader } from "./log_reader.ts";

/** A log that sessions join. */
function world() {
  const all = new JournalWorld();
  const log = all.journal.newLog();
  const append = (payload: string) => log.append(message("t", payload).keep());
  const join = (sessionId: number, before: Join | null = null): Join => {
    const follows = { variant: variant(), onLeft: () => {}, onAttached: () => {} };
    return new Join(all.journal.starts.add(sessionId, log, follows.variant), follows, before);
  };
  return { all, log, append, join };
}

function readAll({ cursor }: Reader): string[] {
  const texts: string[] = [];
  for (let entry = cursor.peek(); entry !== null; entry = cursor.peek()) {
    texts.push(textOf(entry.message!));
    cursor.pass();
  }
  return texts;
}

Deno.test("Join counts what comes after it, and what the joins before it count", () => {
  const { append, join } = world();
  const first = join(1);
  append("1");
  const second = join(1, first);
  append("2");
  assertEquals([joinsOf(first), joinedMessages(first)], [1, 2]);
  assertEquals([joinsOf(second), joinedMessages(second)], [2, 3]);
  assertEquals(joinedBytes(second), 3 * message("t", "x").weight);
  assertEquals([joinsOf(null), joinedMessages(null), joinedBytes(null)], [0, 0, 0]);
});

Deno.test("Join keeps messages until its session has read them, with or without a cursor", async () => {
  const { all, append, join } = world();
  const [soon, later] = [join(1), join(2)];
  append("1");
  const early = soon.toReader();
  append("2");
  assertEquals(readAll(early), ["1", "2"]);
  await all.settle();
  assertEquals([all.rows("entries"), all.rows("messages") > 0], [1, true]);
  const late = later.toReader();
  append("3");
  assertEquals([readAll(late), readAll(early)], [["1", "2", "3"], ["3"]]);
  await all.settle();
  assertEquals([all.rows("entries"), all.rows("messages")], [0, 0]);
});

Deno.test("Join begins where its session joined, though others have read before it joined", () => {
  const { append, join } = world();
  const first = join(1).toReader();
  // The start is the same, and its only cursor has been taken.
  const second = join(2);
  append("1");
  assertEquals([readAll(first), readAll(second.toReader())], [["1"], ["1"]]);
});
