/** Finds a chunk of a stream, in memory or in the store. */
import type { Batch } from "../store/batch.ts";
import type { RecordWriter } from "../store/record.ts";
import { type Chunk, type OpenChunk, StoredChunk } from "./chunk.ts";
import type { ChunkCache } from "./chunk_cache.ts";
import { type ChunkIndex, type ChunkInfo, countOf } from "./chunk_index.ts";
import { ChunkRefs } from "./chunk_refs.ts";
import type { DroppedTimes } from "./dropped_times.ts";
import { HeldChunks, type HoldingHost } from "./held_chunks.ts";
import { HeadChunks } from "./head_chunks.ts";
import type { StreamInput } from "./record.ts";
import type { StoredStream } from "./stored_stream.ts";
import { putChunk, removeChunk } from "./stream_row.ts";
import type { Surroundings } from "./surroundings.ts";
import { StreamTail } from "./stream_tail.ts";

/** Memory of the index entry of a full chunk, in bytes. */
const INFO_BYTES = 110;

/**
 * All chunks of a stream: the newest and the oldest are in memory, the others in cache or store.
 */
export class StreamChunks {
  readonly #streamId: number;
  readonly #cache: ChunkCache;
  readonly #index: ChunkIndex;
  readonly #aheadBytesMax: () => number;
  readonly #heads: HeadChunks;
  readonly #tail: StreamTail;
  /** Dropped chunks to whose messages something refers. */
  readonly held: HeldChunks;
  /** Chunks that have fewer records than the store has of them; `null` for none any more. */
  readonly #replaced = new Map<ChunkInfo, StoredChunk | null>();
  /** The chunks that the current commit contains. */
  #writing: [info: ChunkInfo, chunk: StoredChunk | null][] = [];
  /** The number and bytes of the dropped records of the oldest chunk. */
  readonly #head = { messages: 0, bytes: 0 };
  /** Changes when a chunk is replaced. A reader that holds a chunk then gets it again. */
  version = 0;

  /**
   * @param onHeadsLoaded Called when the oldest chunks are in memory.
   * @param onReleased Called when a dropped chunk need not stay in the store any longer.
   */
  constructor(
    streamId: number,
    host: Surroundings & HoldingHost & { readonly cache: ChunkCache },
    { index, open, held }: Pick<StoredStream, "index" | "open" | "held">,
    onHeadsLoaded: () => void,
    onReleased: () => void,
  ) {
    this.held = new HeldChunks(streamId, host, held, (first) => {
      // It was never stored if the commit with it has failed.
      this.#tail.drop(first);
      onReleased();
    });
    this.#streamId = streamId;
    this.#cache = host.cache;
    this.#aheadBytesMax = () => host.aheadBytesMax();
    this.#index = index;
    this.#tail = new StreamTail(open);
    const load = async (first: number) => await this.whole(index.find(first));
    this.#heads = new HeadChunks(load, onHeadsLoaded, (error) => host.reportError(error));
    // A broker that has ended before it had copied them left them to this one.
    this.held.copy();
  }

  /** The newest chunk, to which messages are appended. */
  get open(): OpenChunk {
    return this.#tail.open;
  }

  /** The index entry of the oldest chunk; `undefined` if that is the open one. */
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

  /** The sequence before which the store need not have any chunk. */
  get needed(): number {
    return Math.min(this.oldest, this.held.oldest);
  }

  /** When the messages of the chunks arrived that were dropped. */
  get dropped(): DroppedTimes {
    return this.#index.dropped;
  }

  /** Bytes of all records that were not dropped, those included that are not kept. */
  get bytes(): number {
    return this.allBytes - this.#head.bytes;
  }

  /** Bytes of all records, including the dropped ones of the oldest chunk. */
  get allBytes(): number {
    return this.#index.bytes + this.open.end;
  }

  /** How many records there are that were not dropped. */
  get messages(): number {
    return this.#index.messages + this.open.count - this.#head.messages;
  }

