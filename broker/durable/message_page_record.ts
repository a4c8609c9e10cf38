/** The rows of pages and chunks as bytes. */
import { RecordReader, type RecordWriter } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import type { Message } from "../base/message.ts";
import { type MessageChunk, Place } from "./message_chunk.ts";
import type { Entry, MessagePage } from "./message_page.ts";
import type { Calendar } from "../base/calendar.ts";
import {
  isReference,
  readReference,
  type StreamReference,
  writeReference,
} from "./stream_reference.ts";
import { readMessage, readVariant, writeMessage, writeVariant } from "./records.ts";

/** The maximum weight of a message: a packet has at most 256 MiB. */
const ENTRY_BYTES_MAX = 2 ** 30;

/** The row of a page, without the messages. */
export interface PageRecord {
  readonly weightBefore: number;
  /** When the last entry expires, of the wall clock; `Infinity` for never. */
  readonly expiresWallMs: number;
  readonly entries: readonly Omit<Entry, "message">[];
}

/** Writes the row of a page whose entries are in memory. */
export function writePage(writer: RecordWriter, page: MessagePage, calendar: Calendar): void {
  const { expiresMs } = page;
  writer.number(page.weightBefore);
  writer.number(expiresMs === Infinity ? 0 : 1 + wallOf(expiresMs, calendar));
  writer.number(page.count);
  for (const { place, weight, variant } of page.entries!) {
    writer.number(place.chunk.id).number(place.index).number(weight);
    writer.number(variant === null ? 0 : 1);
    if (variant !== null) writeVariant(writer, variant);
  }
}

/** Reads the row of a page. */
export function readPage(value: Uint8Array, chunkOf: (id: number) => MessageChunk): PageRecord {
  const reader = new RecordReader(value);
  const weightBefore = reader.number();
  const expires = reader.number();
  const entries: Omit<Entry, "message">[] = [];
  for (let left = reader.number(); left > 0; left--) {
    const place = new Place(chunkOf(reader.number()), reader.number());
    const weight = reader.number();
    const variant = reader.number() === 0 ? null : readVariant(reader);
    entries.push({ place, weight, variant });
  }
  return { weightBefore, expiresWallMs: expires === 0 ? Infinity : expires - 1, entries };
}

/** The row of a page whose entries stay in the store. */
export interface PageSummary {
  readonly weightBefore: number;
  readonly expiresWallMs: number;
  readonly count: number;
  readonly weight: number;
  /** The identifier of the chunk of each entry. */
  readonly chunkIds: readonly number[];
}

/** Reads what is in front of the entries in the row of a page. */
export function headOfPage(value: Uint8Array): Pick<PageSummary, "expiresWallMs" | "count"> {
  const reader = new RecordReader(value);
  reader.number();
  const expires = reader.number();
  return { expiresWallMs: expires === 0 ? Infinity : expires - 1, count: reader.number() };
}

/** Reads the row of a page without creating its entries. */
export function summarisePage(value: Uint8Array): PageSummary {
  const reader = new RecordReader(value);
  const weightBefore = reader.number();
  const expires = reader.number();
  const count = reader.number();
  const chunkIds: number[] = [];
  let weight = 0;
  for (let left = count; left > 0; left--) {
    chunkIds.push(reader.number());
    reader.number();
    const entryWeight = reader.number();
    if (entryWeight > ENTRY_BYTES_MAX) {
      throw new StoreError(`A page in the store has a message of ${entryWeight} bytes`);
    }
    weight += entryWeight;
    if (reader.number() !== 0) readVariant(reader);
  }
  const expiresWallMs = expires === 0 ? Infinity : expires - 1;
  return { weightBefore, expiresWallMs, count, weight, chunkIds };
}

/**
 * Writes the row of a chunk. Of a revoked message only the place is kept, and of one that the same
 * commit stores in a stream, where it is there.
 */
export function writeChunk(writer: RecordWriter, chunk: MessageChunk, calendar: Calendar): void {
  for (const { message, place } of chunk.messages!) {
    const start = writer.beginLongPiece();
    if (!place.isRevoked && !refersToStream(writer, message, chunk.id, calendar)) {
      writeMessage(writer, message, calendar);
    }
    writer.endLongPiece(start);
  }
}

/** Writes where a stream has a message. Returns false if none has it. */
function refersToStream(
  writer: RecordWriter,
  message: Message,
  chunkId: number,
  calendar: Calendar,
): boolean {
  const { stream, streamSeq: seq, expirySeconds, deadlineMs } = message;
  const first = stream?.refer(seq, chunkId) ?? -1;
  if (first < 0) return false;
  const expiresWallMs = expirySeconds < 0 ? 0 : wallOf(deadlineMs, calendar);
  writeReference(writer, { streamId: stream!.streamId, first, seq, expiresWallMs });
  return true;
}

/**
 * Reads messages of the row of a chunk, by their index; `null` for revoked ones. Of those that are
 * in a stream it reads where they are there.
 */
export function readChunk(
  value: Uint8Array,
  wanted: ReadonlySet<number>,
  calendar: Calendar,
): Map<number, Message | StreamReference | null> {
  const reader = new RecordReader(value);
  const messages = new Map<number, Message | StreamReference | null>();
  for (let index = 0; !reader.isAtEnd && messages.size < wanted.size; index++) {
    const piece = reader.longPiece();
    if (!wanted.has(index)) continue;
    if (piece.length === 0) messages.set(index, null);
    else if (isReference(piece)) messages.set(index, readReference(piece));
    else messages.set(index, readMessage(new RecordReader(piece), calendar));
  }
  return messages;
}

function wallOf(clockMs: number, calendar: Calendar): number {
  return Math.max(0, Math.round(calendar.toWall(clockMs)));
}
