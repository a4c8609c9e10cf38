/** Spaces events evenly in time. */
import { Receipt } from "../log/receipt.ts";
import type { Clock } from "../transport/clock.ts";

/** Delays up to this are compensated: timers fire late, but the rate must be exact. */
const CATCH_UP_MS = 100;

/** Spaces events by a fixed interval, in milliseconds. */
export class Pace {
  readonly #gapMs: number;
  readonly #clock: Clock;
  #dueMs: number;

  /** @param gapMs The interval; 0 for no wait. */
  constructor(gapMs: number, clock: Clock) {
    this.#gapMs = gapMs;
    this.#clock = clock;
    this.#dueMs = clock.now();
  }

  /** Waits until the next event is due. The first is due at once. */
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
