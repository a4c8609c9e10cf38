/** Measures the delay of the event loop. */
import type { Clock } from "../../broker/base/clock.ts";
import { Histogram, SECONDS_BOUNDS } from "../../broker/base/histogram.ts";

/** The interval of the measurements, in milliseconds. */
const LOOK_MS = 500;

/** Measures the delay of the event loop by a timer. */
export class LoopLag {
  /** The distribution of the delays, in seconds. */
  readonly seconds: Histogram = new Histogram(SECONDS_BOUNDS);
  /** The last delay, in seconds. */
  lastSeconds = 0;
  readonly #clock: Clock;
  #cancel: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#next();
  }

  /** Stops measuring. */
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
