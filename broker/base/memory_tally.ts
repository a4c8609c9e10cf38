/** Adds up the messages and bytes that a walk finds, each message once. */
import type { Stretch, Walker } from "../../log/trail.ts";
import { STRETCH_BYTES } from "./memory_costs.ts";

/**
 * The maximum number of stretches of a trail that are counted. With more, each counts to the end of
 * its log.
 */
const STRETCHES_MAX = 8;

/** The part of a log that is held by all counted positions. */
interface Held {
  from: number;
  to: number;
  /** The sum of their parts. */
  sum: number;
  /** Memory per position of the log, in bytes. */
  unitBytes: number;
  /** What is not its own, and how many bytes that are. */
  readonly shared: Set<Uint8Array>;
  sharedBytes: number;
}

/**
 * Sums up the memory of readers whose logs may be shared. `bytes` is public, because every part
 * adds to it.
 */
export class Tally {
  /** Memory outside of logs, in bytes. */
  bytes = 0;
  readonly #logs = new Map<object, Held>();
  /** What several logs, or readers of none, have in common. */
  readonly #shared = new Set<ArrayBufferLike>();

  /** Adds the rest of a trail; `unitBytes` gives the memory per position of a log. */
  trail<C extends Walker, K>(
    first: Stretch<C, K> | null,
    size: number,
    unitBytes: (cursor: C) => number,
  ): void {
    this.bytes += size * STRETCH_BYTES;
    let left = STRETCHES_MAX;
    for (let at = first; at !== null && left > 0; at = at.next, left--) {
      const { cursor, limit } = at;
      this.#range(
        cursor.log,
        cursor.position,
        size > STRETCHES_MAX ? cursor.log.end : limit,
        unitBytes(cursor),
      );
      for (const bytes of cursor.shared?.(limit) ?? []) this.#shareOf(cursor.log, bytes);
    }
  }

  /** Adds bytes that others may hold, too. They count once. */
  share({ buffer }: Uint8Array): void {
    if (this.#shared.has(buffer)) return;
    this.#shared.add(buffer);
    this.bytes += buffer.byteLength;
  }

  /** What a log has in common with others is no memory of its own. */
  #shareOf(log: object, bytes: Uint8Array): void {
    const held = this.#logs.get(log);
    if (held === undefined || held.shared.has(bytes)) return;
    held.shared.add(bytes);
    held.sharedBytes += bytes.length;
    this.share(bytes);
  }

  #range(log: object, from: number, to: number, unitBytes: number): void {
    if (to <= from) return;
    const held = this.#logs.get(log);
    if (held === undefined) {
      const sum = to - from;
      this.#logs.set(log, { from, to, sum, unitBytes, shared: new Set(), sharedBytes: 0 });
    } else {
      held.from = Math.min(held.from, from);
      held.to = Math.max(held.to, to);
      held.sum += to - from;
    }
  }

  /** The total, in bytes. Shared parts of a log count once. */
  get total(): number {
    let { bytes } = this;
    for (const { from, to, sum, unitBytes, sharedBytes } of this.#logs.values()) {
      bytes += Math.max(0, Math.min(to - from, sum) * unitBytes - sharedBytes);
    }
    return bytes;
  }
}
