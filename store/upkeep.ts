/** Keeps the files of a store small, in small steps. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** The limits at which the upkeep begins. */
export interface UpkeepLimits {
  /** Pages of the write-ahead log at which it is copied into the file. */
  readonly logPagesMax: number;
  /** Free pages that the file may keep, whatever its size. */
  readonly freePagesMax: number;
}

/** Pages of the file that are given back in one step: a few milliseconds of work. */
const SHRINK_PAGES = 64;

/** Keeps the write-ahead log and the file short, a small step at a time. */
export class Upkeep {
  readonly #db: DatabaseSync;
  readonly #limits: UpkeepLimits;
  readonly #logState: StatementSync;
  readonly #checkpoint: StatementSync;
  readonly #pages: StatementSync;
  readonly #freePages: StatementSync;
  readonly #shrink: StatementSync;
  #shrinking = false;

  constructor(db: DatabaseSync, limits: UpkeepLimits) {
    this.#db = db;
    this.#limits = limits;
    this.#logState = db.prepare("PRAGMA wal_checkpoint(NOOP)");
    this.#checkpoint = db.prepare("PRAGMA wal_checkpoint(PASSIVE)");
    this.#pages = db.prepare("PRAGMA page_count");
    this.#freePages = db.prepare("PRAGMA freelist_count");
    this.#shrink = db.prepare(`PRAGMA incremental_vacuum(${SHRINK_PAGES})`);
  }

  /** Pages that are in the log only. */
  get logPages(): number {
    const { log, checkpointed } = this.#logState.get() as { log: number; checkpointed: number };
    return log - checkpointed;
  }

  /** Whether the log has reached `logPagesMax`. */
  get isLogLong(): boolean {
    return this.logPages >= this.#limits.logPagesMax;
  }

  /**
   * Copies the log into the file. Then the log starts again.
   *
   * @throws If the file cannot grow.
   */
  checkpoint(): void {
    this.#checkpoint.get();
  }

  /**
   * Gives some free pages at the end of the file back to the disk, if there are many.
   *
   * @returns Whether there are more to give back.
   */
  shrink(): boolean {
    const free = this.#freePages.get()!["freelist_count"] as number;
    const pages = this.#pages.get()!["page_count"] as number;
    // It begins late and ends early, so that a file whose size varies keeps its pages.
    const share = this.#shrinking ? 8 : 4;
    this.#shrinking = free > Math.max(this.#limits.freePagesMax, pages / share);
    if (this.#shrinking) this.#shrink.all();
    return this.#shrinking;
  }
}
