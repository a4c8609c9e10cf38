/** The messages that wait to be written to one connection: stretches of logs, in their order. */
import type { ByteCursor } from "../../log/byte_cursor.ts";
import { ByteLog } from "../../log/byte_log.ts";
import { type Stretch, Trail } from "../../log/trail.ts";
import type { Tally } from "../base/memory_tally.ts";
import type { OutboxHost } from "./outbox_host.ts";

/** The memory cost of a change from one log to another, in bytes (measured, garbage included). */
const STRETCH_BYTES = 512;

/**
 * How much of a large frame is taken for one write, in bytes. The kernel copies it while nothing else
 * runs, half a millisecond, and hundreds of connections may write as much.
 */
const REST_BYTES_MAX = 512 * 1024;

/** The owner of a shared log. It is called when an outbox leaves the log. */
export interface Follows {
  /** The outbox no longer follows, because something else was appended to it. */
  onLeft(): void;
}

/** A part of a log that one connection writes. */
export type OutboxStretch = Stretch<ByteCursor, Follows | null>;

/**
 * A trail over logs that the connection shares with others, and over two of its own. The key of a
 * stretch is the owner of the shared log, or `null`.
 */
export class OutboxTrail extends Trail<ByteCursor, Follows | null> {
  readonly #host: Pick<OutboxHost, "pool" | "countSent">;
  /** Frames for this connection alone that may be skipped when it lags: QoS 0. */
  #loose: ByteLog | null = null;
  /** Frames for this connection alone that must not be skipped: they have a packet identifier. */
  #sure: ByteLog | null = null;
  /** The followed log, if any: a shared one, or one of the two. */
  #following: ByteLog | null = null;
  /** The end of a frame that was taken in part. */
  #rest: Uint8Array<ArrayBuffer> | null = null;

  constructor(host: Pick<OutboxHost, "pool" | "countSent">) {
    super();
    this.#host = host;
  }

  /** Whether a frame was taken in part: nothing else may be written before {@linkcode takeRest}. */
  get isWithinFrame(): boolean {
    return this.#rest !== null;
  }

  /** Adds the memory that the waiting messages hold; what is shared counts once. */
  tally(tally: Tally): void {
    tally.trail(this.first, this.size, () => 1);
    if (this.#rest !== null) tally.share(this.#rest);
  }

  /** Reads the next piece of a stretch, and counts it as sent. It may end within a frame. */
  take({ cursor, end, endCount }: OutboxStretch): Uint8Array<ArrayBuffer> {
    const before = cursor.frames;
    const piece = cursor.take(end, endCount);
    if (cursor.isWithinFrame) this.#rest = cursor.take(end, endCount);
    this.#host.countSent(cursor.frames - before, piece.length + (this.#rest?.length ?? 0));
    return piece;
  }

  /** Reads the next part of the frame that was taken in part. */
  takeRest(): Uint8Array<ArrayBuffer> {
    const rest = this.#rest!;
    this.#rest = rest.length > REST_BYTES_MAX ? rest.subarray(REST_BYTES_MAX) : null;
    return rest.subarray(0, REST_BYTES_MAX);
  }

  /** Bytes of waiting messages, with the memory of their positions. */
  get bytes(): number {
    const { lag, size } = this;
    return size > 1 ? lag + (size - 1) * STRETCH_BYTES : lag;
  }

  /**
   * The log for frames of this connection alone, which come behind everything else.
   *
   * @param sure Whether the frames must not be skipped, however large the lag is.
   */
  own(sure: boolean): ByteLog {
    const own = sure
      ? this.#sure ??= new ByteLog(this.#host.pool)
      : this.#loose ??= new ByteLog(this.#host.pool);
    if (this.#following === own) return own;
    this.leave();
    this.follow(own.cursor(), null);
    return this.#following = own;
  }

  /** Follows a shared log from its end on, until something else is appended. */
  share(log: ByteLog, key: Follows): void {
    this.leave();
    this.follow(log.cursor(), key);
  }

  /** Stops following the shared log, if any. */
  leave(): void {
    const { open } = this;
    if (open === null) return;
    this.#following = null;
    this.close(open.cursor.log.frames);
    open.key?.onLeft();
  }

  /** Stops following the shared log of `key`. */
  leaveIf(key: Follows): void {
    if (this.open?.key === key) this.leave();
    for (let s = this.first; s !== null; s = s.next) {
      if (s.key === key) s.cursor.detach(s.end);
    }
  }

  /** Reuses the memory of what was written from a log of its own. */
  recycle(): void {
    const { first } = this;
    if (first !== null && first.key === null) first.cursor.recycle();
  }

  /** Skips about so many of the oldest bytes that may be skipped. Returns how many frames those are. */
  skip(bytes: number): number {
    let left = bytes;
    let frames = 0;
    for (let s = this.first; s !== null && left > 0; s = s.next) {
      if (s.cursor.log === this.#sure) continue;
      const before = s.cursor.position;
      const keep = Math.max(0, s.limit - before - left);
      const count = s.end === Infinity ? s.cursor.log.frames : s.endCount;
      frames += s.cursor.skipUntil(keep, s.limit, count);
      left -= s.cursor.position - before;
      if (s.cursor.position >= s.end) left -= STRETCH_BYTES;
    }
    this.prune();
    this.#forgetSkipped();
    return frames;
  }

  /** Drops everything. */
  drop(): void {
    this.leave();
    this.clear();
    this.#following =
      this.#loose =
      this.#sure =
      this.#rest =
        null;
  }

  /** Skipped bytes of its own log must not stay in memory until the next write has ended. */
  #forgetSkipped(): void {
    const log = this.#loose;
    if (log === null) return;
    let { first } = this;
    while (first !== null && first.cursor.log !== log) first = first.next;
    if (first === null) log.forget();
    else first.cursor.forget();
  }
}
