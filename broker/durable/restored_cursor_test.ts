import { assertEquals } from "@std/assert";
import { JournalWorld } from "../testdata/journal_world.ts";
import { message, variant } from "../testdata/messages.ts";
import { cursorOf } from "./restored_cursor.ts";
import { emptyLog } from "./restored_logs.ts";

Deno.test("cursorOf() ends with a shared log, but never with that of the session alone", () => {
  const { journal } = new JournalWorld();
  // A damaged row may say of any log that it was left.
  const record = { position: 0, weight: 0, end: 0, endWeight: 0 };
  for (const [own, lag] of [[true, 1], [false, 0]] as const) {
    const log = emptyLog(journal.ids.newId(), 0, 0, journal);
    const cursor = cursorOf(log, { ...record, variant: own ? null : variant() });
    log.begin();
    log.append(message("t", "x").keep());
    assertEquals(cursor.lag, lag);
  }
});
