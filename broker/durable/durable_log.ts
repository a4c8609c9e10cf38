/** A log of stored messages, in pages, which durable sessions read. */
import type { Waiter } from "../../log/log.ts";
import type { Variant } from "../../router/variant.ts";
import type { Message } from "../base/message.ts";
import { DurableCursor } from "./durable_cursor.ts";
import type { Place } from "./message_chunk.ts";
import { MessagePage } from "./message_page.ts";

/** The owner of the pages of all logs, as a log needs it. */
export interface LogKeeper {
  /** The chunks in which messages are stored. */
  readonly chunks: {
    /** Stores a message, if it is not stored yet, and returns its place. */
    keep(message: Message): Place;
  };
  /** An entry of `bytes` was added to the page: its row must be written. */
  onAppended(log: DurableLog, page: MessagePage, bytes: number): void;
  /** The page is no longer needed. Called before it is emptied. */
  onPageDropped(log: DurableLog, page: MessagePage): void;
  /** Reads the entries of a page from the store, and calls `done`. */
  load(log: DurableLog, page: MessagePage, done: () => void): void;
}

/**
 * A durable log of messages: pages of entries, each a row of the store. Unlike the log in memory it
 * counts its readers, because stored pages are not garbage collected: a page is removed when
 * neither it nor an earlier page is held.
 */
export class DurableLog {
  #first: MessagePage;
  #last: MessagePage;
  #weight: number;
  #parked: Waiter[] = [];
  /** The number of readers. */
  #cursors = 0;
  /** The number of readers that have passed everything, as of this append count. */
  #caughtUp = 0;
  #appends = 0;
  /** During restoring: its pages, to find one by its position with binary search. */
  #restored: readonly MessagePage[] | null = null;

  /**
   * @param id Never reused for another log.
   * @param end The position of the next entry.
   * @param weight The weight of the log before it.
   */
  constructor(readonly keeper: LogKeeper, readonly id: number, end = 0, weight = 0) {
    this.#first = this.#last = new MessagePage(end, weight);
    this.#weight = weight;
  }

  /**
   * Adds pages that are on the disk, in order, before anything is read. They stay until {@linkcode
   * begin}, when all readers are known.
   */
  restore(pages: readonly MessagePage[]): void {
    for (const page of pages) {
      if (this.#last.count === 0 && this.#first === this.#last) this.#first = page;
      else this.#last.next = page;
      this.#last = page;
    }
    this.#weight = this.#last.weightBefore + this.#last.weight;
    this.#restored = pages;
    this.hold(this.#first);
  }

  /** The page that contains a position, or the next one; only until {@linkcode begin}. */
  pageAt(position: number): MessagePage {
    const pages = this.#restored!;
    let low = 0;
    let high = pages.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (pages[middle]!.end <= position) low = middle + 1;
      else high = middle;
    }
    return pages[low] ?? this.#last;
  }

  /** All readers of the restored pages are known. */
  begin(): void {
    this.#restored = null;
    this.release(this.#first);
  }

  /** The position of the first remaining entry. */
  get start(): number {
    return this.#first.first;
  }

  /** The position of the next entry. */
  get end(): number {
    return this.#last.end;
  }

  /** The total weight of all entries so far, in bytes. */
  get weight(): number {
    return this.#weight;
  }

  /** The oldest page. */
  get firstPage(): MessagePage {
    return this.#first;
  }

  /** The page for new entries. */
  get lastPage(): MessagePage {
    return this.#last;
  }

  /** The number of appends. A cursor is caught up as of one of them. */
  get appends(): number {
    return this.#appends;
  }

  /** Appends a message. `variant` gives its flags, if the reader does not. */
  append(message: Message, variant: Variant | null = null): void {
    const { weight } = message;
    if (this.#cursors === 0) return this.#pass(weight);
    if (this.#last.isFull) this.#grow();
    const place = this.keeper.chunks.keep(message);
    this.#last.add({ place, message, weight, variant });
    this.#weight += weight;
    this.#appends++;
    this.#caughtUp = 0;
    this.keeper.onAppended(this, this.#last, weight);
    if (this.#parked.length > 0) this.#wake();
  }

  /** Creates a reader that starts at the end. */
  cursor(): DurableCursor {
    return new DurableCursor(this, this.#last, this.end, this.#weight);
  }

  /** Wakes `waiter`, once, at the next append. */
  park(waiter: Waiter): void {
    this.#parked.push(waiter);
  }

  /** Counts a reader, or a message in flight, that holds a page. */
  hold(page: MessagePage): void {
    page.holders++;
  }

  /** Removes one holder of a page. */
  release(page: MessagePage): void {
    current(page).holders--;
    this.#trim();
  }

  /** Counts a new reader. */
  addReader(): void {
    this.#cursors++;
  }

  /** Counts a reader as caught up; with `by` -1, no longer. */
  countCaughtUp(by: 1 | -1): void {
    this.#caughtUp += by;
    if (by > 0) this.#trim();
  }

  /** Removes a reader that holds no page any more. */
  removeReader(): void {
    this.#cursors--;
    this.#trim();
  }

  /** Removes pages at the start whose entries have all expired. Returns the number of entries. */
  dropExpired(nowMs: number): number {
    let entries = 0;
    while (this.#first !== this.#last && this.#first.expiresMs <= nowMs) {
      entries += this.#first.count;
      this.#dropFirst();
    }
    return entries;
  }

  #trim(): void {
    while (this.#first !== this.#last && this.#first.holders === 0) this.#dropFirst();
    const last = this.#last;
    if (this.#first !== last || last.count === 0) return;
    // All holders of the last page are at its end, and nothing is in flight.
    if (last.holders > this.#caughtUp) return;
    this.keeper.onPageDropped(this, last);
    last.restart(last.end, this.#weight);
  }

  #dropFirst(): void {
    const page = this.#first;
    this.#first = page.next!;
    this.#first.holders += page.holders;
    page.isDropped = true;
    this.keeper.onPageDropped(this, page);
  }

  /** Without readers the log continues without entries. */
  #pass(weight: number): void {
    // A message in flight may still be held.
    if (this.#last.count > 0) this.#grow();
    this.#weight += weight;
    this.#last.restart(this.#last.end + 1, this.#weight);
  }

  #grow(): void {
    const page = new MessagePage(this.end, this.#weight);
    this.#last.next = page;
    this.#last = page;
    this.#trim();
  }

  #wake(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const waiter of parked) waiter.wake();
  }
}

/** The page itself, or, if it was removed, the page that took over its holders. */
export function current(page: MessagePage): MessagePage {
  let kept = page;
  while (kept.isDropped) kept = kept.next!;
  return kept;
}
