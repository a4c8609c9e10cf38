import { current, type DurableLog } from "./durable_log.ts";
import type { Entry, MessagePage } from "./message_page.ts";
import type { Place } from "./message_chunk.ts";

/**
 * A position in a durable log. It holds the page it stands in, and so everything
 * behind it.
 */
export class DurableCursor {
  #page: MessagePage;
  #position: number;
  #weight: number;
  /** Where it reads to, or `Infinity` while it follows the log. */
  #end = Infinity;
  #endWeight = Infinity;
  /** As of which append it was counted as caught up; -1 for none. */
  #caughtUpAt = -1;
  #isClosed = false;
  /** Where the entry at a position is stored: still known when that was forgotten. */
  #knownPlace: Place | null = null;
  #knownAt = -1;

  /** Use {@linkcode DurableLog.cursor}. */
  constructor(readonly log: DurableLog, page: MessagePage, position: number, weight: number) {
    this.#page = page;
    this.#position = position;
    this.#weight = weight;
    log.joined();
    log.hold(page);
    this.#checkCaughtUp();
  }

  /** The position of the next entry. */
  get position(): number {
    return Math.max(this.#position, Math.min(this.log.start, this.limit));
  }

  /** What the log weighs in front of the position, in bytes. */
  get weight(): number {
    const { firstPage } = this.log;
    return this.#position < firstPage.first
      ? Math.min(firstPage.weightBefore, this.#limitWeight)
      : this.#weight;
  }

  /** Where it reads to, as things are now. */
  get limit(): number {
    return Math.min(this.#end, this.log.end);
  }

  /** Where it reads to for good; `Infinity` while it follows the log. */
  get end(): number {
    return this.#end;
  }

  /** What the log weighs there, in bytes; `Infinity` while it follows the log. */
  get endWeight(): number {
    return this.#endWeight;
  }

  /** How many entries are left. */
  get lag(): number {
    return Math.max(0, this.limit - this.position);
  }

  /** What they weigh, in bytes. */
  get lagWeight(): number {
    return Math.max(0, this.#limitWeight - this.weight);
  }

  get #limitWeight(): number {
    return Math.min(this.#endWeight, this.log.weight);
  }

  /** The page of the next entry. */
  get page(): MessagePage {
    this.#advance();
    return this.#page;
  }

  /**
   * Where the next entry is stored; `null` at the end, and when it has to be
   * loaded to know. Once known it stays so, whether or not the entry is in memory.
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

  /** Goes on from a position that was stored; before anything is read. */
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
    this.#end = end;
    this.#endWeight = endWeight;
    this.log.release(before);
    this.#checkCaughtUp();
  }

  /** Reads no further than what is there now. */
  close(): void {
    if (this.#end !== Infinity) return;
    this.#end = this.log.end;
    this.#endWeight = this.log.weight;
  }

  /** The next entry; `null` at the end, and while it has to be loaded. */
  peek(): Entry | null {
    if (this.lag <= 0) return null;
    this.#advance();
    if (this.lag <= 0) return null;
    const { entries, first } = this.#page;
    return entries?.[this.#position - first] ?? null;
  }

  /** Whether the next entry must be {@linkcode load}ed first. */
  get isUnloaded(): boolean {
    return this.lag > 0 && this.page.entries === null;
  }

  /** Has the next entries loaded, and calls back. */
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

  /** Passes the rest of the page it stands in, loaded or not. Returns how many entries. */
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

  /** Reads no more. */
  leave(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#uncount();
    this.log.release(this.#page);
    this.log.left();
  }

  /** Stands in the page of the next entry. */
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

  /** What is not there any more in front of a page was not needed, had expired, or was lost. */
  #skipTo({ first, weightBefore }: MessagePage): void {
    if (this.#position >= first) return;
    this.#position = Math.min(first, this.limit);
    this.#weight = Math.min(weightBefore, this.#limitWeight);
  }

  #checkCaughtUp(): void {
    const { log } = this;
    if (this.#position < log.end || this.#caughtUpAt === log.appends) return;
    this.#caughtUpAt = log.appends;
    log.caughtUp(1);
  }

  /** It no longer counts as caught up, if it did. */
  #uncount(): void {
    if (this.#caughtUpAt === this.log.appends) this.log.caughtUp(-1);
    this.#caughtUpAt = -1;
  }
}
