/** A log in memory: one writer, many readers. */
import { Cursor, type CursorOptions } from "./cursor.ts";
import { Receipt } from "./receipt.ts";
import { Segment } from "./segment.ts";

/** A reader at the end of a log, which the next append wakes once. */
export interface Waiter {
  /** Called during an append. It must be short, and must not read the log. */
  wake(): void;
}

/** Settings of a {@linkcode Log}. */
export interface LogOptions<T> {
  /** The weight of an item, such as its bytes; 0 for every item by default. */
  weigh?: (item: T) => number;
  /** Items per segment, the unit of garbage collection; 256 by default. */
  segmentItems?: number;
  /** The weight at which a segment is full, even with fewer items; none by default. */
  segmentWeight?: number;
  /**
   * How many of the newest items the log keeps for cursors that start in the past; 0 by default. It
   * keeps whole segments, so it keeps a few more.
   */
  retainItems?: number;
}

/**
 * A log in memory. One writer appends, and any number of readers follow it, each at its own speed.
 *
 * - An item is stored once, however many read it; a reader is a position.
 * - Sequence numbers start at 0 and never repeat.
 * - Items that every cursor has passed, and that retention does not keep, are collected by the
 *   runtime's garbage collector.
 * - A parked waiter costs nothing until the next append, which wakes it once.
 *
 * @typeParam T The items; any value except `undefined`, which stands for the end.
 *
 * @example Two readers, one copy
 * ```ts
 * import { Log } from "@fairway/mqtt/log";
 * import { assertEquals } from "@std/assert";
 *
 * const log = new Log<string>();
 * const first = log.cursor();
 * log.append("one");
 * const second = log.cursor();
 * log.append("two");
 * assertEquals(first.take(10), ["one", "two"]);
 * assertEquals(second.take(10), ["two"]);
 * ```
 */
export class Log<T> {
  readonly #weigh: ((item: T) => number) | null;
  readonly #segmentItems: number;
  readonly #segmentWeight: number;
  readonly #retainItems: number;
  /** The oldest segment that retention keeps; the last one without retention. */
  #head: Segment<T>;
  #tail: Segment<T>;
  #weight = 0;
  #parked: Waiter[] = [];
  #more: Receipt | null = null;

  /**
   * Makes an empty log.
   *
   * @throws {RangeError} If a size is not a whole number, or too small.
   */
  constructor(options: LogOptions<T> = {}) {
    const { segmentItems = 256, retainItems = 0 } = options;
    if (!Number.isInteger(segmentItems) || segmentItems < 1) {
      throw new RangeError(`Cannot make a log: segmentItems is ${segmentItems}, not 1 or more`);
    }
    if (!(retainItems >= 0)) {
      throw new RangeError(`Cannot make a log: retainItems is ${retainItems}, not 0 or more`);
    }
    this.#weigh = options.weigh ?? null;
    this.#segmentItems = segmentItems;
    this.#segmentWeight = options.segmentWeight ?? Infinity;
    this.#retainItems = retainItems;
    this.#head = this.#tail = new Segment<T>(0, 0);
  }

  /** The sequence number that the next item will get. */
  get end(): number {
    return this.#tail.end;
  }

  /** The oldest sequence number that a new cursor can start from. */
  get start(): number {
    return this.#retainItems === 0 ? this.#tail.end : this.#head.base;
  }

  /** The weight of everything appended so far. */
  get weight(): number {
    return this.#weight;
  }

  /** Appends an item, wakes parked waiters, and returns the item's sequence number. */
  append(item: T): number {
    if (this.#isFull()) this.#grow();
    const sequence = this.#tail.items.push(item) - 1 + this.#tail.base;
    if (this.#weigh !== null) this.#weight += this.#weigh(item);
    if (this.#parked.length > 0) this.#wake();
    if (this.#more !== null) {
      this.#more.close();
      this.#more = null;
    }
    return sequence;
  }

  /**
   * Makes a reader.
   *
   * Without `from` it starts at the end. `from` is the sequence number of the first item to read.
   * To start after the last item that you have, use `cursor({ from: last + 1 })`. If retention no
   * longer has some of the items, the cursor starts at the oldest one, and its `skipped` says how
   * many are missing.
   *
   * @throws {RangeError} If a setting is not a whole number, or too small.
   */
  cursor(options: CursorOptions = {}): Cursor<T> {
    const from = options.from ?? this.end;
    if (!Number.isInteger(from) || from < 0) {
      throw new RangeError(`Cannot make a cursor: from is ${from}, no whole number from 0 on`);
    }
    const start = Math.min(Math.max(from, this.start), this.end);
    let segment = this.start === this.end ? this.#tail : this.#head;
    while (segment.next !== null && segment.end <= start) segment = segment.next;
    let weight = segment.baseWeight;
    if (start === this.end) weight = this.#weight;
    else {
      for (let i = segment.base; i < start; i++) {
        weight += this.weigh(segment.items[i - segment.base]!);
      }
    }
    return new Cursor<T>(this, segment, start, weight, Math.max(0, start - from), options.lagMax);
  }

  /** The weight of one item. */
  weigh(item: T): number {
    return this.#weigh === null ? 0 : this.#weigh(item);
  }

  /** The next append wakes `waiter`, once. */
  park(waiter: Waiter): void {
    this.#parked.push(waiter);
  }

  /** A receipt that closes at the next append. */
  more(): Receipt {
    return this.#more ??= new Receipt();
  }

  #wake(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const waiter of parked) waiter.wake();
  }

  #isFull(): boolean {
    const { items, baseWeight } = this.#tail;
    return items.length >= this.#segmentItems ||
      (items.length > 0 && this.#weight - baseWeight >= this.#segmentWeight);
  }

  #grow(): void {
    const segment = new Segment<T>(this.#tail.end, this.#weight);
    this.#tail.next = segment;
    this.#tail = segment;
    if (this.#retainItems === 0) this.#head = segment;
    while (this.#head.next !== null && this.end - this.#head.end >= this.#retainItems) {
      this.#head = this.#head.next;
    }
  }
}
