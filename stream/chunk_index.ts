/** Finds the full chunk that has a sequence or a time. */

/** What is known in memory of a chunk that takes no more messages: about 100 bytes for 64 KiB. */
export interface ChunkInfo {
  /** The sequence of its first message. */
  readonly first: number;
  /** The sequence of its last one. */
  readonly last: number;
  /** When the first arrived, and the last, in milliseconds since 1970. */
  readonly firstTimeMs: number;
  readonly lastTimeMs: number;
  /** Bytes of all records that were ever in front of it. */
  readonly bytesBefore: number;
  /** Bytes of its records. */
  readonly bytes: number;
}

/** How many chunks that were dropped may be left in the array before it is shortened. */
const DROPPED_MAX = 1024;

/** The full chunks of a stream in their order: to find one takes no read, and O(log n) steps. */
export class ChunkIndex {
  #chunks: ChunkInfo[] = [];
  #start = 0;

  /** How many there are. */
  get size(): number {
    return this.#chunks.length - this.#start;
  }

  /** The oldest one. */
  get head(): ChunkInfo | undefined {
    return this.#chunks[this.#start];
  }

  /** The one after the oldest. */
  get second(): ChunkInfo | undefined {
    return this.#chunks[this.#start + 1];
  }

  /** The youngest one. */
  get tail(): ChunkInfo | undefined {
    return this.size === 0 ? undefined : this.#chunks.at(-1);
  }

  /** Adds one, which must follow the last. */
  push(info: ChunkInfo): void {
    this.#chunks.push(info);
  }

  /** Drops the oldest one. */
  shift(): void {
    this.#start++;
    if (this.#start < DROPPED_MAX && this.#start < this.#chunks.length) return;
    this.#chunks = this.#chunks.slice(this.#start);
    this.#start = 0;
  }

  /** The first chunk whose last message has this sequence or a later one. */
  find(seq: number): ChunkInfo | undefined {
    return this.#first((info) => info.last >= seq);
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
