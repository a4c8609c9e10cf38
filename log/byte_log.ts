/** A log of encoded frames, which many connections write from. */
import { BufferPool } from "./buffer_pool.ts";
import { ByteCursor } from "./byte_cursor.ts";
import type { Waiter } from "./log.ts";

/** The size of the first segment, in bytes. A segment after a full one is four times as large. */
const SEGMENT_BYTES_MIN = 1024;
/** The largest segment, in bytes. A longer frame gets a segment of its own. */
const SEGMENT_BYTES_MAX = BufferPool.bytesMax;
const NO_BYTES = new Uint8Array(0);

/**
 * Consecutive frames of a {@linkcode ByteLog}. A frame spans two segments only if its end was not
 * copied: see {@linkcode ByteLog.commitSplit}.
 */
export class ByteSegment {
  /** The frames, and room for more after {@linkcode length}. */
  bytes: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** How many bytes of `bytes` are frames. */
  length = 0;
  /** How many frames those are. */
  frames = 0;
  /** Whether it is the end of the frame that the segment before begins. Others share its bytes. */
  isRest = false;
  /** The segment that follows, or `null` while this is the last. */
  next: ByteSegment | null = null;

  /**
   * @param base Bytes of the log before this segment.
   * @param baseFrames Frames of the log before this segment.
   */
  constructor(public base: number, public baseFrames: number) {}

  /**
   * Copies the segments from here to byte `end` of the log, over the same bytes, without links to
   * later ones.
   */
  upTo(end: number): ByteSegment {
    const first = this.#copy();
    let last = first;
    for (let s = this.next; s !== null && s.base < end; s = s.next) last = last.next = s.#copy();
    return first;
  }

  #copy(): ByteSegment {
    const copy = new ByteSegment(this.base, this.baseFrames);
    copy.bytes = this.bytes;
    copy.length = this.length;
    copy.frames = this.frames;
    copy.isRest = this.isRest;
    return copy;
  }
}

/**
 * A log of encoded frames. After one append, any number of cursors write the same bytes to their
 * sockets.
 *
 * Without a pool, segments that every cursor has left are garbage, as in `Log`. With a pool, the
 * log belongs to a single cursor, and {@linkcode recycle} gives its buffers back as soon as they
 * were written.
 */
export class ByteLog {
  readonly #pool: BufferPool | null;
  /** The oldest segment whose buffer was not given back; used only with a pool. */
  #head: ByteSegment;
  #tail: ByteSegment;
  #segmentBytes = SEGMENT_BYTES_MIN;
  #parked: Waiter[] = [];

  constructor(pool: BufferPool | null = null) {
    this.#pool = pool;
    this.#head = this.#tail = new ByteSegment(0, 0);
  }

  /** Bytes appended so far. */
  get end(): number {
    return this.#tail.base + this.#tail.length;
  }

  /** Frames appended so far. */
  get frames(): number {
    return this.#tail.baseFrames + this.#tail.frames;
  }

  /** The buffer in which {@linkcode reserve} has made room. */
  get buffer(): Uint8Array<ArrayBuffer> {
    return this.#tail.bytes;
  }

  /**
   * Makes room for `bytes` bytes at the end, and returns their offset in {@linkcode buffer}.
   * {@linkcode commit} then appends them.
   */
  reserve(bytes: number): number {
    if (this.#tail.bytes.length - this.#tail.length < bytes) this.#grow(bytes);
    return this.#tail.length;
  }

  /** Appends the bytes that were written at the reserved offset. */
  commit(bytes: number, frames: number): void {
    this.#tail.length += bytes;
    this.#tail.frames += frames;
    if (this.#parked.length > 0) this.#wake();
  }

  /**
   * Appends one frame: the bytes that were written at the reserved offset, and then `rest`. That is
   * not copied, and must not change any more.
   */
  commitSplit(bytes: number, rest: Uint8Array<ArrayBuffer>): void {
    this.#tail.length += bytes;
    const segment = new ByteSegment(this.end, this.frames);
    segment.bytes = rest;
    segment.length = rest.length;
    segment.frames = 1;
    segment.isRest = true;
    this.#add(segment);
    if (this.#parked.length > 0) this.#wake();
  }

  /** Appends a copy of `source[start, end)`, which is `frames` whole frames. */
  append(source: Uint8Array, start: number, end: number, frames: number): void {
    const offset = this.reserve(end - start);
    copyBytes(source, start, end, this.#tail.bytes, offset);
    this.commit(end - start, frames);
  }

  /** Makes a reader that starts at the end. */
  cursor(): ByteCursor {
    return new ByteCursor(this, this.#tail, this.end, this.frames);
  }

  /** The next append wakes `waiter`, once. */
  park(waiter: Waiter): void {
    this.#parked.push(waiter);
  }

  /**
   * Gives back every buffer that the log's only cursor, in `segment`, has read and whose write is
   * complete.
   *
   * @param drained Whether the cursor has read the log to its end.
   */
  recycle(segment: ByteSegment, drained: boolean): void {
    if (this.#pool === null) return;
    while (this.#head.base < segment.base) {
      this.#giveBack(this.#head);
      this.#head = this.#head.next!;
    }
    if (!drained || segment.length === 0) return;
    // Nothing is left, so the segment is reused from the current end of the log. Its size follows
    // what was needed since the last time.
    this.#giveBack(segment);
    if (!segment.isRest) this.#segmentBytes = Math.max(SEGMENT_BYTES_MIN / 4, segment.length);
    segment.base += segment.length;
    segment.baseFrames += segment.frames;
    segment.bytes = NO_BYTES;
    segment.length = segment.frames = 0;
    segment.isRest = false;
  }

  /**
   * Releases every buffer before `segment`, or before the last segment. They were skipped, and one
   * may still be in a write, so they are not reused.
   */
  forget(segment: ByteSegment = this.#tail): void {
    this.#head = segment;
  }

  #giveBack({ bytes, isRest }: ByteSegment): void {
    if (!isRest) this.#pool!.give(bytes);
  }

  #add(segment: ByteSegment): void {
    this.#tail.next = segment;
    this.#tail = segment;
    if (this.#pool === null) this.#head = segment;
  }

  #grow(bytes: number): void {
    const size = Math.max(bytes, Math.min(this.#segmentBytes, SEGMENT_BYTES_MAX));
    if (this.#tail.length > 0) this.#add(new ByteSegment(this.end, this.frames));
    this.#tail.bytes = this.#pool === null ? new Uint8Array(size) : this.#pool.take(size);
    this.#segmentBytes = Math.min(size * 4, SEGMENT_BYTES_MAX);
  }

  #wake(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const waiter of parked) waiter.wake();
  }
}

/** A loop is cheaper than a view and `set` for less than this many bytes (measured). */
const LOOP_COPY_BYTES_MAX = 16;

/** Copies `source[start, end)` to `target` from `offset` on. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
): void {
  if (end - start <= LOOP_COPY_BYTES_MAX) {
    for (let i = start, to = offset; i < end; i++, to++) target[to] = source[i]!;
  } else {
    target.set(source.subarray(start, end), offset);
  }
}
