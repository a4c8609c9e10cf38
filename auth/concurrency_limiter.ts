/**
 * Lets only so many in at once, and only so many wait, who come in as they
 * came: a service that is slow must not make a queue without end.
 */
export class Turnstile {
  readonly #insideMax: number;
  readonly #waitingMax: number;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(insideMax: number, waitingMax: number) {
    this.#insideMax = insideMax;
    this.#waitingMax = waitingMax;
  }

  /** How many are in. */
  get inside(): number {
    return this.#inside;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Goes in, or waits to. Whoever was let in calls {@linkcode leave} once.
   *
   * @param signal Ends the wait.
   * @returns Whether they were let in: false at once if too many wait, and
   * later if the wait was ended.
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
      // Who was called already is in.
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

  /** Goes out; the place is the next one's who waits. */
  leave(): void {
    for (const called of this.#waiting) {
      this.#waiting.delete(called);
      return called();
    }
    this.#inside--;
  }
}