  /** Memory of the chunks and the index, in bytes, without the cache. */
  get memoryBytes(): number {
    const infos = this.#index.size + this.held.size;
    let bytes = this.#tail.bytes + infos * INFO_BYTES + this.#heads.bytes;
    for (const chunk of this.#replaced.values()) bytes += chunk?.weight ?? 0;
    return bytes;
  }

  /** Counts the records of the oldest chunk before a sequence, as far as they are known. */
  lookAtHead(first: number): void {
    const { headChunk: chunk } = this;
    const head = this.#head;
    head.bytes = head.messages = 0;
    if (first <= this.oldest) return;
    if (chunk === undefined) {
      // A limit of messages has no chunk in memory. This is exact unless some are gone in between.
      head.messages = Math.min(first - this.oldest, countOf(this.head!));
      return;
    }
    head.messages = chunk.indexOf(first);
    head.bytes = chunk.offset(head.messages);
  }

  /** Reads the oldest chunks, because a limit can end inside one. */
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
   * @returns Whether there are so few chunks that the full one is among the oldest.
   */
  startOver(first: number): boolean {
    const info = this.#tail.startOver(first);
    if (info !== null) this.#index.push(info);
    return this.#index.size <= 2;
  }

  /**
   * Drops the chunks whose messages all come before `first`. Returns whether there were any.
   *
   * @param next The next sequence.
   */
  drop(first: number, next: number): boolean {
    const { oldest } = this;
    if (first >= this.open.next && !this.open.refs.isEmpty) this.startOver(next);
    for (let head = this.#index.head; head !== undefined; head = this.#index.head) {
      if (head.last >= first) break;
      this.#index.shift();
      if (head.refs === null) this.#tail.drop(head.first);
      else this.held.add(head);
      this.#replaced.delete(head);
      this.#cache.delete(this.#streamId, head.first);
    }
    const { open } = this;
    if (first >= open.next && open.count > 0) {
      this.#index.dropped.add(open.first, open.lastTimeMs);
      this.#tail.reset(next);
    }
    return this.oldest > oldest;
  }

  /**
   * The chunk with the message of a sequence, or with the next message if that one is gone. It is
   * borrowed: when other work has run, it may be freed.
   *
   * @returns `null` if there is none; `"unloaded"` if {@linkcode load} must read it first.
   */
  at(seq: number): Chunk | null | "unloaded" {
    const { open } = this;
    const info = seq >= open.first ? undefined : this.#index.find(seq);
    if (info !== undefined) return this.#chunkOf(info) ?? "unloaded";
    return seq < open.next && open.count > 0 ? open : null;
  }

  /** Reads the chunk that {@linkcode at} finds; `null` if the store has lost it. */
  async load(seq: number): Promise<Chunk | null> {
    const info = this.#index.find(seq);
    if (info === undefined) return this.open;
    return this.#own(info) ?? await this.#cache.hold(this.#streamId, info.first);
  }

  /**
   * Reads the chunk that {@linkcode at} finds into memory, where others may take its place again.
   *
   * @param isAhead Whether the chunks after it are read, too, as far as the limit allows.
   * @returns Whether the store has it.
   */
  async prepare(seq: number, isAhead: boolean): Promise<boolean> {
    const [info, ...more] = this.#index.run(seq, isAhead ? this.#aheadBytesMax() : 0);
    if (info === undefined || this.#chunkOf(info) !== undefined) return true;
    const ahead = more.filter((one) => this.#chunkOf(one) === undefined);
    return await this.#cache.load(this.#streamId, info.first, ahead) !== null;
  }

  /** The index entry of the full chunk with the message of a sequence, or with the next message. */
  infoAt(seq: number): ChunkInfo | undefined {
    return this.#index.find(seq);
  }

  /** Counts a message that is no longer kept, so that its record can be removed. */
  countDead(seq: number, bytes: number): void {
    const { open } = this;
    const info = seq >= open.first ? undefined : this.#index.find(seq);
    if (info !== undefined) return this.#index.countDead(info, bytes);
    open.dead++;
    open.deadBytes += bytes;
  }

  /**
   * The full chunk to clean next: more than half of its records are no longer kept.
   *
   * @param isTight Whether a chunk with fewer may be returned, too: then it is the one with the
   * most.
   */
  toClean(isTight: boolean): ChunkInfo | null {
    let most: ChunkInfo | null = null;
    for (const info of this.#index.dirty) {
      if (this.#tail.sealed(info.first) !== undefined) continue;
      if (2 * info.dead >= countOf(info)) return info;
      if (isTight && info.deadBytes > (most?.deadBytes ?? 0)) most = info;
    }
    return most;
  }

  /** Reads a chunk as it is now; `null` if the store has lost it, or it was dropped meanwhile. */
  async whole(info: ChunkInfo | undefined): Promise<Chunk | null> {
    while (info !== undefined) {
      const { version } = this;
      const chunk = this.#own(info) ?? await this.#cache.hold(this.#streamId, info.first);
      if (this.#index.find(info.first) !== info) return null;
      if (version === this.version || this.#chunkOf(info) === chunk) return chunk;
    }
    return null;
  }

  /** Marks a chunk from which nothing can be removed. */
  giveUp(info: ChunkInfo): void {
    this.#index.dirty.delete(info);
  }

  /** Replaces the records of a full chunk by some of them. */
  replace(info: ChunkInfo, bytes: Uint8Array, count: number): void {
    this.version++;
    this.#cache.delete(this.#streamId, info.first);
    this.#heads.forget(info.first);
    if (count === 0) {
      this.#index.delete(info);
      this.#replaced.set(info, null);
    } else {
      this.#index.onReplaced(info, count, bytes.length);
      this.#replaced.set(info, new StoredChunk(info.first, bytes));
    }
  }

  /**
   * A message that no commit has stored yet is referred to.
   *
   * @param id Of the chunk of messages of sessions that refers to it.
   * @returns The first sequence of its chunk; -1 if there is none.
   */
  refer(seq: number, id: number): number {
    const { open } = this;
    if (seq >= open.first) {
      open.refs.add(id);
      return open.first;
    }
    const info = this.#index.find(seq);
    if (info === undefined) return -1;
    info.refs ??= new ChunkRefs();
    info.refs.add(id);
    return info.first;
  }

  /** The sequence after the last one of the full chunk that {@linkcode at} finds. */
  endOf(seq: number): number {
    return (this.#index.find(seq)?.last ?? this.open.next - 1) + 1;
  }

  /** The first sequence of the chunk with the first message that arrived at this time or later. */
  seqOfTime(timeMs: number): number {
    return this.#index.findTime(timeMs)?.first ?? this.open.first;
  }

  /** The first sequence of the last chunk that has messages before `seq`; `null` for none. */
  before(seq: number): number | null {
    const { open } = this;
    if (seq > open.first && open.count > 0) return open.first;
    return this.#index.before(seq)?.first ?? null;
  }

  /** Adds the chunks that the store does not have to a commit. */
  write(batch: Batch, writer: RecordWriter): void {
    this.#writing = [...this.#replaced];
    for (const [info, chunk] of this.#writing) {
      if (chunk === null) removeChunk(batch, this.#streamId, info.first);
      else putChunk(batch, writer, this.#streamId, chunk, info);
    }
    const infoOf = (first: number) => this.held.find(first) ?? this.#index.find(first)!;
    this.#tail.write(batch, writer, this.#streamId, infoOf);
  }

  /** The commit is on the disk. It contains all messages before `next`. */
  onCommitted(next: number): void {
    // Most readers are close to the end, so the new chunks are cached for them.
    for (const chunk of this.#tail.onCommitted(next)) {
      if (chunk.next > this.oldest) this.#cache.add(this.#streamId, chunk);
    }
    for (const [info, chunk] of this.#writing) {
      if (this.#replaced.get(info) !== chunk) continue;
      this.#replaced.delete(info);
      if (chunk !== null && info.last >= this.oldest) this.#cache.add(this.#streamId, chunk);
    }
    this.#writing = [];
  }

  /** The commit has failed. */
  onWriteFailed(): void {
    this.#writing = [];
    this.#tail.onCommitFailed();
  }

  #chunkOf(info: ChunkInfo): Chunk | undefined {
    return this.#own(info) ?? this.#cache.get(this.#streamId, info.first);
  }

  #own(info: ChunkInfo): Chunk | undefined {
    const { first } = info;
    return this.#replaced.get(info) ?? this.#tail.sealed(first) ?? this.#heads.find(first);
  }
}
