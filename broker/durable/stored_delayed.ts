/**
 * The rows of delayed messages: one row for each, under its number.
 *
 * @module
 */
import { topicNameFault } from "../../router/topic.ts";
import type { Batch } from "../../store/batch.ts";
import { numberKey, RecordReader, type RecordWriter } from "../../store/record.ts";
import type { Calendar } from "../base/calendar.ts";
import { Origin } from "../base/origin.ts";
import type { RowOwner } from "../base/row_owner.ts";
import {
  type DelayedKeeper,
  DelayedMessage,
  type DelayedMessages,
} from "../delivery/delayed_messages.ts";
import type { Publisher } from "../delivery/publisher.ts";
import type { Journal } from "./journal.ts";
import { readMessage, writeMessage } from "./records.ts";
import { mustBeSound } from "./restore_retained.ts";
import type { StoredRows } from "./stored_rows.ts";

/** The broker, as the rows of delayed messages need it. */
export interface StoredDelayedHost {
  readonly context: { readonly calendar: Calendar };
  readonly delayed: DelayedMessages;
  readonly publisher: Pick<Publisher, "onStoring">;
}

/** Writes each delayed message that was added, or is over, with the next commit. */
export class StoredDelayed implements DelayedKeeper, RowOwner {
  readonly isRemoved = false;
  readonly #host: StoredDelayedHost;
  readonly #journal: Journal;
  #changed = new Set<DelayedMessage>();
  /** The messages of the last write, which may fail. */
  #written = new Set<DelayedMessage>();

  constructor(host: StoredDelayedHost, journal: Journal) {
    this.#host = host;
    this.#journal = journal;
  }

  onAdded(delayed: DelayedMessage): void {
    delayed.storedId = this.#journal.ids.newId();
    this.#journal.addWeight(delayed.weight);
    this.#host.publisher.onStoring();
    this.onOver(delayed);
  }

  onOver(delayed: DelayedMessage): void {
    this.#changed.add(delayed);
    this.#journal.onRowsChanged(this);
  }

  write(batch: Batch, writer: RecordWriter): void {
    const { context: { calendar }, delayed: all } = this.#host;
    const changed = this.#written = this.#changed;
    this.#changed = new Set();
    for (const delayed of changed) {
      const { storedId, isOver, isRevoked, message, dueMs } = delayed;
      const key = numberKey(storedId);
      if (isOver || isRevoked) {
        batch.remove("delayed", key);
        all.forget(delayed);
        continue;
      }
      writer.reset().number(Math.max(0, Math.round(calendar.toWall(dueMs))));
      writer.text(message.origin.toText());
      writeMessage(writer, message, calendar);
      batch.put("delayed", key, writer.bytes);
    }
  }

  onWriteFailed(): void {
    for (const delayed of this.#written) this.#changed.add(delayed);
  }
}

/** The stored messages that are still to be published, in the order in which they came. */
export async function readDelayed(rows: StoredRows, calendar: Calendar): Promise<DelayedMessage[]> {
  const all: DelayedMessage[] = [];
  await rows.each("delayed", (key, value) => {
    const id = rows.idOf(key);
    const reader = new RecordReader(value);
    const dueMs = calendar.toClock(reader.number());
    const origin = Origin.parse(reader.text());
    const message = readMessage(reader, calendar, origin);
    mustBeSound("topic name", topicNameFault(message.name));
    const delayed = new DelayedMessage(message, dueMs);
    delayed.storedId = id;
    all.push(delayed);
    return true;
  });
  return all;
}
