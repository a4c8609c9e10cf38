import type { Variant } from "../../router/variant.ts";
import type { Message } from "../base/message.ts";
import type { MessageChunk, Place } from "./message_chunk.ts";

/** Entries of a full page. */
export const PAGE_ENTRIES = 128;
/** What the messages of a page weigh at most, in bytes, but for the last. */
export const PAGE_BYTES = 64 * 1024;

/** How a message is sent of which the store has lost that. */
export const LOST_VARIANT: Variant = {
  qos: 1,
  identifiers: null,
  retainAsPublished: false,
  retained: false,
  shared: null,
};

/** One message in a log. */
export interface Entry {
  readonly place: Place;
  /** The message; `null` if the store has lost it. */
  readonly message: Message | null;
  /** What it weighs, in bytes. */
  readonly weight: number;
  /** How it is sent; `null` where that is up to the reader. */
  readonly variant: Variant | null;
}

/**
 * A part of a durable log: one row of the store, and what is read of it at
 * once. Once it is on the disk its entries may be forgotten and read again.
 *
 * It is kept while it, or a page before it, is held: by cursors that stand in
 * it and by messages of it that are in flight.
 */
export class MessagePage {
  /** How many entries there are. */
  count = 0;
  /** What they weigh, in bytes. */
  weight = 0;
  /** When the last of them expires, of the broker's clock; `Infinity` for never. */
  expiresMs = -Infinity;
  /** Cursors that stand here, and messages in flight. */
  holders = 0;
  /** The entries; `null` while only the store has them. */
  entries: Entry[] | null = [];
  /** The chunk of each entry, known while the entries are not. */
  refs: readonly MessageChunk[] | null = null;
  /** Whether it was handed to the store, which may have it since. */
  isSealed = false;
  /** Changes that no commit has finished yet. */
  pending = 0;
  /** Whether nobody needs it any more. */
  isDropped = false;
  next: MessagePage | null = null;
  /** Whoever waits for the entries. */
  waiting: (() => void)[] | null = null;

  /**
   * @param first The position of the first entry.
   * @param weightBefore What the log weighs in front of it.
   */
  constructor(public first: number, public weightBefore: number) {}

  /** The position behind the last entry. */
  get end(): number {
    return this.first + this.count;
  }

  /** The chunk of the first entry. */
  get firstChunk(): MessageChunk | undefined {
    return this.entries === null ? this.refs![0] : this.entries[0]?.place.chunk;
  }

  /** Whether no more entries should be added. */
  get isFull(): boolean {
    return this.count >= PAGE_ENTRIES || this.weight >= PAGE_BYTES || this.entries === null;
  }

  /** Adds an entry. */
  add(entry: Entry): void {
    this.entries!.push(entry);
    this.count++;
    this.weight += entry.weight;
    const deadline = entry.message?.deadlineMs ?? -Infinity;
    if (deadline > this.expiresMs) this.expiresMs = deadline;
    entry.place.chunk.live++;
  }

  /** Forgets the entries, which the store has. */
  evict(): void {
    this.refs = this.entries!.map(({ place }) => place.chunk);
    this.entries = null;
  }

  /** Begins anew, empty, at `first`; who holds it goes on to. */
  restart(first: number, weightBefore: number): void {
    this.first = first;
    this.weightBefore = weightBefore;
    this.count = this.weight = 0;
    this.expiresMs = -Infinity;
    this.entries = [];
    this.refs = null;
    this.isSealed = false;
  }
}
