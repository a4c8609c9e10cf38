/** Measures how late the event loop is. */
import type { Clock } from "../../broker/base/clock.ts";
import { Histogram, SECONDS_BOUNDS } from "../../broker/base/histogram.ts";

/** How often the event loop is looked at, in milliseconds. */
const LOOK_MS = 500;

/** By how much the event loop is late: what was due then comes later. */
export class LoopLag {
  /** How the delays are spread, in seconds. */
  readonly seconds: Histogram = new Histogram(SECONDS_BOUNDS);
  /** The last of them, in seconds. */
  lastSeconds = 0;
  readonly #clock: Clock;
  #cancel: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#next();
  }

  /** Looks no more. */
  stop(): void {
    this.#cancel();
  }

  #next(): void {
    const dueMs = this.#clock.now() + LOOK_MS;
    this.#cancel = this.#clock.schedule(dueMs, () => {
      this.lastSeconds = Math.max(0, this.#clock.now() - dueMs) / 1000;
      this.seconds.add(this.lastSeconds);
      this.#next();
    });
  }
}
