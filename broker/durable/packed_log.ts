/** A log of the store, as bytes: it costs little while nobody reads it. */
import { RecordReader, RecordWriter } from "../../store/record.ts";
import type { Calendar } from "../base/calendar.ts";
import { DurableLog } from "./durable_log.ts";
import type { Journal } from "./journal.ts";
import { MessagePage } from "./message_page.ts";
import { headOfPage, type PageSummary, summarisePage } from "./message_page_record.ts";
import { PackedRow, type PackedRows, type RowPlace } from "./packed_rows.ts";

/** How far a log goes. */
export interface LogExtent {
  /** The position of the first entry, and the weight of the log before it. */
  readonly start: number;
  readonly startWeight: number;
  /** The position after the last entry, and the weight of the log with it. */
  readonly end: number;
  readonly endWeight: number;
}

/** The pages of a log as they are in the store, one or more. What they refer to is counted. */
export class PackedLog extends PackedRow {
  constructor(readonly id: number, pages: RowPlace) {
    super(pages);
  }

  /** The position after the entries of the first page. */
  get firstPageEnd(): number {
    const reader = new RecordReader(this.row);
    return reader.number() + headOfPage(reader.piece()).count;
  }

  /** When the first page has expired, of the wall clock; `Infinity` if never, or if it is the last. */
  get expiresWallMs(): number {
    const reader = new RecordReader(this.row);
    reader.number();
    const { expiresWallMs } = headOfPage(reader.piece());
    return reader.isAtEnd ? Infinity : expiresWallMs;
  }

  get extent(): LogExtent {
    let start = -1;
    let startWeight = 0;
    let end = 0;
    let endWeight = 0;
    for (const [first, summary] of this.#summaries()) {
      if (start < 0) {
        start = first;
        startWeight = summary.weightBefore;
      }
      end = first + summary.count;
      endWeight = summary.weightBefore + summary.weight;
    }
    return { start, startWeight, end, endWeight };
  }

  /** Makes the log, whose expiry is watched from now on. It is held until `begin()`. */
  unpack(journal: Journal, calendar: Calendar): DurableLog {
    const log = new DurableLog(journal.pages, this.id);
    const pages = [];
    for (const [first, summary] of this.#summaries()) {
      pages.push(pageOf(first, summary, journal, calendar));
    }
    log.restore(pages);
    journal.pages.watch(log);
    return log;
  }

  *#summaries(): Generator<[first: number, summary: PageSummary]> {
    const reader = new RecordReader(this.row);
    while (!reader.isAtEnd) yield [reader.number(), summarisePage(reader.piece())];
  }
}

function pageOf(
  first: number,
  summary: PageSummary,
  journal: Journal,
  calendar: Calendar,
): MessagePage {
  const page = new MessagePage(first, summary.weightBefore);
  page.entries = null;
  page.count = summary.count;
  page.weight = summary.weight;
  page.isSealed = true;
  const { expiresWallMs } = summary;
  page.expiresMs = expiresWallMs === Infinity ? Infinity : calendar.toClock(expiresWallMs);
  page.refs = summary.chunkIds.map((id) => journal.chunks.get(id));
  return page;
}

/** Packs the pages of one log. */
export class LogPacker {
  readonly #writer = new RecordWriter();
  #end = 0;

  /** Whether nothing was added since the last {@linkcode finish}. */
  get isEmpty(): boolean {
    return this.#end === 0;
  }

  /**
   * Adds the next page.
   *
   * @returns Whether it makes sense behind those before it.
   */
  add(first: number, { count }: PageSummary, value: Uint8Array): boolean {
    if (count === 0 || first < this.#end) return false;
    this.#end = first + count;
    this.#writer.number(first).piece(value);
    return true;
  }

  /** The log of what was added; goes on with another one. */
  finish(id: number, rows: PackedRows): PackedLog {
    const log = new PackedLog(id, rows.keep(this.#writer.bytes));
    this.#writer.reset();
    this.#end = 0;
    return log;
  }
}
