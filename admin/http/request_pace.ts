/** Limits the rate of requests: a flood is spread over time. */
import type { Clock } from "../../broker/base/clock.ts";
import { TooBusyError } from "../time_slices.ts";

/** A rate of requests. */
export interface PaceLimits {
  /** The average rate of all HTTP clients together, per second. */
  readonly perSecond: number;
  /** The number of requests that are answered at once after a pause. */
  readonly burst: number;
}

/** All requests together. */
export const REQUESTS: PaceLimits = { perSecond: 100, burst: 50 };
/** Requests for `/metrics`. Requests within a second get the same text. */
export const METRICS: PaceLimits = { perSecond: 10, burst: 5 };
/** Large pages of the list of clients, which can have 300 KB. */
export const PAGES: PaceLimits = { perSecond: 4, burst: 4 };
/** The maximum wait of a request, in milliseconds. A request that would wait longer gets 429. */
export const PACE_WAIT_MS = 10_000;

/** Assigns each request a time, in the order of arrival. */
export class RequestPace {
  /** The number of requests that had to wait. */
  delayed = 0;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #burstMs: number;
  /** The time of the next request without a burst, by the clock. */
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

  /** Releases all waiting requests. */
  close(): void {
    for (const go of [...this.#waiting]) go();
  }
}
