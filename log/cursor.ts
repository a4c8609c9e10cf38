/** The position of a reader in a log. */
import type { Log } from "./log.ts";
import type { Segment } from "./segment.ts";

/** Settings of a {@linkcode Cursor}. */
export interface CursorOptions {
  /** Sequence number of the first item to read, 0 or more; the end of the log by default. */
  from?: number;
  /** The lag limit, in items, 1 or more; none by default. Past it, the cursor skips items. */
  lagMax?: number;
}

/**
 * A position in a {@linkcode Log}. It keeps its segment and the later ones alive, and nothing else.
 * So N readers cost N positions.
 *
 * With a lag limit, a reader that falls further behind skips to the limit at its next read.
 * {@linkcode skipped} says how many items it lost.
 */
export class Cursor<T> {
  /** The log that is read. */
  readonly log: Log<T>;
  #segment: Segment<T>;
  #position: number;
  #weight: number;
  #skipped: number;
  readonly #lagMax: number;

  /** Use {@linkcode Log.cursor}. */
  constructor(
    log: Log<T>,
    segment: Segment<T>,
    position: number,
    weight: number,
    skipped: number,
    lagMax: number = Infinity,
  ) {
    if (!(lagMax >= 1 && (lagMax === Infinity || Number.isInteger(lagMax)))) {
      throw new RangeError(`Cannot make a cursor: lagMax is ${lagMax}, no whole number from 1 on`);
    }
    this.log = log;
    this.#segment = segment;
    this.#position = position;
    this.#weight = weight;
    this.#skipped = skipped;
    this.#lagMax = lagMax;
  }

  /** Sequence number of the next item this cursor reads. */
  get position(): number {
    return this.#position;
  }

  /** The weight of all items before the position. */
  get weight(): number {
    return this.#weight;
  }

  /** How many items are left to read. */
  get lag(): number {
    return this.log.end - this.#position;
  }

  /** How many items were lost to the lag limit, to retention or to {@linkcode skipTo}. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Reads the next item without passing it, or `undefined` at the end. */
  peek(): T | undefined {
    if (this.lag > this.#lagMax) this.skipTo(this.log.end - this.#lagMax);
    if (this.#position === this.#segment.end && !this.#advance()) return undefined;
    return this.#segment.items[this.#position - this.#segment.base];
  }

  /** Reads the next item, or `undefined` at the end. */
  next(): T | undefined {
    const item = this.peek();
    if (item === undefined) return undefined;
    this.#position++;
    this.#weight += this.log.weigh(item);
    return item;
  }

  /** Reads up to `max` items. */
  take(max: number): T[] {
    const items: T[] = [];
    while (items.length < max) {
      const item = this.next();
      if (item === undefined) break;
      items.push(item);
    }
    return items;
  }

  /** Skips to a whole sequence number, segment by segment. It never goes back. */
  skipTo(sequence: number): void {
    const target = Math.min(sequence, this.log.end);
    if (target <= this.#position) return;
    this.#skipped += target - this.#position;
    while (this.#segment.next !== null && this.#segment.end <= target) {
      this.#segment = this.#segment.next;
      this.#position = this.#segment.base;
      this.#weight = this.#segment.baseWeight;
    }
    const { base, items } = this.#segment;
    while (this.#position < target) {
      this.#weight += this.log.weigh(items[this.#position - base]!);
      this.#position++;
    }
  }

  /**
   * The items from the position up to a sequence number, without passing them. The iterator keeps
   * alive what it has not given yet.
   *
   * @param end The sequence number before which it ends; the end of the log by default.
   */
  *ahead(end: number = this.log.end): Generator<T, void, void> {
    let at = this.#position;
    for (let s: Segment<T> | null = this.#segment; s !== null && at < end; s = s.next) {
      for (at = Math.max(at, s.base); at < Math.min(s.end, end); at++) yield s.items[at - s.base]!;
    }
  }

  /**
   * Keeps only the items before `end` alive, however far the log grows: for a reader that reads no
   * further.
   */
  detach(end: number): void {
    this.#segment = this.#segment.upTo(end);
  }

  /**
   * Reads items without end, and waits at the end of the log.
   *
   * @param signal Ends the iteration. Items that were read stay read.
   */
  async *follow(signal?: AbortSignal): AsyncGenerator<T, void, void> {
    while (!signal?.aborted) {
      const item = this.next();
      if (item !== undefined) yield item;
      else await this.log.more().wait(signal).catch(ignoreAbort);
    }
  }

  #advance(): boolean {
    if (this.#segment.next === null) return false;
    this.#segment = this.#segment.next;
    return this.#segment.items.length > 0;
  }
}

/** The loop checks the signal itself. The rejection only ends the wait. */
function ignoreAbort(): void {}
