/** The rows of sessions that have started to read a log at the same position. */
import type { ChangeJournal } from "./changes.ts";
import type { Variant } from "../../router/variant.ts";
import type { DurableLog } from "./durable_log.ts";
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

  /**
   * A session starts to follow a shared log from its end on: stores its position until its own row
   * does.
   */
  add(sessionId: number, log: DurableLog, variant: Variant): SharedStart {
    const start = this.#startOf(log, variant);
    start.sessions.push(sessionId);
    start.pending++;
    start.join();
    return start;
  }

  #startOf(log: DurableLog, variant: Variant): SharedStart {
    const { starts } = this.#journal.changes;
    const { end, weight } = log;
    const last = this.#last;
    // One that nobody needs any more is removed with the next commit.
    const isSame = last !== null && last.log === log && last.position === end && last.pending > 0;
    if (isSame && starts.has(last)) return last;
    const start = new SharedStart(this.#ids.newId(), log, end, weight, variant);
    starts.add(start);
    this.#journal.commitSoon();
    return this.#last = start;
  }

  /** The position of one session is stored elsewhere, or not needed any more. */
  release(start: SharedStart): void {
    if (--start.pending > 0) return;
    this.#journal.changes.removedStarts.add(start);
    this.#journal.commitSoon();
  }
}
