/** The chunks of streams that were read last for sessions whose messages are in them. */
import type { Store } from "../../store/store.ts";
import type { Calendar } from "../base/calendar.ts";
import { ReferredChunk } from "./stream_reference.ts";

/** The number of chunks that are kept, and the limit of one of them, in bytes. */
const CHUNKS_MAX = 4;
const CHUNK_BYTES_MAX = 128 * 1024;

/** Where chunks are read from. */
export interface ReferredHost {
  readonly store: Store;
  readonly calendar: Calendar;
}

/**
 * Reads chunks of streams, and keeps the last ones: the next page of a session usually refers to the
 * same chunk. A message of a chunk never changes, so what is kept never becomes wrong.
 */
export class ReferredChunks {
  readonly #host: ReferredHost;
  /** The chunks, the last one that was used at the end. */
  readonly #chunks = new Map<string, { readonly chunk: ReferredChunk; readonly last: number }>();

  constructor(host: ReferredHost) {
    this.#host = host;
  }

  /** Memory of the chunks, in bytes. */
  get bytes(): number {
    let bytes = 0;
    for (const { chunk } of this.#chunks.values()) bytes += chunk.bytes;
    return bytes;
  }

  /**
   * A chunk with all of its messages up to a sequence.
   *
   * @throws {StoreError} If it is damaged, or the store cannot be read.
   */
  async read(streamId: number, first: number, last: number): Promise<ReferredChunk> {
    const key = `${streamId} ${first}`;
    const known = this.#chunks.get(key);
    this.#chunks.delete(key);
    if (known !== undefined && known.last >= last) {
      this.#chunks.set(key, known);
      return known.chunk;
    }
    const { store, calendar } = this.#host;
    const chunk = await ReferredChunk.read(store, calendar, { streamId, first, last });
    if (chunk.bytes > CHUNK_BYTES_MAX) return chunk;
    this.#chunks.set(key, { chunk, last: chunk.last });
    for (const oldest of this.#chunks.keys()) {
      if (this.#chunks.size <= CHUNKS_MAX) break;
      this.#chunks.delete(oldest);
    }
    return chunk;
  }
}
