/** Chunks: messages of a stream that are stored in one row. */
import { StoreError } from "../store/store.ts";
import {
  deltaOf,
  lengthOf,
  RECORD_HEAD_BYTES,
  recordBytes,
  revokeRecord,
  type StreamInput,
  timeOf,
  writeRecord,
} from "./record.ts";

/** Bytes from which on a chunk takes no more. */
export const CHUNK_BYTES = 64 * 1024;
/** Bytes of a new chunk; it doubles as needed. */
const BYTES_MIN = 1024;

/** Messages of a stream that are stored in one row. */
export interface Chunk {
  /** The sequence of the first message. */
  readonly first: number;
  /** How many records there are. */
  readonly count: number;
  /** The records, one after the other. Read them anew after each wait: an open chunk grows. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** What it costs in memory, in bytes. */
  readonly weight: number;
  /** Where the record with a number begins, 0 being the first. */
  offset(index: number): number;
  /** The sequence of the record with a number. */
  seq(index: number): number;
  /** The number of the first record whose sequence is `seq` or later; `count` if there is none. */
  indexOf(seq: number): number;
}

/** A chunk that takes more messages. */
export class OpenChunk implements Chunk {
  bytes: Uint8Array = new Uint8Array(BYTES_MIN);
  view: DataView = new DataView(this.bytes.buffer);
  /** How many bytes of it are used. */
  end = 0;
  lastTimeMs = 0;
  /** Records of it that are not kept any more, and their bytes. */
  dead = 0;
  deadBytes = 0;
  /** From which record on the last piece is that is not finished. */
  pieceFrom = 0;
  readonly #offsets: number[] = [];

  /** @param first The sequence of its first message. */
  constructor(readonly first: number) {}

  get count(): number {
    return this.#offsets.length;
  }

  get weight(): number {
    return this.bytes.length;
  }

  /** The sequence after that of the last message. */
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
    writeRecord(this.view, this.bytes, at, this.count, timeMs, input);
    this.#added(at, bytes, timeMs);
    return bytes;
  }

  /** Appends records that were stored, which must follow those that are there. */
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

  /** It takes no more messages: gives back what it has not used. */
  seal(): void {
    this.bytes = this.bytes.slice(0, this.end);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Nobody must get the message with a sequence. */
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

/** A chunk that was read from the store, whole or a piece of one. */
export class StoredChunk implements Chunk {
  readonly count: number;
  readonly view: DataView;
  readonly #offsets: Uint32Array;
  readonly #isDense: boolean;

  /**
   * @param first The sequence of the first message.
   * @param bytes The records; kept.
   * @param base What the sequences in the records count from.
   * @throws {StoreError} If they are no records.
   */
  constructor(readonly first: number, readonly bytes: Uint8Array, readonly base: number = first) {
    const { buffer, byteOffset, length } = bytes;
    const view = this.view = new DataView(buffer, byteOffset, length);
    const offsets: number[] = [];
    for (let at = 0; at < length;) {
      const size = at + RECORD_HEAD_BYTES <= length ? lengthOf(view, at) : 0;
      if (size < RECORD_HEAD_BYTES || at + size > length) {
        throw new StoreError(`A chunk of a stream is cut short after ${offsets.length} messages`);
      }
      offsets.push(at);
      at += size;
    }
    this.count = offsets.length;
    offsets.push(length);
    this.#offsets = Uint32Array.from(offsets);
    this.#isDense = this.count === 0 || this.seq(this.count - 1) === first + this.count - 1;
  }

  get weight(): number {
    return this.bytes.length + this.#offsets.byteLength;
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
