import type { Stretch, Walker } from "../../log/trail.ts";
import { STRETCH_BYTES } from "./memory_costs.ts";

/** Stretches of a trail that are looked at; where there are more, each counts to the end of its log. */
const STRETCHES_MAX = 8;

/** What is held of a log, by all whose position in it was looked at. */
interface Held {
  from: number;
  to: number;
  /** What they hold of it together, each for itself. */
  sum: number;
  /** What one position of the log weighs, in bytes. */
  unitBytes: number;
}

/** Adds up what readers hold of logs that they may share. */
export class Tally {
  /** What is not in a log, in bytes. */
  bytes = 0;
  readonly #logs = new Map<object, Held>();

  /** Adds what is left of a trail; `unitBytes` tells what one position of a log weighs. */
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
    }
  }

  #range(log: object, from: number, to: number, unitBytes: number): void {
    if (to <= from) return;
    const held = this.#logs.get(log);
    if (held === undefined) this.#logs.set(log, { from, to, sum: to - from, unitBytes });
    else {
      held.from = Math.min(held.from, from);
      held.to = Math.max(held.to, to);
      held.sum += to - from;
    }
  }

  /** Everything together, in bytes: what several hold of a log is there once. */
  get total(): number {
    let { bytes } = this;
    for (const { from, to, sum, unitBytes } of this.#logs.values()) {
      bytes += Math.min(to - from, sum) * unitBytes;
    }
    return bytes;
  }
}
