import { Receipt } from "../log/receipt.ts";
import type { Clock } from "../transport/clock.ts";

/** A delay up to this is made up for: timers come late, and the pace is to be right even so. */
const CATCH_UP_MS = 100;

/** Lets one thing happen after another, so many milliseconds apart. */
export class Pace {
  readonly #gapMs: number;
  readonly #clock: Clock;
  #dueMs: number;

  /** @param gapMs 0 for no wait at all. */
  constructor(gapMs: number, clock: Clock) {
    this.#gapMs = gapMs;
    this.#clock = clock;
    this.#dueMs = clock.now();
  }

  /** Waits until the next is due; the first is due at once. */
  async wait(): Promise<void> {
    if (this.#gapMs === 0) return;
    const dueMs = Math.max(this.#dueMs, this.#clock.now() - CATCH_UP_MS);
    this.#dueMs = dueMs + this.#gapMs;
    if (dueMs <= this.#clock.now()) return;
    const due = new Receipt();
    this.#clock.schedule(dueMs, () => due.close());
    await due.wait();
  }
}
