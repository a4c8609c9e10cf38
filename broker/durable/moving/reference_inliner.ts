/** Writes into rows of messages what they refer to in streams. */
import { RecordReader, RecordWriter } from "../../../store/record.ts";
import type { Store } from "../../../store/store.ts";
import {
  isReference,
  readReference,
  ReferredChunk,
  type StreamReference,
} from "../stream_reference.ts";
import { SAME_TIME } from "./same_time.ts";

/**
 * A message of a session may be a reference to a stream of the same store. A session that moves has
 * to have the message itself: streams stay where they are.
 */
export class ReferenceInliner {
  readonly #store: Store;
  readonly #writer = new RecordWriter();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether a row has a reference. */
  refers(value: Uint8Array): boolean {
    for (const piece of piecesOf(value)) if (isReference(piece)) return true;
    return false;
  }

  /**
   * The row with the messages themselves. What the stream has lost stays a reference.
   *
   * @returns Borrowed until the next call.
   * @throws {StoreError} If the store cannot be read.
   */
  async inline(value: Uint8Array): Promise<Uint8Array> {
    const lasts = new Map<string, StreamReference>();
    for (const piece of piecesOf(value)) {
      if (!isReference(piece)) continue;
      const reference = readReference(piece);
      const known = lasts.get(keyOf(reference));
      if (known === undefined || known.seq < reference.seq) lasts.set(keyOf(reference), reference);
    }
    const chunks = new Map<string, ReferredChunk>();
    for (const [key, { streamId, first, seq: last }] of lasts) {
      const range = { streamId, first, last };
      chunks.set(key, await ReferredChunk.read(this.#store, SAME_TIME, range));
    }
    const writer = this.#writer.reset();
    for (const piece of piecesOf(value)) {
      const start = writer.beginLongPiece();
      const reference = isReference(piece) ? readReference(piece) : null;
      const isWritten = reference !== null &&
        chunks.get(keyOf(reference))!.write(writer, reference);
      if (!isWritten) writer.raw(piece);
      writer.endLongPiece(start);
    }
    return writer.bytes;
  }
}

function keyOf({ streamId, first }: StreamReference): string {
  return `${streamId} ${first}`;
}

/** The messages of a row, as bytes. */
function* piecesOf(value: Uint8Array): Generator<Uint8Array, void, void> {
  const reader = new RecordReader(value);
  while (!reader.isAtEnd) yield reader.longPiece();
}
