/** The row of a consumer group, as bytes. */
import { RecordReader, type RecordWriter } from "../store/record.ts";
import { StoreError } from "../store/store.ts";
import { type GroupState, PendingMessage } from "./stream_group.ts";

/*
 * The row of a group in the table `stream_groups`. Its key is the identifier of the stream and the
 * name of the group. Pending messages are written as runs: neighbours with the same number of
 * deliveries share an entry, so a thousand pending messages usually need a few bytes.
 */

/** The version of the rows. Those of version 1 have no time at the end. */
const VERSION = 2;
/** The limit of the entries of a valid row. A row with more is damaged. */
const PENDING_MAX = 10_000_000;

/** Writes the row of a group. */
export function writeGroupRow(writer: RecordWriter, state: GroupState): void {
  const { filter, isExclusive, next, pending, idleSinceMs = 0 } = state;
  writer.number(VERSION).text(filter).number(isExclusive ? 1 : 0).number(next);
  const runs: { seq: number; length: number; deliveries: number }[] = [];
  for (const { seq, deliveries } of pending) {
    const run = runs.at(-1);
    const isNext = run !== undefined && run.seq + run.length === seq;
    if (isNext && run.deliveries === deliveries) run.length++;
    else runs.push({ seq, length: 1, deliveries });
  }
  writer.number(runs.length);
  let before = 0;
  for (const { seq, length, deliveries } of runs) {
    writer.number(seq - before).number(length).number(deliveries);
    before = seq + length;
  }
  writer.number(idleSinceMs);
}

/**
 * Reads the row of a group.
 *
 * @throws {StoreError} If it is cut short or invalid.
 */
export function readGroupRow(name: string, value: Uint8Array): GroupState {
  const reader = new RecordReader(value);
  const version = reader.number();
  const filter = reader.text();
  const isExclusive = reader.number() === 1;
  const next = reader.number();
  const pending: PendingMessage[] = [];
  let seq = 0;
  for (let left = reader.number(); left > 0; left--) {
    seq += reader.number();
    const length = reader.number();
    const deliveries = reader.number();
    if (seq + length > next || pending.length + length > PENDING_MAX) {
      throw new StoreError(`Group "${name}" in the store makes no sense: ${seq} is pending`);
    }
    for (const end = seq + length; seq < end; seq++) {
      pending.push(new PendingMessage(seq, deliveries));
    }
  }
  const idleSinceMs = version === 1 ? 0 : reader.number();
  return { name, filter, isExclusive, next, pending, idleSinceMs };
}
