/** The logs of the store while a broker starts: as bytes, until something needs them. */
import { numberOfKey } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import type { Calendar } from "../base/calendar.ts";
import { DurableLog } from "./durable_log.ts";
import type { Journal } from "./journal.ts";
import { summarisePage } from "./message_page_record.ts";
import { LogPacker, type PackedLog } from "./packed_log.ts";
import { PackedRows } from "./packed_rows.ts";
import { SortedTable } from "./sorted_table.ts";
import type { StoredRows } from "./stored_rows.ts";

/**
 * All logs of the store. The log of a session that sleeps stays as it is. Any other is unpacked, and
 * holds its pages until all of its readers are known.
 */
export class RestoredLogs {
  readonly #journal: Journal;
  readonly #calendar: Calendar;
  /** Those with pages; `null` once something has needed them. */
  readonly #packed = new SortedTable<PackedLog | null>();
  /** Those that were unpacked, and empty ones that something reads. */
  readonly #open = new Map<number, DurableLog>();
  /** Those without pages that belong to a session that sleeps. */
  readonly #taken = new Set<number>();

  constructor(journal: Journal, calendar: Calendar) {
    this.#journal = journal;
    this.#calendar = calendar;
  }

  /**
   * Reads all pages, and counts what they refer to.
   *
   * @param mustFit Called for each page; throws if that is too much.
   */
  async read(rows: StoredRows, mustFit: () => true): Promise<void> {
    const { chunks, pages } = this.#journal;
    const packed = new PackedRows();
    const packer = new LogPacker();
    let logId = -1;
    const finish = () => {
      if (packer.isEmpty) return;
      this.#packed.add(logId, packer.finish(logId, packed));
      pages.countAsleep(1);
    };
    await rows.each("entries", (key, value) => {
      const id = rows.idOf(key);
      if (id !== logId) finish();
      logId = id;
      const summary = summarisePage(value);
      for (const chunkId of summary.chunkIds) rows.inUse(chunkId);
      if (!packer.add(numberOfKey(key, 1), summary, value)) return false;
      for (const chunkId of summary.chunkIds) chunks.get(chunkId).live++;
      pages.countStored(summary.weight);
      return mustFit();
    });
    finish();
  }

  /** Whether a log may belong to a session that sleeps: nothing else has anything to do with it. */
  isFree(id: number): boolean {
    return !this.#open.has(id) && !this.#isTaken(id);
  }

  /** A log that was not opened or taken; `null` if it has no pages. */
  peek(id: number): PackedLog | null {
    return this.#packed.get(id) ?? null;
  }

  /** Leaves a log to a session that sleeps. */
  take(id: number): PackedLog | null {
    const packed = this.peek(id);
    if (packed === null) this.#taken.add(id);
    else this.#packed.replace(id, null);
    return packed;
  }

  /** A log that has pages, or was opened; `undefined` also for one that belongs to another. */
  get(id: number): DurableLog | undefined {
    const packed = this.peek(id);
    if (packed === null) return this.#open.get(id);
    this.#packed.replace(id, null);
    this.#journal.pages.countAsleep(-1);
    const log = packed.unpack(this.#journal, this.#calendar);
    this.#open.set(id, log);
    return log;
  }

  /**
   * A log that may have no pages left; it is held like the others.
   *
   * @param end The position after its last entry, and its weight, if it has no pages.
   * @throws {StoreError} If it belongs to another session.
   */
  open(id: number, end: number, weight: number): DurableLog {
    let log = this.get(id);
    if (log !== undefined) return log;
    if (this.#isTaken(id)) throw new StoreError(`Two sessions in the store have log ${id}`);
    this.#open.set(id, log = emptyLog(id, end, weight, this.#journal));
    return log;
  }

  /** All readers are known: pages that nobody reads are removed. */
  begin(): void {
    for (const [id, packed] of this.#packed.entries()) if (packed !== null) this.get(id);
    for (const log of this.#open.values()) log.begin();
  }

  /** Only asked of a log that is not open. */
  #isTaken(id: number): boolean {
    return this.#packed.get(id) === null || this.#taken.has(id);
  }
}

/** A log without pages; it is held until `begin()`. */
export function emptyLog(id: number, end: number, weight: number, journal: Journal): DurableLog {
  const log = new DurableLog(journal.pages, id, end, weight);
  log.restore([]);
  return log;
}
