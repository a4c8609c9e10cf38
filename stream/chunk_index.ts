/** Finds the full chunk that has a sequence or a time. */
import type { ChunkRefs } from "./chunk_refs.ts";
import { DroppedTimes } from "./dropped_times.ts";

/** The entry of a full chunk: about 110 bytes in memory for a chunk of 64 KiB on the disk. */
export interface ChunkInfo {
  /** The sequence of its first message. */
  readonly first: number;
  /** The sequence of its last one. */
  readonly last: number;
  /** When the first and the last message arrived, in milliseconds since 1970. */
  readonly firstTimeMs: number;
  readonly lastTimeMs: number;
  /** Bytes of its records. */
  bytes: number;
  /** The number of messages between its first and its last one whose records were removed. */
  removed: number;
  /** The number and bytes of its records that are no longer kept. */
  dead: number;
  deadBytes: number;
  /** What refers to its messages; `null` for nothing. */
  refs: ChunkRefs | null;
}

/** The number of records of a chunk. */
export function countOf({ first, last, removed }: ChunkInfo): number {
  return last - first + 1 - removed;
}

/** The number of dropped entries after which the array is shortened. */
const DROPPED_MAX = 1024;

/**
 * The full chunks of a stream, oldest first. All entries are in memory, so a chunk is found by
 * binary search without a read.
 */
export class ChunkIndex {
  /** Bytes of the records of all chunks. */
  bytes = 0;
  /** The number of records of all chunks. */
  messages = 0;
  /** The chunks with records that are no longer kept. */
  readonly dirty: Set<ChunkInfo> = new Set();
  /** When the messages arrived of those that were dropped. */
  readonly dropped: DroppedTimes;
  #chunks: ChunkInfo[] = [];
  #start = 0;

  constructor(dropped: DroppedTimes = new DroppedTimes()) {
    this.dropped = dropped;
  }

  /** The number of chunks. */
  get size(): number {
    return this.#chunks.length - this.#start;
  }

  /** The oldest chunk. */
  get head(): ChunkInfo | undefined {
    return this.#chunks[this.#start];
  }

  /** The chunk after the oldest. */
  get second(): ChunkInfo | undefined {
    return this.#chunks[this.#start + 1];
  }

  /** The newest chunk. */
  get tail(): ChunkInfo | undefined {
    return this.size === 0 ? undefined : this.#chunks.at(-1);
  }

  /** Adds a chunk. It must follow the newest one. */
  push(info: ChunkInfo): void {
    this.#chunks.push(info);
    this.#count(info, 1);
  }

  /** Drops the oldest chunk. */
  shift(): void {
    const { head } = this;
    if (head !== undefined) {
      this.#count(head, -1);
      this.dropped.add(head.first, head.lastTimeMs);
    }
    this.#start++;
    if (this.#start < DROPPED_MAX && this.#start < this.#chunks.length) return;
    this.#chunks = this.#chunks.slice(this.#start);
    this.#start = 0;
  }

  /** Removes a chunk from the middle. */
  delete(info: ChunkInfo): void {
    const at = this.#position(({ first }) => first >= info.first);
    if (this.#chunks[at] !== info) return;
    this.#count(info, -1);
    if (at === this.#start) this.#start++;
    else this.#chunks.splice(at, 1);
  }

  /** Counts a record of a chunk that is no longer kept. */
  countDead(info: ChunkInfo, bytes: number): void {
    info.dead++;
    info.deadBytes += bytes;
    this.dirty.add(info);
  }

  /** Updates the entry of a chunk that was written again without the records that are not kept. */
  onReplaced(info: ChunkInfo, count: number, bytes: number): void {
    this.#count(info, -1);
    info.removed = info.last - info.first + 1 - count;
    info.bytes = bytes;
    info.dead = info.deadBytes = 0;
    this.#count(info, 1);
  }

  /** The first chunk whose last message has this sequence or a higher one. */
  find(seq: number): ChunkInfo | undefined {
    return this.#first((info) => info.last >= seq);
  }

  /** The chunk of {@linkcode find}, and those after it that have no more than so many bytes. */
  run(seq: number, bytesMax: number): ChunkInfo[] {
    const at = this.#position((info) => info.last >= seq);
    const found = this.#chunks.slice(at, at + 1);
    let bytes = 0;
    for (let i = at + 1; i < this.#chunks.length; i++) {
      bytes += this.#chunks[i]!.bytes;
      if (bytes > bytesMax) break;
      found.push(this.#chunks[i]!);
    }
    return found;
  }

  /** The first chunk whose last message arrived at this time or later. */
  findTime(timeMs: number): ChunkInfo | undefined {
    return this.#first((info) => info.lastTimeMs >= timeMs);
  }

  /** The last chunk whose first message has a lower sequence. */
  before(seq: number): ChunkInfo | undefined {
    const at = this.#position((info) => info.first >= seq) - 1;
    return at < this.#start ? undefined : this.#chunks[at];
  }

  #count(info: ChunkInfo, sign: 1 | -1): void {
    this.bytes += sign * info.bytes;
    this.messages += sign * countOf(info);
    if (info.dead > 0 && sign > 0) this.dirty.add(info);
    else this.dirty.delete(info);
  }

  #first(isIt: (info: ChunkInfo) => boolean): ChunkInfo | undefined {
    return this.#chunks[this.#position(isIt)];
  }

  #position(isIt: (info: ChunkInfo) => boolean): number {
    let low = this.#start;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isIt(this.#chunks[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
