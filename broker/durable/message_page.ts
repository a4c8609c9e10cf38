/** A page: the part of a durable log that is stored in one row, and its entries. */
import type { Variant } from "../../router/variant.ts";
import type { Message } from "../base/message.ts";
import type { MessageChunk, Place } from "./message_chunk.ts";

/** Entries of a full page. */
export const PAGE_ENTRIES = 128;
/** The maximum weight of a page's messages, in bytes, without the last one. */
export const PAGE_BYTES = 64 * 1024;

/** The flags of a message whose flags the store has lost. */
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
  /** Its weight, in bytes. */
  readonly weight: number;
  /** Its flags; `null` if the reader has them. */
  readonly variant: Variant | null;
}

/**
 * A part of a durable log: one row of the store, which is read at once. Once it is on the disk its
 * entries may be evicted and read again.
 *
 * It is kept while it, or an earlier page, is held: by cursors in it and by its messages in flight.
 * Its state is public, because it is read for each message: it is set by its log, the page cache,
 * the writer of rows and the restore.
 */
export class MessagePage {
  /** The number of entries. */
  count = 0;
  /** Their weight, in bytes. */
  weight = 0;
  /** When the last entry expires, of the broker's clock; `Infinity` for never. */
  expiresMs = -Infinity;
  /** Cursors in this page, and messages in flight. */
  holders = 0;
  /** The entries; `null` if they are only in the store. */
  entries: Entry[] | null = [];
  /** The chunk of each entry, while the entries are not in memory. */
  refs: readonly MessageChunk[] | null = null;
  /** Whether it was passed to the store, and so may be stored. */
  isSealed = false;
  /** The number of changes that are not committed yet. */
  pending = 0;
  /** Whether it is no longer needed. */
  isDropped = false;
  next: MessagePage | null = null;
  /** Callbacks that wait for the entries. */
  waiting: (() => void)[] | null = null;

  /**
   * @param first The position of the first entry.
   * @param weightBefore The weight of the log before it.
   */
  constructor(public first: number, public weightBefore: number) {}

  /** The position after the last entry. */
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

  /** Evicts the entries, which are in the store. */
  evict(): void {
    this.refs = this.entries!.map(({ place }) => place.chunk);
    this.entries = null;
  }

  /** Starts again, empty, at `first`; its holders stay. */
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
