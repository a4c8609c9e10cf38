/** Finds a chunk of a stream, in memory or in the store. */
import type { Batch } from "../store/batch.ts";
import type { RecordWriter } from "../store/record.ts";
import type { Chunk, OpenChunk } from "./chunk.ts";
import type { ChunkCache } from "./chunk_cache.ts";
import type { ChunkIndex, ChunkInfo } from "./chunk_index.ts";
import { HeadChunks } from "./head_chunks.ts";
import type { StreamInput } from "./record.ts";
import { StreamTail } from "./stream_tail.ts";

/** What is known of a full chunk costs in memory, in bytes. */
const INFO_BYTES = 100;

/** The chunks of a stream, wherever they are: in the store, in the cache, or at one of the ends. */
export class StreamChunks {
  readonly #streamId: number;
  readonly #cache: ChunkCache;
  readonly #index: ChunkIndex;
  readonly #heads: HeadChunks;
  readonly #tail: StreamTail;

  /**
   * @param headsLoaded Told when the oldest chunks are in memory.
   * @param failed Told when they cannot be read.
   */
  constructor(
    streamId: number,
    cache: ChunkCache,
    index: ChunkIndex,
    open: OpenChunk,
    headsLoaded: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#streamId = streamId;
    this.#cache = cache;
    this.#index = index;
    this.#tail = new StreamTail(open);
    const load = async (first: number) =>
      this.#tail.sealed(first) ?? await cache.load(streamId, first);
    this.#heads = new HeadChunks(load, headsLoaded, failed);
  }

  /** The chunk that takes more messages. */
  get open(): OpenChunk {
    return this.#tail.open;
  }

  /** What is known of the oldest chunk; `undefined` if that is the open one. */
  get head(): ChunkInfo | undefined {
    return this.#index.head;
  }

  /** The oldest chunk; `undefined` if it is not in memory. */
  get headChunk(): Chunk | undefined {
    const { head } = this.#index;
    return head === undefined ? this.open : this.#chunkOf(head);
  }

  /** The first sequence of the oldest chunk. */
  get oldest(): number {
    return this.#index.head?.first ?? this.open.first;
  }

  /** Bytes of all records that were ever in front of the oldest chunk. */
  get bytesBefore(): number {
    return this.#index.head?.bytesBefore ?? this.open.bytesBefore;
  }

  /** What is in memory, in bytes, the cache not counted. */
  get memoryBytes(): number {
    return this.#tail.bytes + this.#index.size * INFO_BYTES + this.#heads.bytes;
  }

  /** Has the oldest chunks in memory: a limit reaches into the middle of one. */
  readHeads(): void {
    this.#heads.want([this.#index.head, this.#index.second]);
  }

  /** Appends a message to the open chunk. Returns the size of its record, in bytes. */
  append(input: StreamInput, timeMs: number, isRevocable: boolean): number {
    return this.#tail.append(input, timeMs, isRevocable);
  }

  /**
   * The open chunk takes no more: a message with the sequence `first` begins another.
   *
   * @param bytesEver Bytes of all records there ever were.
   * @returns Whether there are so few chunks that the full one is among the oldest.
   */
  startOver(first: number, bytesEver: number): boolean {
    const info = this.#tail.startOver(first, bytesEver);
    if (info !== null) this.#index.push(info);
    return this.#index.size <= 2;
  }

  /**
   * Drops the chunks that have nothing but messages in front of `first`.
   *
   * @param next The sequence that is given next.
   * @param bytesEver Bytes of all records there ever were.
   * @returns Whether there were any.
   */
  drop(first: number, next: number, bytesEver: number): boolean {
    const { oldest } = this;
    for (let head = this.#index.head; head !== undefined; head = this.#index.head) {
      if (head.last >= first) break;
      this.#index.shift();
      this.#tail.drop(head.first);
      this.#cache.delete(this.#streamId, head.first);
    }
    if (first >= this.open.next && this.open.count > 0) this.#tail.reset(next, bytesEver);
    return this.oldest > oldest;
  }

  /**
   * The chunk that has the message with a sequence, or the first one after it.
   *
   * @returns `null` if there is none; `"unloaded"` if it must be {@linkcode load}ed first.
   */
  at(seq: number): Chunk | null | "unloaded" {
    const { open } = this;
    const info = seq >= open.first ? undefined : this.#index.find(seq);
    if (info !== undefined) return this.#chunkOf(info) ?? "unloaded";
    return seq < open.next && open.count > 0 ? open : null;
  }

  /** Reads the chunk of {@linkcode at}; `null` if the store has lost it. */
  async load(seq: number): Promise<Chunk | null> {
    const info = this.#index.find(seq);
    if (info === undefined) return this.open;
    return this.#chunkOf(info) ?? await this.#cache.load(this.#streamId, info.first);
  }

  /** The sequence after the last one of the chunk of {@linkcode at}, which is not the open one. */
  endOf(seq: number): number {
    return (this.#index.find(seq)?.last ?? this.open.next - 1) + 1;
  }

  /** The first sequence of the chunk with the first message of this time or later. */
  seqOfTime(timeMs: number): number {
    return this.#index.findTime(timeMs)?.first ?? this.open.first;
  }

  /** The first sequence of the last chunk with messages in front of `seq`; `null` for none. */
  before(seq: number): number | null {
    const { open } = this;
    if (seq > open.first && open.count > 0) return open.first;
    return this.#index.before(seq)?.first ?? null;
  }

  /** Adds what the store does not have to a commit. */
  write(batch: Batch, writer: RecordWriter): void {
    this.#tail.write(batch, writer, this.#streamId, (first) => this.#index.find(first)!);
  }

  /** The commit is on the disk; it holds everything in front of `next`. */
  committed(next: number): void {
    // Readers are right behind: they need not read them.
    for (const chunk of this.#tail.committed(next)) {
      if (chunk.next > this.oldest) this.#cache.add(this.#streamId, chunk);
    }
  }

  /** The commit has failed. */
  writeFailed(): void {
    this.#tail.commitFailed();
  }

  #chunkOf({ first }: ChunkInfo): Chunk | undefined {
    return this.#tail.sealed(first) ?? this.#heads.find(first) ??
      this.#cache.get(this.#streamId, first);
  }
}
