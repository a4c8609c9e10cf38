import { assert, assertEquals } from "@std/assert";
import { JournalWorld } from "../testdata/journal_world.ts";
import { message, variant } from "../testdata/messages.ts";
import type { SharedStart } from "./shared_start.ts";

/** A log that sessions start to read. */
function world() {
  const all = new JournalWorld();
  const log = all.journal.newLog();
  const start = (sessionId: number): SharedStart => {
    return all.journal.starts.add(sessionId, log, variant());
  };
  return { all, log, starts: all.journal.starts, start };
}

Deno.test("SharedStarts stores sessions that start at the same position in one row", async () => {
  const { all, start } = world();
  const starts = [1, 2, 3].map(start);
  await all.settle();
  assertEquals(all.rows("joins"), 1);
  assertEquals(starts[0]!.sessions, [1, 2, 3]);
});

Deno.test("SharedStarts begins another row after a message, and after a commit", async () => {
  const { all, log, start } = world();
  const first = start(1);
  log.append(message("t", "x"));
  const second = start(2);
  await all.settle();
  const third = start(3);
  await all.settle();
  assert(first !== second && second !== third);
  assertEquals(all.rows("joins"), 3);
});

Deno.test("SharedStarts begins another row after the last session has gone before the commit", async () => {
  const { all, starts, start } = world();
  const first = start(1);
  starts.release(first);
  const second = start(2);
  assert(first !== second);
  await all.settle();
  assertEquals(all.rows("joins"), 1);
});

Deno.test("SharedStarts removes the row when the last session has stored its position", async () => {
  const { all, starts, start } = world();
  const [first, second] = [start(1), start(2)];
  await all.settle();
  starts.release(first!);
  await all.settle();
  assertEquals(all.rows("joins"), 1);
  starts.release(second!);
  await all.settle();
  assertEquals(all.rows("joins"), 0);
});

Deno.test("SharedStarts writes no row that no session needs by the commit", async () => {
  const { all, starts, start } = world();
  starts.release(start(1));
  await all.settle();
  assertEquals(all.rows("joins"), 0);
});
