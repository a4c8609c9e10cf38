/** The pace at which requests are answered: a flood of them is spread over time. */
import type { Clock } from "../../broker/base/clock.ts";
import { TooBusyError } from "../time_slices.ts";

/** How many requests are answered. */
export interface PaceLimits {
  /** In a second, on average, over all HTTP clients. */
  readonly perSecond: number;
  /** At once after a while without any. */
  readonly burst: number;
}

/** All requests together. */
export const REQUESTS: PaceLimits = { perSecond: 100, burst: 50 };
/** Those for `/metrics`: who asks more often gets the same text again. */
export const METRICS: PaceLimits = { perSecond: 10, burst: 5 };
/** Large pages of the list of clients: one may have 300 KB. */
export const PAGES: PaceLimits = { perSecond: 4, burst: 4 };
/** How long a request waits for its turn, in milliseconds; one that would wait longer gets 429. */
export const PACE_WAIT_MS = 10_000;

/** Gives each request its time, in the order in which they come. */
export class RequestPace {
  /** How many requests had to wait. */
  delayed = 0;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #burstMs: number;
  /** When the next request would have its turn if there were no burst, by the clock. */
  #nextMs = -Infinity;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock, { perSecond, burst }: PaceLimits) {
    this.#clock = clock;
    this.#intervalMs = 1000 / perSecond;
    this.#burstMs = burst * this.#intervalMs;
  }

  /**
   * The turn of a request.
   *
   * @returns `null` for now; false if it would have to wait too long.
   */
  take(): Promise<void> | null | false {
    const now = this.#clock.now();
    const atMs = Math.max(this.#nextMs, now - this.#burstMs) + this.#intervalMs;
    if (atMs - now > PACE_WAIT_MS) return false;
    this.#nextMs = atMs;
    if (atMs <= now) return null;
    this.delayed++;
    return new Promise((resolve) => {
      const go = () => {
        cancel();
        this.#waiting.delete(go);
        resolve();
      };
      const cancel = this.#clock.schedule(atMs, go);
      this.#waiting.add(go);
    });
  }

  /**
   * Waits for the turn of a request.
   *
   * @throws {TooBusyError} If it would have to wait too long.
   */
  async wait(): Promise<void> {
    const turn = this.take();
    if (turn === false) throw new TooBusyError("Too many requests at once");
    if (turn !== null) await turn;
  }

  /** Lets go of all that wait. */
  close(): void {
    for (const go of [...this.#waiting]) go();
  }
}
