/** The position of a reader in a log of encoded frames. */
import type { ByteLog, ByteSegment } from "./byte_log.ts";
import type { Waiter } from "./log.ts";

/**
 * A position in a {@linkcode ByteLog}, always between two frames. It counts the frames that it has
 * passed, so that skipped frames can be counted.
 */
export class ByteCursor {
  /** The log that is read. */
  readonly log: ByteLog;
  #segment: ByteSegment;
  #position: number;
  #frames: number;
  /** The end of the log when a waiter was last parked. */
  #parkedAt = -1;

  /** Use {@linkcode ByteLog.cursor}. */
  constructor(log: ByteLog, segment: ByteSegment, position: number, frames: number) {
    this.log = log;
    this.#segment = segment;
    this.#position = position;
    this.#frames = frames;
  }

  /** Bytes of the log before the position. */
  get position(): number {
    return this.#position;
  }

  /** Frames of the log before the position. */
  get frames(): number {
    return this.#frames;
  }

  /**
   * Whether the last {@linkcode take} has ended within a frame: the next one returns the rest, and
   * must follow before anything else is done.
   */
  get isWithinFrame(): boolean {
    const segment = this.#current();
    return segment.isRest && this.#position === segment.base;
  }

  /** The bytes up to `end` that are shared with other logs. */
  *shared(end: number): Iterable<Uint8Array> {
    let segment: ByteSegment | null = this.#current();
    for (; segment !== null && segment.base < end; segment = segment.next) {
      if (segment.isRest && this.#position <= segment.base) yield segment.bytes;
    }
  }

  /** How many bytes {@linkcode take} would return. */
  available(end: number): number {
    const segment = this.#current();
    return Math.min(segment.base + segment.length, end) - this.#position;
  }

  /**
   * Reads to the end of the segment, but not past `end`.
   *
   * @param end The position to stop at, in bytes; the end of a frame.
   * @param endFrames Frames of the log before `end`.
   * @returns A view of the log's own bytes; empty if there is nothing to read.
   */
  take(end: number, endFrames: number): Uint8Array<ArrayBuffer> {
    const segment = this.#current();
    const from = this.#position - segment.base;
    const whole = segment.base + segment.length <= end;
    const to = whole ? segment.length : end - segment.base;
    this.#position = segment.base + to;
    this.#frames = whole ? segment.baseFrames + segment.frames : endFrames;
    return segment.bytes.subarray(from, to);
  }

  /**
   * Skips whole segments until at most `bytes` bytes are left before `end`, or `end` is reached.
   *
   * @returns How many frames were skipped.
   */
  skipUntil(bytes: number, end: number, endFrames: number): number {
    const before = this.#frames;
    while (end - this.#position > bytes || this.isWithinFrame) {
      const next = this.#current().next;
      if (next === null || next.base >= end) {
        this.#position = end;
        this.#frames = endFrames;
      } else {
        this.#segment = next;
        this.#position = next.base;
        this.#frames = next.baseFrames;
      }
    }
    return this.#frames - before;
  }

  /** Gives read buffers back to the pool; for the only cursor of a pooled log. */
  recycle(): void {
    this.log.recycle(this.#current(), this.#position === this.log.end);
  }

  /**
   * Keeps only the bytes before `end` alive, however far the log grows: for a reader that reads no
   * further.
   */
  detach(end: number): void {
    this.#segment = this.#current().upTo(end);
  }

  /** Tells the log that it need not keep earlier bytes; for the first cursor of a pooled log. */
  forget(): void {
    this.log.forget(this.#current());
  }

  /** The next append wakes `waiter`, once. Parking again before that does nothing. */
  park(waiter: Waiter): void {
    if (this.#parkedAt === this.log.end) return;
    this.#parkedAt = this.log.end;
    this.log.park(waiter);
  }

  #current(): ByteSegment {
    const segment = this.#segment;
    if (segment.next === null || this.#position < segment.base + segment.length) return segment;
    return this.#segment = segment.next;
  }
}
