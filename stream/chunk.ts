/** Chunks: messages of a stream that are stored in one row. */
import { StoreError } from "../store/store.ts";
import { ChunkRefs } from "./chunk_refs.ts";
import { type FrameRun, headOf } from "./frame_run.ts";
import {
  copy,
  DELTA,
  deltaOf,
  lengthOf,
  RECORD_HEAD_BYTES,
  recordBytes,
  revokeRecord,
  type StreamInput,
  timeOf,
  writeRecord,
} from "./record.ts";

/** A chunk with this many bytes or more is full: it takes no more messages. */
export const CHUNK_BYTES = 64 * 1024;
/** The size of the buffer of a new chunk, in bytes. It doubles as needed. */
const BYTES_MIN = 1024;
/** A full chunk may keep so many unused bytes of its buffer. */
const UNUSED_BYTES_MAX = 1024;

/** Messages of a stream that are stored in one row. */
export interface Chunk {
  /** The sequence of the first message. */
  readonly first: number;
  /** The number of records. */
  readonly count: number;
  /** The records, one after the other. An open chunk replaces this array when it grows. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Memory of the chunk, in bytes. */
  readonly weight: number;
  /** Whether its records were given up, so that it must be read again. */
  readonly isFreed: boolean;
  /** The offset of a record in `bytes`. The first record has index 0. */
  offset(index: number): number;
  /** The sequence of a record. */
  seq(index: number): number;
  /** The index of the first record whose sequence is `seq` or higher; `count` if there is none. */
  indexOf(seq: number): number;
}

/**
 * The newest chunk of a stream, to which messages are appended. Its state is set by the tail of its
 * stream.
 */
export class OpenChunk implements Chunk {
  bytes: Uint8Array;
  view: DataView;
  readonly isFreed = false;
  /** How many bytes of it are used. */
  end = 0;
  lastTimeMs = 0;
  /** The number and bytes of its records that are no longer kept. */
  dead = 0;
  deadBytes = 0;
  /** The index of the first record of the last piece, which the next commit writes again. */
  pieceFrom = 0;
  /** What refers to its messages. */
  refs: ChunkRefs = new ChunkRefs();
  readonly #offsets: number[] = [];

  /**
   * @param first The sequence of its first message.
   * @param bytes For how many bytes it has room at first; it grows as needed.
   */
  constructor(readonly first: number, bytes: number = BYTES_MIN) {
    this.bytes = new Uint8Array(bytes);
    this.view = new DataView(this.bytes.buffer);
  }

  get count(): number {
    return this.#offsets.length;
  }

  get weight(): number {
    return this.bytes.length;
  }

  /** The sequence that the next message gets. */
  get next(): number {
    return this.first + this.count;
  }

  get isFull(): boolean {
    return this.end >= CHUNK_BYTES;
  }

  /** When the first message arrived, in milliseconds since 1970. */
  get firstTimeMs(): number {
    return this.count === 0 ? this.lastTimeMs : timeOf(this.view, 0);
  }

  offset(index: number): number {
    return this.#offsets[index] ?? this.end;
  }

  seq(index: number): number {
    return this.first + index;
  }

  indexOf(seq: number): number {
    return Math.min(this.count, Math.max(0, seq - this.first));
  }

  /** Appends a message. Returns the size of its record, in bytes. */
  append(input: StreamInput, timeMs: number): number {
    const bytes = recordBytes(input);
    const at = this.#reserve(bytes);
    writeRecord(this.view, this.bytes, at, bytes, this.count, timeMs, input);
    this.#added(at, bytes, timeMs);
    return bytes;
  }

