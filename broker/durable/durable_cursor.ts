/** A position in a durable log, which keeps the pages from there on. */
import { current, type DurableLog } from "./durable_log.ts";
import type { Entry, MessagePage } from "./message_page.ts";
import type { Place } from "./message_chunk.ts";

/** A position in a durable log. It holds its page, and so all later pages. */
export class DurableCursor {
  #page: MessagePage;
  #position: number;
  #weight: number;
  /**
   * The end position, and the weight of the log before it, in bytes; -1 while it follows the log.
   * `Infinity` would take memory of its own for each cursor.
   */
  #end = -1;
  #endWeight = -1;
  /** The append count at which it was counted as caught up; -1 for not. */
  #caughtUpAt = -1;
  #isClosed = false;
  /** The place of the entry at a position. It stays known after the entry was evicted. */
  #knownPlace: Place | null = null;
  #knownAt = -1;

  /** Use {@linkcode DurableLog.cursor}. */
  constructor(readonly log: DurableLog, page: MessagePage, position: number, weight: number) {
    this.#page = page;
    this.#position = position;
    this.#weight = weight;
    log.addReader();
    log.hold(page);
    this.#checkCaughtUp();
  }

  /** Another cursor at the same position, that follows the log. */
  clone(): DurableCursor {
    const { log, page, position, weight } = this;
    return new DurableCursor(log, page, position, weight);
  }

  /** The position of the next entry. */
  get position(): number {
    return Math.max(this.#position, Math.min(this.log.start, this.limit));
  }

  /** The weight of the log before the position, in bytes. */
  get weight(): number {
    const { firstPage } = this.log;
    return this.#position < firstPage.first
      ? Math.min(firstPage.weightBefore, this.#limitWeight)
      : this.#weight;
  }

  /** The current end position. */
  get limit(): number {
    return this.#end < 0 ? this.log.end : Math.min(this.#end, this.log.end);
  }

  /** The final end position; `Infinity` while it follows the log. */
  get end(): number {
    return this.#end < 0 ? Infinity : this.#end;
  }

  /** The weight of the log before the end, in bytes; `Infinity` while it follows the log. */
  get endWeight(): number {
    return this.#end < 0 ? Infinity : this.#endWeight;
  }

  /** The number of remaining entries. */
  get lag(): number {
    return Math.max(0, this.limit - this.position);
  }

  /** Their weight, in bytes. */
  get lagWeight(): number {
    return Math.max(0, this.#limitWeight - this.weight);
  }

  get #limitWeight(): number {
    return this.#end < 0 ? this.log.weight : Math.min(this.#endWeight, this.log.weight);
  }

  /** The page of the next entry. */
  get page(): MessagePage {
    this.#advance();
    return this.#page;
  }

  /**
   * The place of the next entry; `null` at the end, or while it is not loaded. Once known it stays
   * known, even if the entry is evicted.
   */
  locate(): Place | null {
    const entry = this.peek();
    if (entry !== null) {
      this.#knownAt = this.#position;
      return this.#knownPlace = entry.place;
    }
    if (this.lag <= 0) return null;
    return this.#knownAt === this.#position ? this.#knownPlace : null;
  }

  /** Sets the stored position, before anything is read. */
  restore(
    page: MessagePage,
    position: number,
    weight: number,
    end: number,
    endWeight: number,
  ): void {
    this.log.hold(page);
    this.#uncount();
    const before = this.#page;
    this.#page = page;
    this.#position = position;
    this.#weight = weight;
    const isClosed = end !== Infinity;
    this.#end = isClosed ? end : -1;
    this.#endWeight = isClosed ? endWeight : -1;
    this.log.release(before);
    this.#checkCaughtUp();
  }

  /** Sets the end to the current end of the log. */
  close(): void {
    if (this.#end >= 0) return;
    this.#end = this.log.end;
    this.#endWeight = this.log.weight;
  }

  /** The next entry; `null` at the end, or while it is not loaded. */
  peek(): Entry | null {
    if (this.lag <= 0) return null;
    this.#advance();
    if (this.lag <= 0) return null;
    const { entries, first } = this.#page;
    return entries?.[this.#position - first] ?? null;
  }

  /** Whether the next entry must be loaded first, with {@linkcode load}. */
  get isUnloaded(): boolean {
    return this.lag > 0 && this.page.entries === null;
  }

  /** Loads the next entries, and calls `done`. */
  load(done: () => void): void {
    this.log.keeper.load(this.log, this.page, done);
  }

  /** Passes the entry of {@linkcode peek}. */
  pass(): void {
    const entry = this.peek();
    if (entry === null) return;
    this.#position++;
    this.#weight += entry.weight;
    this.#advance();
    this.#checkCaughtUp();
  }

  /** Passes the rest of its page, loaded or not. Returns the number of entries. */
  passPage(): number {
    this.#advance();
    const to = Math.min(this.#page.end, this.limit);
    const count = to - this.#position;
    const isWhole = to === this.#page.end;
    this.#position = to;
    this.#weight = isWhole ? this.#page.weightBefore + this.#page.weight : this.#endWeight;
    this.#advance();
    this.#checkCaughtUp();
    return count;
  }

  /** Stops reading. */
  leave(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#uncount();
    this.log.release(this.#page);
    this.log.removeReader();
  }

  /** Moves to the page of the next entry. */
  #advance(): void {
    let page = this.#page;
    if (page.isDropped) this.#page = page = current(page);
    this.#skipTo(page);
    while (this.#position >= page.end && page.next !== null) {
      page = page.next;
      this.log.hold(page);
      const before = this.#page;
      this.#page = page;
      this.log.release(before);
      this.#skipTo(page);
    }
  }

  /** Removed entries before a page were not needed, had expired, or were lost. */
  #skipTo({ first, weightBefore }: MessagePage): void {
    if (this.#position >= first) return;
    this.#position = Math.min(first, this.limit);
    this.#weight = Math.min(weightBefore, this.#limitWeight);
  }

  #checkCaughtUp(): void {
    const { log } = this;
    if (this.#position < log.end || this.#caughtUpAt === log.appends) return;
    this.#caughtUpAt = log.appends;
    log.countCaughtUp(1);
  }

  /** Removes it from the count of caught-up cursors. */
  #uncount(): void {
    if (this.#caughtUpAt === this.log.appends) this.log.countCaughtUp(-1);
    this.#caughtUpAt = -1;
  }
}
