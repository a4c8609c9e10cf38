/** Rows with new identifiers, for another store. What is not about identifiers is copied as it is. */
import { RecordReader, type RecordWriter } from "../../../store/record.ts";
import { readVariant, writeVariant } from "../records.ts";
import type { SharedStartRecord, WrittenStart } from "../shared_start.ts";

/** Gives an identifier of the old store its new value. */
export type NewId = (id: number) => number;

/** Copies the row of a page. */
export function movePage(writer: RecordWriter, value: Uint8Array, newId: NewId): void {
  const reader = new RecordReader(value);
  copyNumbers(writer, reader, 2);
  for (let left = copyNumber(writer, reader); left > 0; left--) {
    writer.number(newId(reader.number()));
    copyNumbers(writer, reader, 2);
    if (copyNumber(writer, reader) !== 0) writeVariant(writer, readVariant(reader));
  }
}

/** Writes the row of a page with one message, the only one of its chunk. */
export function writeLonePage(
  writer: RecordWriter,
  page: { weightBefore: number; expiresWallMs: number; chunkId: number; weight: number },
): void {
  const { weightBefore, expiresWallMs, chunkId, weight } = page;
  writer.number(weightBefore).number(expiresWallMs === Infinity ? 0 : 1 + expiresWallMs);
  writer.number(1).number(chunkId).number(0).number(weight).number(0);
}

/** Calls `take` with the chunk of each entry of a page, and the place of its message in there. */
export function eachEntry(value: Uint8Array, take: (chunkId: number, index: number) => void): void {
  const reader = new RecordReader(value);
  reader.number();
  reader.number();
  for (let left = reader.number(); left > 0; left--) {
    const chunkId = reader.number();
    const index = reader.number();
    reader.number();
    if (reader.number() !== 0) readVariant(reader);
    take(chunkId, index);
  }
}

/**
 * Copies the row of a chunk with those messages that are wanted. The places of the others stay, as
 * those of revoked messages do.
 */
export function moveChunk(
  writer: RecordWriter,
  value: Uint8Array,
  isWanted: (index: number) => boolean,
): void {
  const reader = new RecordReader(value);
  for (let index = 0; !reader.isAtEnd; index++) {
    const message = reader.longPiece();
    const start = writer.beginLongPiece();
    if (isWanted(index)) writer.raw(message);
    writer.endLongPiece(start);
  }
}

/** A shared start with only some of its sessions. */
export function movedStart(
  { position, weight, variant, logId }: SharedStartRecord,
  sessions: readonly number[],
  newId: NewId,
): WrittenStart {
  return { position, weight, variant, log: { id: newId(logId) }, sessions: sessions.map(newId) };
}

function copyNumber(writer: RecordWriter, reader: RecordReader): number {
  const number = reader.number();
  writer.number(number);
  return number;
}

function copyNumbers(writer: RecordWriter, reader: RecordReader, count: number): void {
  for (let left = count; left > 0; left--) copyNumber(writer, reader);
}
