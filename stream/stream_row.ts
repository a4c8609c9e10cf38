/** The rows of a stream and of its chunks, as bytes. */
import type { Batch } from "../store/batch.ts";
import { numberKey, RecordReader, type RecordWriter } from "../store/record.ts";
import type { Chunk, OpenChunk } from "./chunk.ts";
import type { ChunkInfo } from "./chunk_index.ts";
import { ChunkRefs } from "./chunk_refs.ts";
import { DroppedTimes } from "./dropped_times.ts";
import { SkippedMessages } from "./skipped_messages.ts";

/*
 * The rows of a stream. `streams`: one row for each stream, by its name. `stream_chunks`: the
 * records of a chunk, by the identifier of the stream and the first sequence. `stream_index`: what
 * is kept in memory of each full chunk, by the same key, so that a start reads no records.
 */

/** The version of the rows. */
const VERSION = 1;

const encoder = new TextEncoder();

/** The row of a stream in the table `streams`. Its key is the name of the stream. */
export interface StreamRow {
  /** The identifier of the stream in the keys of the other tables. */
  readonly id: number;
  /** The sequence of the oldest message that readers still get. */
  readonly first: number;
  /** The highest sequence; 0 for none. It is never used again. */
  readonly last: number;
  /** When the last message arrived, in milliseconds since 1970. */
  readonly lastTimeMs: number;
  /** The declaration of the stream, in the form of its owner. */
  readonly declaration: string;
  /** When the messages arrived that are gone. */
  readonly dropped: DroppedTimes;
  /** The messages that could not be stored. */
  readonly skipped: SkippedMessages;
  /** What refers to the messages of the open chunk. */
  readonly refs: ChunkRefs;
}

/** Writes the row of a stream. */
function writeStreamRow(writer: RecordWriter, row: StreamRow): void {
  writer.number(VERSION).number(row.id).number(row.first).number(row.last);
  writer.number(row.lastTimeMs).text(row.declaration);
  row.dropped.write(writer);
  row.skipped.write(writer);
  row.refs.write(writer);
}

/**
 * Reads the row of a stream.
 *
 * @throws {StoreError} If it is cut short.
 */
export function readStreamRow(value: Uint8Array): StreamRow {
  const reader = new RecordReader(value);
  reader.number();
  return {
    id: reader.number(),
    first: reader.number(),
    last: reader.number(),
    lastTimeMs: reader.number(),
    declaration: reader.text(),
    dropped: DroppedTimes.read(reader),
    skipped: SkippedMessages.read(reader),
    refs: ChunkRefs.read(reader),
  };
}

/** Writes the index entry of a full chunk, for the table `stream_index`. Its key has `first`. */
function writeIndexRow(writer: RecordWriter, info: ChunkInfo): void {
  writer.number(info.last - info.first).number(info.firstTimeMs);
  writer.number(info.lastTimeMs - info.firstTimeMs).number(info.removed).number(info.bytes);
  info.refs?.write(writer);
}

/**
 * Reads the index entry of a full chunk.
 *
 * @throws {StoreError} If it is cut short.
 */
export function readIndexRow(first: number, value: Uint8Array): ChunkInfo {
  const reader = new RecordReader(value);
  const last = first + reader.number();
  const firstTimeMs = reader.number();
  const lastTimeMs = firstTimeMs + reader.number();
  const removed = Math.min(last - first + 1, reader.number());
  const bytes = reader.number();
  const refs = reader.isAtEnd ? null : ChunkRefs.read(reader);
  return {
    first,
    last,
    firstTimeMs,
    lastTimeMs,
    removed,
    bytes,
    dead: 0,
    deadBytes: 0,
    refs,
  };
}

/** Puts the row of a stream. */
export function putStream(batch: Batch, writer: RecordWriter, name: string, row: StreamRow): void {
  writeStreamRow(writer.reset(), row);
  batch.put("streams", encoder.encode(name), writer.bytes);
}

/** Puts a full chunk in the place of its pieces, or of what was there of it. */
export function putChunk(
  batch: Batch,
  writer: RecordWriter,
  streamId: number,
  chunk: Chunk,
  info: ChunkInfo,
): void {
  const key = numberKey(streamId, info.first);
  batch.removeRange("stream_chunks", key, numberKey(streamId, info.last + 1));
  batch.put("stream_chunks", key, chunk.bytes.subarray(0, chunk.offset(chunk.count)));
  writeIndexRow(writer.reset(), info);
  batch.put("stream_index", key, writer.bytes);
}

/** Removes a chunk that has no records any more. */
export function removeChunk(batch: Batch, streamId: number, first: number): void {
  const key = numberKey(streamId, first);
  batch.remove("stream_chunks", key);
  batch.remove("stream_index", key);
}

/** Puts the last piece of an open chunk. */
export function putPiece(batch: Batch, streamId: number, chunk: OpenChunk): void {
  const { pieceFrom, count } = chunk;
  if (pieceFrom === count) return;
  const piece = chunk.bytes.subarray(chunk.offset(pieceFrom), chunk.end);
  batch.put("stream_chunks", numberKey(streamId, chunk.first + pieceFrom), piece);
}

/** Removes the chunks before the one that begins with a sequence. */
export function removeChunks(batch: Batch, streamId: number, before: number): void {
  const [from, to] = [numberKey(streamId, 0), numberKey(streamId, before)];
  batch.removeRange("stream_chunks", from, to);
  batch.removeRange("stream_index", from, to);
}

/** Removes all rows of a stream. */
export function removeStream(batch: Batch, name: string, streamId: number): void {
  batch.remove("streams", encoder.encode(name));
  const [from, to] = [numberKey(streamId), numberKey(streamId + 1)];
  batch.removeRange("stream_chunks", from, to);
  batch.removeRange("stream_index", from, to);
  batch.removeRange("stream_groups", from, to);
}
