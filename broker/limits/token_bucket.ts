/**
 * How much may be done in a time, on average: so many tokens at most, and so many more a second.
 * What is taken beyond is a debt that is paid off first.
 */
export class TokenBucket {
  readonly #burst: number;
  readonly #perMs: number;
  #tokens: number;
  #atMs: number;

  /**
   * Makes a full bucket.
   *
   * @param perSecond Tokens that are added in a second.
   * @param burst Tokens that it holds.
   */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /** How many tokens there are: less than none where more was taken. */
  tokens(nowMs: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    return this.#tokens;
  }

  /** Takes so many, whether they are there or not. */
  spend(count: number, nowMs: number): void {
    this.#tokens = this.tokens(nowMs) - count;
  }

  /** Takes one if it is there. */
  take(nowMs: number): boolean {
    if (this.tokens(nowMs) < 1) return false;
    this.#tokens--;
    return true;
  }

  /** When there will be one; in whole milliseconds from now, so that who waits for it gets on. */
  readyMs(nowMs: number): number {
    const missing = 1 - this.tokens(nowMs);
    return missing <= 0 ? nowMs : nowMs + Math.ceil(missing / this.#perMs);
  }
}
