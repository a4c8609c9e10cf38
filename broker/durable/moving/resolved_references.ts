/** Puts messages of streams into the rows that refer to them, which leave the store of the stream. */
import { RecordReader, RecordWriter } from "../../../store/record.ts";
import type { Store } from "../../../store/store.ts";
import {
  isReference,
  readReference,
  ReferredChunk,
  type StreamReference,
} from "../stream_reference.ts";

/** Times are copied as they are in the store. */
const AS_STORED = { toWall: (ms: number) => ms, toClock: (ms: number) => ms };

/**
 * Puts the messages of streams into the row of a chunk of messages. A message that the stream has
 * lost stays a reference, and is counted as lost when it is read.
 *
 * @param store The store with the row and the streams.
 * @returns The row as it is, if it refers to no stream; otherwise a new one.
 * @throws {StoreError} If a chunk of a stream is damaged, or the store cannot be read.
 */
export async function resolveReferences(store: Store, row: Uint8Array): Promise<Uint8Array> {
  const chunks = await readChunks(store, row);
  if (chunks.size === 0) return row;
  const writer = new RecordWriter();
  for (const reader = new RecordReader(row); !reader.isAtEnd;) {
    const piece = reader.longPiece();
    const start = writer.beginLongPiece();
    if (!isReference(piece) || !writeReferred(writer, chunks, readReference(piece))) {
      writer.raw(piece);
    }
    writer.endLongPiece(start);
  }
  return writer.bytes;
}

function writeReferred(
  writer: RecordWriter,
  chunks: ReadonlyMap<string, ReferredChunk>,
  reference: StreamReference,
): boolean {
  return chunks.get(keyOf(reference))!.write(writer, reference);
}

/** The chunks of streams to which a row refers. */
async function readChunks(store: Store, row: Uint8Array): Promise<Map<string, ReferredChunk>> {
  const furthest = new Map<string, StreamReference>();
  for (const reader = new RecordReader(row); !reader.isAtEnd;) {
    const piece = reader.longPiece();
    if (!isReference(piece)) continue;
    const reference = readReference(piece);
    const key = keyOf(reference);
    if (reference.seq > (furthest.get(key)?.seq ?? 0)) furthest.set(key, reference);
  }
  const chunks = new Map<string, ReferredChunk>();
  for (const [key, { streamId, first, seq }] of furthest) {
    const range = { streamId, first, last: seq };
    chunks.set(key, await ReferredChunk.read(store, AS_STORED, range));
  }
  return chunks;
}

function keyOf({ streamId, first }: StreamReference): string {
  return `${streamId} ${first}`;
}
