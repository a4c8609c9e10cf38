/** The rows of sessions that have started to read a log at the same position. */
import type { ChangeJournal } from "./changes.ts";
import type { Reader } from "./log_reader.ts";
import type { IdAllocator } from "./id_allocator.ts";
import { SharedStart } from "./shared_start.ts";

/** Creates shared starts, and removes those that no session needs any more. */
export class SharedStarts {
  readonly #journal: ChangeJournal;
  readonly #ids: IdAllocator;
  /** The one that was created last: many sessions start one after another. */
  #last: SharedStart | null = null;

  constructor(journal: ChangeJournal, ids: IdAllocator) {
    this.#journal = journal;
    this.#ids = ids;
  }

  /** A session has started to read a shared log: stores its position until its own row does. */
  add(sessionId: number, reader: Reader): void {
    const { cursor, variant } = reader;
    const { log, position, weight } = cursor;
    const { starts } = this.#journal.changes;
    let start = this.#last;
    const isSame = start !== null && starts.has(start) && start.log === log &&
      start.position === position;
    if (!isSame) {
      start = this.#last = new SharedStart(this.#ids.newId(), log, position, weight, variant!);
      starts.add(start);
    }
    start!.sessions.push(sessionId);
    start!.pending++;
    reader.start = start;
    this.#journal.commitSoon();
  }

  /** The position of one session is stored elsewhere, or not needed any more. */
  release(start: SharedStart): void {
    if (--start.pending > 0) return;
    this.#journal.changes.removedStarts.add(start);
    this.#journal.commitSoon();
  }
}
