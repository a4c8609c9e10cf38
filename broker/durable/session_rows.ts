/** The rows of a durable session in the store: its own, and one for each subscription. */
import type { Batch } from "../../store/batch.ts";
import { numberKey, type RecordWriter, textKey } from "../../store/record.ts";
import type { Calendar } from "../base/calendar.ts";
import type { RowOwner } from "../base/row_owner.ts";
import type { QueueOwner } from "../session/session_queue.ts";
import type { DurableBacklog } from "./durable_backlog.ts";
import type { Journal } from "./journal.ts";
import { writeOptions } from "./records.ts";
import { type StoredQueue, writeSession } from "./session_record.ts";

/**
 * Writes the rows of a session, and those subscriptions that have changed. The state is set by the
 * queue of the session and by the restore.
 */
export class SessionRows implements RowOwner, StoredQueue {
  /** When the session lost its connection, of the broker's clock; `null` while connected. */
  disconnectedMs: number | null = null;
  /** For a restored session: shared starts that are newer than its row have a higher number. */
  stamp = 0;
  /** Whether the session has ended, and its messages are being handed over. */
  isLeaving = false;
  /** Whether all its rows must be removed. */
  isRemoved = false;
  readonly #journal: Journal;
  readonly #session: QueueOwner;
  readonly #calendar: Calendar;
  /** Topic filters whose subscriptions have changed since they were written. */
  #filters: Set<string> | null = null;
  /** Those of the last commit, in case it fails. */
  #written: Set<string> | null = null;

  /** @param id The number of the session in the store. Never reused for another session. */
  constructor(
    journal: Journal,
    session: QueueOwner,
    readonly backlog: DurableBacklog,
    calendar: Calendar,
    readonly id: number,
  ) {
    this.#journal = journal;
    this.#session = session;
    this.#calendar = calendar;
  }

  /**
   * Marks the row of a subscription to be written or removed, together with the row of the session.
   */
  addFilter(filter: string): void {
    (this.#filters ??= new Set()).add(filter);
  }

  write(batch: Batch, writer: RecordWriter): void {
    const { id } = this;
    const filters = this.#written = this.#filters;
    this.#filters = null;
    if (this.isRemoved) {
      batch.remove("sessions", numberKey(id));
      batch.removeRange("subscriptions", numberKey(id), numberKey(id + 1));
      return;
    }
    writeSession(writer.reset(), this.#session, this, this.#calendar, this.#journal.ids.nextId);
    this.releaseStarts();
    batch.put("sessions", numberKey(id), writer.bytes);
    for (const filter of filters ?? []) this.#writeSubscription(batch, writer, filter);
  }

  onWriteFailed(): void {
    for (const filter of this.#written ?? []) this.addFilter(filter);
  }

  /** From now on the row of the session contains the positions of all its readers. */
  releaseStarts(): void {
    for (const reader of this.backlog.readers) {
      if (reader.start !== null) this.#journal.starts.release(reader.start);
      reader.start = null;
    }
  }

  #writeSubscription(batch: Batch, writer: RecordWriter, filter: string): void {
    const subscription = this.#session.subscriptions.get(filter);
    const key = textKey(this.id, filter);
    if (subscription === undefined) return batch.remove("subscriptions", key);
    writeOptions(writer.reset(), subscription.options);
    batch.put("subscriptions", key, writer.bytes);
  }
}
