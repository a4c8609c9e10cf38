/** The row for many sessions that have started to read a log at the same position. */
import { RecordReader, type RecordWriter } from "../../store/record.ts";
import type { Variant } from "../../router/variant.ts";
import type { DurableCursor } from "./durable_cursor.ts";
import type { DurableLog } from "./durable_log.ts";
import { readVariant, writeVariant } from "./records.ts";

/**
 * Sessions that have started to follow a log at the same position: one row instead of one for each.
 * It applies to a session until the session's own row is written. `pending` is counted by
 * `shared_starts.ts` and the restore.
 */
export class SharedStart {
  /** The sessions, by their numbers in the store. */
  readonly sessions: number[] = [];
  /** The number of sessions that still need it. */
  pending = 0;
  /** The cursor of all sessions that have none of their own yet; `null` for none. */
  #shared: DurableCursor | null = null;
  /** The number of these sessions. */
  #sharing = 0;

  constructor(
    readonly id: number,
    readonly log: DurableLog,
    readonly position: number,
    readonly weight: number,
    readonly variant: Variant,
  ) {}

  /** The number of messages since the start; only while a session has no cursor of its own. */
  get lag(): number {
    return this.#shared!.lag;
  }

  /** Their weight, in bytes. */
  get lagWeight(): number {
    return this.#shared!.lagWeight;
  }

  /** A session starts. Only while nothing was appended since the first one. */
  join(): void {
    this.#shared ??= this.log.cursor();
    this.#sharing++;
  }

  /** A session gets a cursor of its own. */
  takeCursor(): DurableCursor {
    const shared = this.#shared!;
    const cursor = shared.clone();
    if (--this.#sharing > 0) return cursor;
    shared.leave();
    this.#shared = null;
    return cursor;
  }
}

/** A stored shared start. */
export interface SharedStartRecord {
  readonly logId: number;
  readonly position: number;
  readonly weight: number;
  readonly variant: Variant;
  readonly sessions: readonly number[];
}

/** What is written of a shared start. */
export type WrittenStart =
  & Pick<SharedStart, "position" | "weight" | "variant" | "sessions">
  & { readonly log: { readonly id: number } };

/** Writes the row of a shared start. */
export function writeSharedStart(writer: RecordWriter, start: WrittenStart): void {
  const { log, position, weight, variant, sessions } = start;
  writer.number(log.id).number(position).number(weight);
  writeVariant(writer, variant);
  writer.number(sessions.length);
  let last = 0;
  for (const id of sessions) {
    // Differences, because most numbers are consecutive.
    writer.number(id >= last ? (id - last) * 2 : (last - id) * 2 + 1);
    last = id;
  }
}

/** Reads the row of a shared start. */
export function readSharedStart(value: Uint8Array): SharedStartRecord {
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
