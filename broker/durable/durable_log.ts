import type { Waiter } from "../../log/log.ts";
import type { Variant } from "../../router/variant.ts";
import type { Message } from "../base/message.ts";
import { DurableCursor } from "./durable_cursor.ts";
import type { Place } from "./message_chunk.ts";
import { MessagePage } from "./message_page.ts";

/** What a log needs of the journal that stores it. */
export interface LogKeeper {
  /** Has a message stored, if it is not yet, and says where. */
  keep(message: Message): Place;
  /** An entry of so many bytes was added to the page: its row is to be written. */
  appended(log: DurableLog, page: MessagePage, bytes: number): void;
  /** Nobody needs what is in the page. Called before it is emptied. */
  dropped(log: DurableLog, page: MessagePage): void;
  /** Reads the entries of a page from the store, and calls back. */
  load(log: DurableLog, page: MessagePage, done: () => void): void;
}

/**
 * A log of messages that survives: pages of entries, each a row of the store.
 * Unlike the log in memory it knows who reads it, because what nobody needs is
 * not garbage by itself: a page goes when nobody holds it, nor one before it.
 */
export class DurableLog {
  #first: MessagePage;
  #last: MessagePage;
  #weight: number;
  #parked: Waiter[] = [];
  /** How many read it. */
  #cursors = 0;
  /** How many of them have passed everything there is, as of this many appends. */
  #caughtUp = 0;
  #appends = 0;
  /** While it is restored: its pages, to find one by its position among very many. */
  #restored: readonly MessagePage[] | null = null;

  /**
   * @param id Never used for another log.
   * @param end Where it goes on.
   * @param weight What it weighs until there.
   */
  constructor(readonly keeper: LogKeeper, readonly id: number, end = 0, weight = 0) {
    this.#first = this.#last = new MessagePage(end, weight);
    this.#weight = weight;
  }

  /**
   * Takes pages over that are on the disk, in order; before anyone reads. None
   * of them goes before {@linkcode begin}, when everyone is there who reads.
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

  /** The page that holds a position, or the one before which it stands; only until {@linkcode begin}. */
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

  /** Everyone is there who reads what was restored. */
  begin(): void {
    this.#restored = null;
    this.release(this.#first);
  }

  /** Where the first entry that is still there stands. */
  get start(): number {
    return this.#first.first;
  }

  /** The position that the next message will get. */
  get end(): number {
    return this.#last.end;
  }

  /** What everything appended so far weighs, in bytes. */
  get weight(): number {
    return this.#weight;
  }

  /** The oldest page. */
  get firstPage(): MessagePage {
    return this.#first;
  }

  /** The page that is appended to. */
  get lastPage(): MessagePage {
    return this.#last;
  }

  /** How many appends there were; a cursor is caught up as of one of them. */
  get appends(): number {
    return this.#appends;
  }

  /** Appends a message. `variant` says how it is sent where that is not up to the reader. */
  append(message: Message, variant: Variant | null = null): void {
    const { weight } = message;
    if (this.#cursors === 0) return this.#pass(weight);
    if (this.#last.isFull) this.#grow();
    const place = this.keeper.keep(message);
    this.#last.add({ place, message, weight, variant });
    this.#weight += weight;
    this.#appends++;
    this.#caughtUp = 0;
    this.keeper.appended(this, this.#last, weight);
    if (this.#parked.length > 0) this.#wake();
  }

  /** Makes a reader that starts at the end. */
  cursor(): DurableCursor {
    return new DurableCursor(this, this.#last, this.end, this.#weight);
  }

  /** Has `waiter` woken, once, by the next append. */
  park(waiter: Waiter): void {
    this.#parked.push(waiter);
  }

  /** Counts a reader, or what is in flight to one, as holding a page. */
  hold(page: MessagePage): void {
    page.holders++;
  }

  /** A page is held by one less. */
  release(page: MessagePage): void {
    current(page).holders--;
    this.#trim();
  }

  /** A reader has come. */
  joined(): void {
    this.#cursors++;
  }

  /** A reader has passed everything, or, `by` being -1, does not read any more. */
  caughtUp(by: 1 | -1): void {
    this.#caughtUp += by;
    if (by > 0) this.#trim();
  }

  /** A reader has gone, and holds nothing any more. */
  left(): void {
    this.#cursors--;
    this.#trim();
  }

  /** Drops pages at the start in which everything has expired. Returns how many entries. */
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
    // Those who hold the last page are all at its end, and nothing is in flight.
    if (last.holders > this.#caughtUp) return;
    this.keeper.dropped(this, last);
    last.restart(last.end, this.#weight);
  }

  #dropFirst(): void {
    const page = this.#first;
    this.#first = page.next!;
    this.#first.holders += page.holders;
    page.isDropped = true;
    this.keeper.dropped(this, page);
  }

  /** Nobody reads: the log goes on without keeping anything. */
  #pass(weight: number): void {
    // Something that is in flight may still be held.
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

/** The page itself, or, if it was dropped, the one that has taken over whoever held it. */
export function current(page: MessagePage): MessagePage {
  let kept = page;
  while (kept.isDropped) kept = kept.next!;
  return kept;
}
