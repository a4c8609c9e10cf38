import { RecordReader, type RecordWriter } from "../../store/record.ts";
import type { Variant } from "../../router/variant.ts";
import type { DurableLog } from "./durable_log.ts";
import { readVariant, writeVariant } from "./records.ts";

/**
 * Many sessions that have begun to follow a log at the same place: one row
 * instead of one for each. It counts for a session until the session's own row
 * is written the next time.
 */
export class SharedStart {
  /** The sessions, by the number they are stored under. */
  readonly sessions: number[] = [];
  /** For how many of them it still counts. */
  pending = 0;

  constructor(
    readonly id: number,
    readonly log: DurableLog,
    readonly position: number,
    readonly weight: number,
    readonly variant: Variant,
  ) {}
}

/** A join as it is stored. */
export interface SharedStartRecord {
  readonly logId: number;
  readonly position: number;
  readonly weight: number;
  readonly variant: Variant;
  readonly sessions: readonly number[];
}

/** Writes the row of a join. */
export function writeJoin(writer: RecordWriter, join: SharedStart): void {
  const { log, position, weight, variant, sessions } = join;
  writer.number(log.id).number(position).number(weight);
  writeVariant(writer, variant);
  writer.number(sessions.length);
  let last = 0;
  for (const id of sessions) {
    // Most were made one after the other.
    writer.number(id >= last ? (id - last) * 2 : (last - id) * 2 + 1);
    last = id;
  }
}

/** Reads the row of a join. */
export function readJoin(value: Uint8Array): SharedStartRecord {
  const reader = new RecordReader(value);
  const at = { logId: reader.number(), position: reader.number(), weight: reader.number() };
  const variant = readVariant(reader);
  const sessions: number[] = [];
  let last = 0;
  for (let left = reader.number(); left > 0; left--) {
    const step = reader.number();
    last += step % 2 === 0 ? step / 2 : -(step - 1) / 2;
    sessions.push(last);
  }
  return { ...at, variant, sessions };
}
