import type { ByteLog, ByteSegment } from "./byte_log.ts";
import type { Waiter } from "./log.ts";

/**
 * A position in a {@linkcode ByteLog}, always between two frames. It counts the
 * frames it has passed, so that what it skips is known and never just gone.
 */
export class ByteCursor {
  /** The log that is read. */
  readonly log: ByteLog;
  #segment: ByteSegment;
  #position: number;
  #frames: number;
  /** Where the log ended when somebody was parked there. */
  #parkedAt = -1;

  /** Use {@linkcode ByteLog.cursor}. */
  constructor(log: ByteLog, segment: ByteSegment, position: number, frames: number) {
    this.log = log;
    this.#segment = segment;
    this.#position = position;
    this.#frames = frames;
  }

  /** Bytes of the log in front of the position. */
  get position(): number {
    return this.#position;
  }

  /** Frames of the log in front of the position. */
  get frames(): number {
    return this.#frames;
  }

  /** How many bytes {@linkcode take} would return. */
  available(end: number): number {
    const segment = this.#current();
    return Math.min(segment.base + segment.length, end) - this.#position;
  }

  /**
   * Reads on to the end of the segment, but not past `end`.
   *
   * @param end Bytes of the log to stop at, the end of a frame.
   * @param endFrames Frames of the log in front of `end`.
   * @returns A view of the log itself; empty when there is nothing to read.
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
   * Jumps ahead, whole segments at a time, until at most `bytes` bytes are left
   * in front of `end`, or `end` itself is reached.
   *
   * @returns How many frames were skipped.
   */
  skipUntil(bytes: number, end: number, endFrames: number): number {
    const before = this.#frames;
    while (end - this.#position > bytes) {
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

  /** Tells the log what it can use again; for the only cursor of a pooled log. */
  recycle(): void {
    this.log.recycle(this.#current(), this.#position === this.log.end);
  }

  /**
   * Holds on to what is in front of `end` only, however far the log goes on: for
   * a reader that will read no further than that.
   */
  detach(end: number): void {
    this.#segment = this.#current().upTo(end);
  }

  /** Tells the log what it need not keep; for the first cursor of a pooled log. */
  forget(): void {
    this.log.forget(this.#current());
  }

  /** Has `waiter` woken, once, by the next append; parking again until then does nothing. */
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
