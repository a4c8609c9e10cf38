/** The pages of all durable logs: which must be written, which are in memory, and which expire. */
import type { Store } from "../../store/store.ts";
import type { Calendar } from "../base/calendar.ts";
import { Deadline } from "../base/scheduler.ts";
import type { ChangeJournal } from "./changes.ts";
import type { ChunkTable } from "./chunk_table.ts";
import type { DurableLog, LogKeeper } from "./durable_log.ts";
import { ExpirySweep, type SweepHost, type SweptLog } from "./expiry_sweep.ts";
import type { MessagePage } from "./message_page.ts";
import { PageCache } from "./page_cache.ts";

/** Memory of a log with entries, in bytes. */
const LOG_BYTES = 600;

/** The broker, as the pages need it. */
export interface PageHost extends SweepHost {
  readonly calendar: Calendar;
  /** The maximum memory of pages that are on the disk, in bytes. */
  readonly cacheBytesMax: number;
  /** Stored messages were lost. */
  onLost(messages: number): void;
  /** Reports an error. */
  reportError(error: unknown): void;
}

/** Keeps the pages of the logs of a broker. */
export class LogPages implements LogKeeper {
  readonly chunks: ChunkTable;
  readonly #journal: ChangeJournal;
  readonly #cache: PageCache;
  readonly #sweep: ExpirySweep;
  #bytes = 0;
  #asleep = 0;

  constructor(journal: ChangeJournal, store: Store, host: PageHost, chunks: ChunkTable) {
    this.#journal = journal;
    this.chunks = chunks;
    this.#sweep = new ExpirySweep(host);
    this.#cache = new PageCache({
      store,
      calendar: host.calendar,
      get bytesMax(): number {
        return host.cacheBytesMax;
      },
      chunkOf: (id) => chunks.get(id),
      onLost: (messages) => host.onLost(messages),
      reportError: (error) => host.reportError(error),
      later: (ms, call) => host.scheduler.set(new Deadline(call), host.clock.now() + ms),
    });
  }

  /** The weight of the messages in all logs, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory of pages and logs, in bytes. */
  get memoryBytes(): number {
    return this.#cache.bytes + this.#cache.referredBytes +
      (this.#sweep.size + this.#asleep) * LOG_BYTES;
  }

  /** Counts messages that were found in the store. */
  countStored(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Counts logs with entries whose sessions sleep. They cost as much as any other when these wake. */
  countAsleep(logs: number): void {
    this.#asleep += logs;
  }

  /** Adds a log with entries to the expiry sweep. */
  watch(log: SweptLog): void {
    this.#sweep.watch(log);
  }

  /** Takes a log out of the expiry sweep. */
  unwatch(log: SweptLog): void {
    this.#sweep.forget(log);
  }

  onAppended(log: DurableLog, page: MessagePage, bytes: number): void {
    const { pages } = this.#journal.changes;
    this.#bytes += bytes;
    this.#cache.remove(page);
    if (!pages.has(page)) {
      pages.set(page, log);
      page.pending++;
      this.#sweep.watch(log);
    }
    this.#journal.commitSoon();
  }

  onPageDropped(log: DurableLog, page: MessagePage): void {
    this.#cache.remove(page);
    if (page.entries === null) {
      for (const chunk of page.refs!) this.chunks.release(chunk);
    } else for (const { place } of page.entries) this.chunks.release(place.chunk);
    this.#bytes -= page.weight;
    if (page.isSealed) this.#journal.changes.removedPages.push([log.id, page.first]);
    if (page === log.lastPage) this.#sweep.forget(log);
    this.#journal.commitSoon();
  }

  load(log: DurableLog, page: MessagePage, done: () => void): void {
    this.#cache.load(log, page, done);
  }

  /** The pages are on the disk. Those without later changes may be evicted from memory. */
  onCommitted(pages: Iterable<MessagePage>): void {
    for (const page of pages) if (--page.pending === 0) this.#cache.add(page);
  }

  /** The pages of a failed commit go into the next one; some have changed again since. */
  onCommitFailed(pages: Iterable<MessagePage>): void {
    for (const page of pages) if (this.#journal.changes.pages.has(page)) page.pending--;
  }
}
