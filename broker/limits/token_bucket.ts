/** Limits an average rate, with a burst. */

/**
 * A token bucket: limits an average rate, with a burst. More tokens may be taken than it has; the
 * debt is paid off first.
 */
export class TokenBucket {
  readonly #burst: number;
  readonly #perMs: number;
  #tokens: number;
  #atMs: number;

  /**
   * Creates a full bucket.
   *
   * @param perSecond Tokens that are added per second.
   * @param burst The maximum number of tokens.
   */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /** The number of tokens; negative for a debt. */
  tokens(nowMs: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    return this.#tokens;
  }

  /** Takes tokens, even if there are not enough. */
  spend(count: number, nowMs: number): void {
    this.#tokens = this.tokens(nowMs) - count;
  }

  /** Takes one token if there is one. */
  take(nowMs: number): boolean {
    if (this.tokens(nowMs) < 1) return false;
    this.#tokens--;
    return true;
  }

  /** The time until there is a token, in whole milliseconds, rounded up. */
  readyMs(nowMs: number): number {
    const missing = 1 - this.tokens(nowMs);
    return missing <= 0 ? nowMs : nowMs + Math.ceil(missing / this.#perMs);
  }
}
