/** The chunks of all streams that are in memory. */
import { numberKey } from "../store/record.ts";
import { type Store, StoreDamagedError, StoreError } from "../store/store.ts";
import { type Chunk, StoredChunk } from "./chunk.ts";

/** The default limit of the cached chunks, in bytes. */
export const CACHE_BYTES = 16 * 1024 * 1024;

/**
 * The recently used chunks of all streams of a store. Readers hold positions and no chunks, so a
 * thousand readers of one place share its chunk. The least recently used chunk is removed first.
 */
export class ChunkCache {
  /** How many chunks were read from the store. */
  reads = 0;
  readonly #store: Store;
  readonly #bytesMax: () => number;
  readonly #chunks = new Map<string, Chunk>();
  readonly #loading = new Map<string, Promise<Chunk | null>>();
  #bytes = 0;
  /** Changes when a chunk is forgotten: one that is being read may be another by then. */
  #version = 0;

  /** @param bytesMax Returns the limit of the chunks in memory, in bytes. */
  constructor(store: Store, bytesMax: () => number = () => CACHE_BYTES) {
    this.#store = store;
    this.#bytesMax = bytesMax;
  }

  /** Memory of the chunks, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The chunk of a stream that begins with the sequence `first`, if it is in memory. */
  get(streamId: number, first: number): Chunk | undefined {
    const key = keyOf(streamId, first);
    const chunk = this.#chunks.get(key);
    if (chunk === undefined) return undefined;
    // A map keeps the order of insertion: the most recently used chunk is last.
    this.#chunks.delete(key);
    this.#chunks.set(key, chunk);
    return chunk;
  }

  /** Adds a chunk that was written. */
  add(streamId: number, chunk: Chunk): void {
    const key = keyOf(streamId, chunk.first);
    this.#bytes += chunk.weight - (this.#chunks.get(key)?.weight ?? 0);
    this.#chunks.delete(key);
    this.#chunks.set(key, chunk);
    this.#trim(key);
  }

  /**
   * Reads a chunk. Readers that wait for the same chunk share one read.
   *
   * @returns `null` if the store has no such chunk, or it is damaged. Its readers report a gap.
   */
  load(streamId: number, first: number): Promise<Chunk | null> {
    const known = this.get(streamId, first);
    if (known !== undefined) return Promise.resolve(known);
    const key = keyOf(streamId, first);
    let load = this.#loading.get(key);
    if (load === undefined) {
      const reading = this.#read(streamId, first).finally(() => {
        if (this.#loading.get(key) === reading) this.#loading.delete(key);
      });
      this.#loading.set(key, load = reading);
    }
    return load;
  }

  /** Removes a chunk whose messages were dropped. */
  delete(streamId: number, first: number): void {
    const key = keyOf(streamId, first);
    this.#version++;
    this.#loading.delete(key);
    this.#bytes -= this.#chunks.get(key)?.weight ?? 0;
    this.#chunks.delete(key);
  }

  async #read(streamId: number, first: number): Promise<Chunk | null> {
    this.reads++;
    const version = this.#version;
    const row = await this.#row(numberKey(streamId, first));
    if (row === null) return null;
    const chunk = chunkOf(first, row);
    if (chunk !== null && version === this.#version) this.add(streamId, chunk);
    return chunk;
  }

  async #row(key: Uint8Array): Promise<Uint8Array | null> {
    try {
      return (await this.#store.get("stream_chunks", [key]))[0] ?? null;
    } catch (error) {
      if (error instanceof StoreDamagedError) return null;
      throw error;
    }
  }

  #trim(kept: string): void {
    for (const [key, { weight }] of this.#chunks) {
      if (this.#bytes <= this.#bytesMax()) return;
      if (key === kept) continue;
      this.#chunks.delete(key);
      this.#bytes -= weight;
    }
  }
}

/** Decodes the row of a chunk; `null` if it is damaged. */
function chunkOf(first: number, row: Uint8Array): StoredChunk | null {
  try {
    return new StoredChunk(first, row);
  } catch (error) {
    if (error instanceof StoreError) return null;
    throw error;
  }
}

function keyOf(streamId: number, first: number): string {
  return `${streamId} ${first}`;
}
