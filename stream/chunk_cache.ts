/** The chunks of all streams that are in memory. */
import { numberKey } from "../store/record.ts";
import { type Store, StoreDamagedError, StoreError } from "../store/store.ts";
import { type Chunk, StoredChunk } from "./chunk.ts";

/** The default limit of the cached chunks, in bytes. */
export const CACHE_BYTES = 16 * 1024 * 1024;

/** A row may keep a buffer that has so many more bytes. */
const SPARE_BYTES = 1024;

/** The part of it that may be read ahead, for all that read at the same time. */
const AHEAD_SHARE = 8;

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
   * @param ahead The chunks after it that are read with it: their first sequences, and their bytes.
   * @returns `null` if the store has no such chunk, or it is damaged. Its readers report a gap.
   */
  load(
    streamId: number,
    first: number,
    ahead: readonly { readonly first: number; readonly bytes: number }[] = [],
  ): Promise<Chunk | null> {
    const known = this.get(streamId, first);
    if (known !== undefined) return Promise.resolve(known);
    const key = keyOf(streamId, first);
    let load = this.#loading.get(key);
    if (load === undefined) {
      const firsts = [first, ...this.#wantedOf(streamId, ahead)];
      const reading = this.#read(streamId, firsts).finally(() => {
        if (this.#loading.get(key) === reading) this.#loading.delete(key);
      });
      this.#loading.set(key, load = reading);
    }
    return load;
  }

  /** What is read ahead: little if many read at once, so that nothing is dropped before it is used. */
  #wantedOf(
    streamId: number,
    ahead: readonly { readonly first: number; readonly bytes: number }[],
  ): number[] {
    let room = this.#bytesMax() / AHEAD_SHARE / (1 + this.#loading.size);
    const firsts: number[] = [];
    for (const { first, bytes } of ahead) {
      const key = keyOf(streamId, first);
      room -= bytes;
      if (room < 0 || this.#chunks.has(key) || this.#loading.has(key)) break;
      firsts.push(first);
    }
    return firsts;
  }

  /** Removes a chunk whose messages were dropped. */
  delete(streamId: number, first: number): void {
    const key = keyOf(streamId, first);
    this.#version++;
    this.#loading.delete(key);
    this.#bytes -= this.#chunks.get(key)?.weight ?? 0;
    this.#chunks.delete(key);
  }

  /** Reads chunks, and returns the first of them. */
  async #read(streamId: number, firsts: readonly number[]): Promise<Chunk | null> {
    this.reads++;
    const version = this.#version;
    const rows = await this.#rows(firsts.map((first) => numberKey(streamId, first)));
    let found: Chunk | null = null;
    // The one that is wanted is added last, so that it is dropped last.
    for (let i = firsts.length - 1; i >= 0; i--) {
      const row = rows[i] ?? null;
      found = row === null ? null : chunkOf(firsts[i]!, ownBytes(row));
      if (found !== null && version === this.#version) this.add(streamId, found);
    }
    return found;
  }

  /** Rows of chunks; of a damaged one nothing comes. */
  async #rows(keys: Uint8Array[]): Promise<(Uint8Array | null)[]> {
    try {
      return await this.#store.get("stream_chunks", keys);
    } catch (error) {
      if (!(error instanceof StoreDamagedError)) throw error;
      return keys.length === 1 ? [null] : await this.#rows(keys.slice(0, 1));
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

/**
 * The bytes of a row. Small rows come together in one buffer, which none of them must keep in
 * memory.
 */
function ownBytes(row: Uint8Array): Uint8Array {
  return row.buffer.byteLength - row.length > SPARE_BYTES ? row.slice() : row;
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
