/** A message of a session that is stored in a stream: where it is there, instead of its bytes. */
import { numberKey, numberOfKey, RecordReader, type RecordWriter } from "../../store/record.ts";
import type { Store } from "../../store/store.ts";
import { StoredChunk } from "../../stream/chunk.ts";
import { RecordView } from "../../stream/record.ts";
import type { Calendar } from "../base/calendar.ts";
import type { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";
import { messageOf, writeRecord } from "./records.ts";

/** A chunk of a stream has at most 64 KiB and one message, and that in one row or some pieces. */
const ALL = { rows: 256, bytes: Number.MAX_SAFE_INTEGER };

/** Stands in the place of the length of a topic, which is never 0. */
const MARK = 0;

/** Where a stream has a message. */
export interface StreamReference {
  readonly streamId: number;
  /** The sequence of the first message of its chunk. */
  readonly first: number;
  /** Its own sequence. */
  readonly seq: number;
  /** When it expires, of the wall clock; not used if it never does. */
  readonly expiresWallMs: number;
}

/** Writes a reference. */
export function writeReference(writer: RecordWriter, reference: StreamReference): void {
  const { streamId, first, seq, expiresWallMs } = reference;
  writer.number(MARK).number(streamId).number(first).number(seq - first).number(expiresWallMs);
}

/** Whether a stored message is a reference. */
export function isReference(piece: Uint8Array): boolean {
  return piece[0] === MARK;
}

/**
 * Reads a reference.
 *
 * @throws {StoreError} If it is cut short.
 */
export function readReference(piece: Uint8Array): StreamReference {
  const reader = new RecordReader(piece);
  reader.number();
  const [streamId, first] = [reader.number(), reader.number()];
  return { streamId, first, seq: first + reader.number(), expiresWallMs: reader.number() };
}

/** A chunk of a stream as it is in the store, to which messages of sessions refer. */
export class ReferredChunk {
  readonly #record = new RecordView();

  private constructor(readonly parts: readonly StoredChunk[], readonly calendar: Calendar) {}

  /**
   * Reads a chunk.
   *
   * @param last The sequence of the last message that is needed.
   * @throws {StoreError} If it is damaged, or the store cannot be read.
   */
  static async read(
    store: Store,
    calendar: Calendar,
    { streamId, first, last }: { streamId: number; first: number; last: number },
  ): Promise<ReferredChunk> {
    const [from, to] = [numberKey(streamId, first), numberKey(streamId, last + 1)];
    const rows = await store.scan("stream_chunks", from, to, ALL);
    // As long as the chunk is not full, it consists of pieces.
    const parts = rows.map(({ key, value }) => new StoredChunk(numberOfKey(key, 1), value, first));
    return new ReferredChunk(parts, calendar);
  }

  /** Memory of it, in bytes. */
  get bytes(): number {
    return this.parts.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** The sequence of its last message that was read; 0 if there is none. */
  get last(): number {
    const part = this.parts.at(-1);
    return part === undefined ? 0 : part.seq(part.count - 1);
  }

  /** A message, which owns its bytes; `null` if it was revoked, `undefined` if it is not there. */
  find({ seq, expiresWallMs }: StreamReference): Message | null | undefined {
    const record = this.#find(seq);
    if (record === null) return undefined;
    if (record.isRevoked) return null;
    const { bytes, qos, retain, expirySeconds } = record;
    return messageOf({
      topic: bytes.subarray(record.topicStart, record.topicEnd),
      properties: bytes.subarray(record.propertiesStart, record.propertiesEnd),
      payload: bytes.subarray(record.payloadStart, record.payloadEnd),
      deadlineMs: expirySeconds < 0 ? 0 : this.calendar.toClock(expiresWallMs),
      ...{ qos, retain, expirySeconds, origin: Origin.unknown },
    });
  }

  /** Writes a message; nothing if it was revoked. Returns false if it is not there. */
  write(writer: RecordWriter, { seq, expiresWallMs }: StreamReference): boolean {
    const record = this.#find(seq);
    if (record === null) return false;
    if (!record.isRevoked) writeRecord(writer, record, expiresWallMs);
    return true;
  }

  /** The record of a message, until the next call; `null` if it is not there. */
  #find(seq: number): RecordView | null {
    const part = this.parts.findLast(({ first }) => first <= seq);
    const index = part?.indexOf(seq) ?? 0;
    if (part === undefined || index >= part.count || part.seq(index) !== seq) return null;
    this.#record.read(part.view, part.bytes, part.offset(index));
    return this.#record;
  }
}