  /**
   * Appends messages until the chunk is full.
   *
   * @param from The start of the first packet of the run that is appended.
   * @returns The start of the first packet that is not; the end of the run if there is none.
   */
  appendRun(run: FrameRun, from: number, timeMs: number): number {
    const { buffer, end } = run;
    const head = headOf(run, timeMs);
    const bodyBytes = 2 + run.topic.length + (run.v5 ? 1 : 0);
    while (from < end && !this.isFull) {
      let body = from + 1;
      let length = 0;
      for (let shift = 0;; shift += 7) {
        const byte = buffer[body++]!;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      const payload = body + bodyBytes;
      from = body + length;
      const bytes = head.length + from - payload;
      const at = this.#reserve(bytes);
      copy(head, 0, head.length, this.bytes, at);
      this.view.setUint32(at, bytes, true);
      this.view.setUint32(at + DELTA, this.count, true);
      copy(buffer, payload, from, this.bytes, at + head.length);
      this.#added(at, bytes, timeMs);
    }
    return from;
  }

  /**
   * Appends records that were stored.
   *
   * @throws {StoreError} If they do not follow the last record.
   */
  restore(records: Uint8Array): void {
    const stored = new StoredChunk(this.next, records, this.first);
    for (let index = 0; index < stored.count; index++) {
      const from = stored.offset(index);
      const length = stored.offset(index + 1) - from;
      if (stored.seq(index) !== this.next) throw new StoreError("A piece of a stream is misplaced");
      const at = this.#reserve(length);
      this.bytes.set(records.subarray(from, from + length), at);
      this.#added(at, length, timeOf(stored.view, from));
    }
  }

  /** Frees the unused part of the buffer, if it is worth a copy. Nothing is appended after this. */
  seal(): void {
    if (this.bytes.length - this.end <= UNUSED_BYTES_MAX) return;
    this.bytes = this.bytes.slice(0, this.end);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Marks a message as one that no reader may get. */
  revoke(seq: number): void {
    revokeRecord(this.bytes, this.offset(seq - this.first));
  }

  #reserve(bytes: number): number {
    const needed = this.end + bytes;
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, this.end));
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return this.end;
  }

  #added(at: number, bytes: number, timeMs: number): void {
    this.#offsets.push(at);
    this.end = at + bytes;
    this.lastTimeMs = timeMs;
  }
}

/** Where the records of a chunk begin, the first of them at 0, while they are counted. */
let scratch: Uint32Array = new Uint32Array(4096);

function grown(offsets: Uint32Array): Uint32Array {
  const larger = new Uint32Array(2 * offsets.length);
  larger.set(offsets);
  return larger;
}

/** A chunk that was read from the store, or a piece of one. It does not change. */
export class StoredChunk implements Chunk {
  /**
   * Whether somebody has it for longer than one call. Then {@linkcode free} does nothing. Set by
   * `chunk_cache.ts`, which knows who gets it.
   */
  isHeld = false;
  isFreed = false;
  readonly count: number;
  readonly view: DataView;
  readonly #offsets: Uint32Array;
  readonly #isDense: boolean;

  /**
   * @param first The sequence of the first message.
   * @param bytes The records. The chunk owns them from now on.
   * @param base The sequence that the records count from; it differs from `first` in a piece.
   * @throws {StoreError} If a record is cut short.
   */
  constructor(readonly first: number, readonly bytes: Uint8Array, readonly base: number = first) {
    const { buffer, byteOffset, length } = bytes;
    const view = this.view = new DataView(buffer, byteOffset, length);
    let count = 0;
    for (let at = 0; at < length;) {
      const size = at + RECORD_HEAD_BYTES <= length ? lengthOf(view, at) : 0;
      if (size < RECORD_HEAD_BYTES || at + size > length) {
        throw new StoreError(`A chunk of a stream is cut short after ${count} messages`);
      }
      at += size;
      if (++count === scratch.length) scratch = grown(scratch);
      scratch[count] = at;
    }
    this.count = count;
    this.#offsets = scratch.slice(0, count + 1);
    this.#isDense = this.count === 0 || this.seq(this.count - 1) === first + this.count - 1;
  }

  get weight(): number {
    return this.bytes.length + this.#offsets.byteLength;
  }

  /**
   * Gives up its memory at once. A reader of a whole stream reads many megabytes a second: left to
   * the garbage collection, they would make it mark the whole heap twice a second.
   */
  free(): void {
    if (this.isHeld) return;
    this.isFreed = true;
    release(this.bytes.buffer);
    release(this.#offsets.buffer);
  }

  offset(index: number): number {
    return this.#offsets[index]!;
  }

  seq(index: number): number {
    return this.base + deltaOf(this.view, this.#offsets[index]!);
  }

  indexOf(seq: number): number {
    if (this.#isDense) return Math.min(this.count, Math.max(0, seq - this.first));
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.seq(middle) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Frees the memory of a buffer, which has no bytes after that, where the runtime can do so. */
function release(buffer: ArrayBufferLike): void {
  if ("transfer" in buffer) buffer.transfer(0);
}

/**
 * Copies some of the records of a chunk.
 *
 * @param isKept Whether the record with a number is copied.
 * @returns `null` if all are.
 */
export function keptRecords(
  chunk: Chunk,
  isKept: (index: number) => boolean,
): { bytes: Uint8Array; count: number } | null {
  const { count } = chunk;
  const kept: [from: number, to: number][] = [];
  let length = 0;
  for (let index = 0; index < count; index++) {
    if (!isKept(index)) continue;
    const [from, to] = [chunk.offset(index), chunk.offset(index + 1)];
    kept.push([from, to]);
    length += to - from;
  }
  if (kept.length === count) return null;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const [from, to] of kept) {
    bytes.set(chunk.bytes.subarray(from, to), at);
    at += to - from;
  }
  return { bytes, count: kept.length };
}
