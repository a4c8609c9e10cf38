/** The chunks of all streams that are in memory. */
import { numberKey } from "../store/record.ts";
import { type Store, StoreDamagedError, StoreError } from "../store/store.ts";
import { type Chunk, StoredChunk } from "./chunk.ts";

/** The default limit of the cached chunks, in bytes. */
export const CACHE_BYTES = 16 * 1024 * 1024;

/** A row may keep a buffer that has so many more bytes. */
const SPARE_BYTES = 1024;

/** The part of the limit that may be read ahead, for all that read at the same time. */
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
  readonly #chunks = new Map<string, Chunk | UndecodedChunk>();
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

  /**
   * The chunk of a stream that begins with the sequence `first`, if it is in memory. It is borrowed:
   * when other work has run, it may be freed.
   */
  get(streamId: number, first: number): Chunk | undefined {
    const key = keyOf(streamId, first);
    const known = this.#chunks.get(key);
    if (known === undefined) return undefined;
    // A map keeps the order of insertion: the most recently used chunk is last.
    this.#remove(key, known);
    const chunk = known instanceof UndecodedChunk ? chunkOf(first, known.bytes) : known;
    if (chunk === null) return undefined;
    this.#insert(key, chunk);
    return chunk;
  }

  /** Adds a chunk that was written. */
  add(streamId: number, chunk: Chunk): void {
    this.#add(keyOf(streamId, chunk.first), chunk);
  }

  /**
   * Reads a chunk. Readers that wait for the same chunk share one read.
   *
   * @param ahead The chunks after it that are read with it: their first sequences, and their bytes.
   * @returns The chunk, borrowed as from {@linkcode get}; `null` if the store has no such chunk, or
   * it is damaged. Its readers report a gap.
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

  /**
   * Reads a chunk for somebody who keeps it, so that it is not freed when it leaves the cache.
   *
   * @returns `null` if the store has no such chunk, or it is damaged.
   */
  async hold(streamId: number, first: number): Promise<Chunk | null> {
    for (;;) {
      const chunk = await this.load(streamId, first);
      // It may have left the cache since it was read.
      if (chunk?.isFreed) continue;
      if (chunk instanceof StoredChunk) chunk.isHeld = true;
      return chunk;
    }
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
    const known = this.#chunks.get(key);
    if (known !== undefined) this.#remove(key, known);
  }

  /** Reads chunks, and returns the first of them. */
  async #read(streamId: number, firsts: readonly number[]): Promise<Chunk | null> {
    this.reads++;
    const version = this.#version;
    const rows = await this.#rows(firsts.map((first) => numberKey(streamId, first)));
    const wanted = rows[0] ?? null;
    const chunk = wanted === null ? null : chunkOf(firsts[0]!, ownBytes(wanted));
    if (version !== this.#version) return chunk;
    // The one that is wanted is added last, so that it is dropped last.
    for (let i = firsts.length - 1; i > 0; i--) {
      const row = rows[i] ?? null;
      if (row !== null) this.#add(keyOf(streamId, firsts[i]!), new UndecodedChunk(ownBytes(row)));
    }
    if (chunk !== null) this.add(streamId, chunk);
    return chunk;
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

  #add(key: string, chunk: Chunk | UndecodedChunk): void {
    const known = this.#chunks.get(key);
    if (known !== undefined) this.#remove(key, known);
    this.#insert(key, chunk);
    this.#trim(key);
  }

  #insert(key: string, chunk: Chunk | UndecodedChunk): void {
    this.#bytes += chunk.weight;
    this.#chunks.set(key, chunk);
  }

  #remove(key: string, chunk: Chunk | UndecodedChunk): void {
    this.#bytes -= chunk.weight;
    this.#chunks.delete(key);
  }

  #trim(kept: string): void {
    for (const [key, chunk] of this.#chunks) {
      if (this.#bytes <= this.#bytesMax()) return;
      if (key === kept) continue;
      this.#remove(key, chunk);
      if (chunk instanceof StoredChunk) chunk.free();
    }
  }
}

/**
 * The row of a chunk that was read ahead. To look through the records of all of them at once would
 * hold up what is live.
 */
class UndecodedChunk {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get weight(): number {
    return this.bytes.length;
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
    const chunk = new StoredChunk(first, row);
    // Others may have the rest of the buffer.
    chunk.isHeld = row.length < row.buffer.byteLength;
    return chunk;
  } catch (error) {
    if (error instanceof StoreError) return null;
    throw error;
  }
}

function keyOf(streamId: number, first: number): string {
  return `${streamId} ${first}`;
}
