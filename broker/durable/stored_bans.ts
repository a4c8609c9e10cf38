/**
 * The rows of bans: one row for each ban, under its number.
 *
 * @module
 */
import type { Batch } from "../../store/batch.ts";
import { numberKey, numberOfKey, RecordReader, type RecordWriter } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import type { Calendar } from "../base/calendar.ts";
import type { Ban, BanKind, BanList } from "../limits/ban_list.ts";
import type { RowOwner } from "../base/row_owner.ts";
import type { StoredRows } from "./stored_rows.ts";

/** The index of a kind is its number in rows. */
const KINDS: readonly BanKind[] = ["clientId", "username", "address"];

/** The journal, as bans need it. */
export interface BanJournal {
  onRowsChanged(owner: RowOwner): void;
}

/** Writes each ban that has changed with the next commit. */
export class StoredBans implements RowOwner {
  readonly isRemoved = false;
  readonly #bans: BanList;
  readonly #calendar: Calendar;
  #changed = new Set<Ban>();
  /** The bans of the last write, which may fail. */
  #written = new Set<Ban>();

  constructor(bans: BanList, calendar: Calendar, journal: BanJournal) {
    this.#bans = bans;
    this.#calendar = calendar;
    bans.onChanged = (ban) => {
      this.#changed.add(ban);
      journal.onRowsChanged(this);
    };
  }

  write(batch: Batch, writer: RecordWriter): void {
    for (const ban of this.#changed) {
      const key = numberKey(ban.id);
      if (!this.#bans.has(ban)) batch.remove("bans", key);
      else batch.put("bans", key, this.#rowOf(ban, writer));
    }
    this.#written = this.#changed;
    this.#changed = new Set();
  }

  onWriteFailed(): void {
    for (const ban of this.#written) this.#changed.add(ban);
  }

  #rowOf({ kind, value, untilMs, reason }: Ban, writer: RecordWriter): Uint8Array {
    const wallMs = untilMs === Infinity ? 0 : Math.round(this.#calendar.toWall(untilMs));
    writer.reset().number(KINDS.indexOf(kind)).text(value).text(reason).number(Math.max(0, wallMs));
    return writer.bytes;
  }
}

/** Adds the bans of a store, and stores each further change. */
export async function restoreBans(
  bans: BanList,
  calendar: Calendar,
  rows: StoredRows,
  journal: BanJournal,
): Promise<void> {
  const seen = new Set<string>();
  await rows.each("bans", (key, row) => {
    const ban = readBan(numberOfKey(key), row, calendar);
    const what = `${ban.kind}:${ban.value}`;
    if (seen.has(what)) throw new StoreError("The store has two bans of the same client");
    try {
      if (!bans.restore(ban)) return false;
    } catch (error) {
      throw new StoreError("A ban in the store makes no sense", { cause: error });
    }
    seen.add(what);
    return true;
  });
  new StoredBans(bans, calendar, journal);
}

function readBan(id: number, row: Uint8Array, calendar: Calendar): Ban {
  const reader = new RecordReader(row);
  const kind = KINDS[reader.number()];
  if (kind === undefined) throw new StoreError("A ban in the store has no kind");
  const [value, reason, wallMs] = [reader.text(), reader.text(), reader.number()];
  return { id, kind, value, reason, untilMs: wallMs === 0 ? Infinity : calendar.toClock(wallMs) };
}
