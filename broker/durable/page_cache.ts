/** The pages that are in memory and on the disk, and how others are loaded. */
import { numberKey } from "../../store/record.ts";
import { type MessageChunk, Place } from "./message_chunk.ts";
import type { DurableLog } from "./durable_log.ts";
import { type Entry, LOST_VARIANT, type MessagePage } from "./message_page.ts";
import { ReferredChunks } from "./referred_chunks.ts";
import { type ChunkMessages, type MessagesHost, readMessages } from "./stored_messages.ts";
import { type PageRecord, readPage } from "./message_page_record.ts";

/** The maximum number of concurrent reads of pages. */
const LOADS_MAX = 16;
/**
 * The minimum number of pages that stay, whatever their weight: a loaded page must still be in
 * memory when its reader gets to it, or it would be loaded again and again.
 */
const PAGES_MIN = 2 * LOADS_MAX;
/** The time before a failed read is retried, in milliseconds. */
const RETRY_MS = 1000;

/** The broker, as the cache needs it. */
export interface CacheHost extends Omit<MessagesHost, "referred"> {
  /** The maximum weight of the cached pages, in bytes. */
  readonly bytesMax: number;
  /** The chunk with an identifier. */
  chunkOf(id: number): MessageChunk;
  /** Stored messages were lost. */
  onLost(messages: number): void;
  /** Calls `call` after so many milliseconds. */
  later(ms: number, call: () => void): void;
}

/** The pages that are in memory and on the disk. The oldest are evicted first. */
export class PageCache {
  readonly #host: CacheHost;
  readonly #pages = new Set<MessagePage>();
  /** Pages that wait to be loaded, with their logs. */
  readonly #queue = new Map<MessagePage, DurableLog>();
  readonly #referred: ReferredChunks;
  #bytes = 0;
  #loads = 0;
  /** Whether the last read has failed. */
  #isFailing = false;

  constructor(host: CacheHost) {
    this.#host = host;
    this.#referred = new ReferredChunks(host);
  }

  /** The weight of the pages, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory of the chunks of streams that were read for pages, in bytes. */
  get referredBytes(): number {
    return this.#referred.bytes;
  }

  /** Adds a page that is on the disk in its current state. */
  add(page: MessagePage): void {
    if (page.isDropped || page.entries === null || this.#pages.has(page)) return;
    this.#pages.add(page);
    this.#bytes += page.weight;
    for (const oldest of this.#pages) {
      if (this.#bytes <= this.#host.bytesMax || this.#pages.size <= PAGES_MIN) break;
      this.remove(oldest);
      oldest.evict();
    }
  }

  /** Removes a page that was removed, or is about to change. */
  remove(page: MessagePage): void {
    if (this.#pages.delete(page)) this.#bytes -= page.weight;
  }

  /** Loads the entries of a page, and calls `done`. */
  load(log: DurableLog, page: MessagePage, done: () => void): void {
    if (page.waiting !== null) {
      page.waiting.push(done);
      return;
    }
    page.waiting = [done];
    this.#queue.set(page, log);
    this.#loadNext();
  }

  #loadNext(): void {
    for (const [page, log] of this.#queue) {
      if (this.#loads >= LOADS_MAX) return;
      this.#queue.delete(page);
      this.#loads++;
      this.#load(log, page);
    }
  }

  async #load(log: DurableLog, page: MessagePage): Promise<void> {
    try {
      const entries = page.entries ?? (page.isDropped ? [] : await this.#read(log, page));
      if (page.entries === null && !page.isDropped) {
        page.entries = entries;
        this.add(page);
      }
      this.#isFailing = false;
    } catch (error) {
      // The callbacks continue to wait: called now, they would request the page again at once.
      this.#loads--;
      this.#onLoadFailed(error, log, page);
      return this.#loadNext();
    }
    this.#loads--;
    const { waiting } = page;
    page.waiting = null;
    for (const done of waiting ?? []) done();
    this.#loadNext();
  }

  /** The page is read again later. The error is reported once, until a read succeeds. */
  #onLoadFailed(error: unknown, log: DurableLog, page: MessagePage): void {
    if (!this.#isFailing) this.#host.reportError(error);
    this.#isFailing = true;
    this.#host.later(RETRY_MS, () => {
      this.#queue.set(page, log);
      this.#loadNext();
    });
  }

  async #read(log: DurableLog, page: MessagePage): Promise<Entry[]> {
    const { store } = this.#host;
    const { first, count } = page;
    const [value] = await store.get("entries", [numberKey(log.id, first)]);
    // A page that was removed meanwhile was not needed, or had expired.
    if (page.isDropped) return [];
    if (!value) return this.#onPageLost(page);
    const record = readPage(value, (id) => this.#host.chunkOf(id));
    const messages = await this.#readMessages(record);
    let lost = 0;
    const entries = record.entries.slice(0, count).map((entry): Entry => {
      const message = messages.get(entry.place.chunk)?.get(entry.place.index);
      if (message === undefined) lost++;
      else if (message === null) entry.place.isRevoked = true;
      else message.place = entry.place;
      return { ...entry, message: message ?? null };
    });
    if (lost > 0) this.#host.onLost(lost);
    return entries;
  }

  #readMessages(record: PageRecord): Promise<ChunkMessages> {
    const wanted = new Map<MessageChunk, Set<number>>();
    for (const { place: { chunk, index } } of record.entries) {
      let indexes = wanted.get(chunk);
      if (indexes === undefined) wanted.set(chunk, indexes = new Set());
      indexes.add(index);
    }
    const { store, calendar } = this.#host;
    const reportError = (error: unknown) => this.#host.reportError(error);
    return readMessages({ store, calendar, referred: this.#referred, reportError }, wanted);
  }

  /** The row of a page is missing: its messages cannot be sent. */
  #onPageLost(page: MessagePage): Entry[] {
    this.#host.onLost(page.count);
    return page.refs!.map((chunk): Entry => ({
      place: new Place(chunk, 0),
      message: null,
      weight: page.weight / page.count,
      variant: LOST_VARIANT,
    }));
  }
}
