import { numberKey } from "../../store/record.ts";
import type { Store } from "../../store/store.ts";
import type { Message } from "../base/message.ts";
import { type MessageChunk, Place } from "./message_chunk.ts";
import type { DurableLog } from "./durable_log.ts";
import { type Entry, LOST_VARIANT, type MessagePage } from "./message_page.ts";
import { type PageRecord, readChunk, readPage } from "./message_page_record.ts";
import type { Calendar } from "../base/calendar.ts";

/** Pages that are read from the store at once. */
const LOADS_MAX = 16;
/**
 * Pages that stay whatever they weigh: one that was loaded must be there when whoever waited for
 * it comes to read it, or it would be loaded for ever.
 */
const PAGES_MIN = 2 * LOADS_MAX;
/** How long to wait before what could not be read is tried again, in milliseconds. */
const RETRY_MS = 1000;

/** What a cache needs to know. */
export interface CacheHost {
  readonly store: Store;
  readonly calendar: Calendar;
  /** What the pages in the cache may weigh, in bytes. */
  readonly bytesMax: number;
  /** The chunk with an identifier. */
  chunkOf(id: number): MessageChunk;
  /** The store does not have what it should. */
  lost(messages: number): void;
  /** The store could not read. */
  failed(error: unknown): void;
  /** Calls back after so many milliseconds. */
  later(ms: number, call: () => void): void;
}

/**
 * The pages whose entries are in memory beside being on the disk. Those that
 * came first are forgotten first.
 */
export class PageCache {
  readonly #host: CacheHost;
  readonly #pages = new Set<MessagePage>();
  /** Pages that wait to be loaded, and whose they are. */
  readonly #queue = new Map<MessagePage, DurableLog>();
  #bytes = 0;
  #loads = 0;
  /** Whether the last page could not be read. */
  #isFailing = false;

  constructor(host: CacheHost) {
    this.#host = host;
  }

  /** What the pages weigh, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a page that is on the disk as it is. */
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

  /** The page is no more, or no longer on the disk as it is. Called before it changes. */
  remove(page: MessagePage): void {
    if (this.#pages.delete(page)) this.#bytes -= page.weight;
  }

  /** Loads the entries of a page, and calls back. */
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
      // Whoever waits goes on to wait: to call back would only have it asked for again at once.
      this.#loads--;
      this.#failed(error, log, page);
      return this.#loadNext();
    }
    this.#loads--;
    const { waiting } = page;
    page.waiting = null;
    for (const done of waiting ?? []) done();
    this.#loadNext();
  }

  /** The page is read again a little later. That it cannot be is told once, until it can. */
  #failed(error: unknown, log: DurableLog, page: MessagePage): void {
    if (!this.#isFailing) this.#host.failed(error);
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
    // One that was dropped meanwhile was not needed, or had expired.
    if (page.isDropped) return [];
    if (!value) return this.#lost(page);
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
    if (lost > 0) this.#host.lost(lost);
    return entries;
  }

  async #readMessages(record: PageRecord): Promise<Map<MessageChunk, Map<number, Message | null>>> {
    const { store, calendar } = this.#host;
    const wanted = new Map<MessageChunk, Set<number>>();
    for (const { place: { chunk, index } } of record.entries) {
      let indexes = wanted.get(chunk);
      if (indexes === undefined) wanted.set(chunk, indexes = new Set());
      indexes.add(index);
    }
    const chunks = [...wanted];
    const values = await store.get("messages", chunks.map(([{ id }]) => numberKey(id)));
    const messages = new Map<MessageChunk, Map<number, Message | null>>();
    for (const [i, [chunk, indexes]] of chunks.entries()) {
      const value = values[i] ?? null;
      if (value === null) continue;
      try {
        messages.set(chunk, readChunk(value, indexes, calendar));
      } catch (error) {
        // What makes no sense is as good as not there.
        this.#host.failed(error);
      }
    }
    return messages;
  }

  /** The row of a page is missing: what was there cannot be sent. */
  #lost(page: MessagePage): Entry[] {
    this.#host.lost(page.count);
    return page.refs!.map((chunk): Entry => ({
      place: new Place(chunk, 0),
      message: null,
      weight: page.weight / page.count,
      variant: LOST_VARIANT,
    }));
  }
}
