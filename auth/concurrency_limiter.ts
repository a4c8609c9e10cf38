/** Limits how many calls of a slow service run at once, and how many wait. */

/**
 * Limits how many callers run at once and how many wait, in order. Without the limit, a slow
 * service would cause an endless queue.
 */
export class ConcurrencyLimiter {
  readonly #insideMax: number;
  readonly #waitingMax: number;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(insideMax: number, waitingMax: number) {
    this.#insideMax = insideMax;
    this.#waitingMax = waitingMax;
  }

  /** How many run. */
  get inside(): number {
    return this.#inside;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Takes a place, or waits for one. A caller that got a place must call {@linkcode leave} once.
   *
   * @param signal Ends the wait.
   * @returns Whether the caller got a place: false at once if too many wait, or later if the signal
   * ended the wait.
   */
  async enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#inside < this.#insideMax) {
      this.#inside++;
      return true;
    }
    if (this.#waiting.size >= this.#waitingMax) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const called = () => resolve(true);
    const aborted = () => {
      // A caller that was called already has its place.
      if (this.#waiting.delete(called)) resolve(false);
    };
    this.#waiting.add(called);
    signal.addEventListener("abort", aborted);
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", aborted);
    }
  }

  /** Gives the place back, to the next caller that waits. */
  leave(): void {
    for (const called of this.#waiting) {
      this.#waiting.delete(called);
      return called();
    }
    this.#inside--;
  }
}
