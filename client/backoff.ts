/** How long a client waits before it connects again. */

/** How a client connects again after a connection is lost. */
export interface ReconnectOptions {
  /** The longest wait before the first attempt, in milliseconds; 500 by default. */
  delayMsMin?: number;
  /** The longest wait before any attempt, in milliseconds; 30,000 by default. */
  delayMsMax?: number;
  /** How many attempts in a row may fail before the client gives up; no limit by default. */
  attemptsMax?: number;
}

/**
 * How long to wait before each attempt. The wait doubles each time, up to a maximum. A random part
 * of up to a half is subtracted, so that the clients of a restarted server do not all return at
 * once.
 */
export class Backoff {
  readonly #delayMsMin: number;
  readonly #delayMsMax: number;
  readonly #attemptsMax: number;
  readonly #random: () => number;
  #attempts = 0;
  #lastDelayMs = 0;

  /**
   * @param random Numbers from 0 to below 1.
   * @throws {RangeError} If a setting is negative or NaN.
   */
  constructor(options: ReconnectOptions, random: () => number) {
    const { delayMsMin = 500, delayMsMax = 30_000, attemptsMax = Infinity } = options;
    for (const [name, value] of Object.entries({ delayMsMin, delayMsMax, attemptsMax })) {
      if (!(value >= 0)) throw new RangeError(`Cannot reconnect: ${name} is ${value}`);
    }
    this.#delayMsMin = delayMsMin;
    this.#delayMsMax = delayMsMax;
    this.#attemptsMax = attemptsMax;
    this.#random = random;
  }

  /** Attempts since the last {@linkcode reset}. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The wait before the next attempt, in milliseconds; `null` if no attempt is left. */
  next(): number | null {
    if (this.#attempts >= this.#attemptsMax) return null;
    const longest = Math.min(this.#delayMsMax, this.#delayMsMin * 2 ** this.#attempts++);
    this.#lastDelayMs = longest * (1 - this.#random() / 2);
    return this.#lastDelayMs;
  }

  /**
   * Starts again with the shortest wait, if the lost connection lasted longer than the wait before
   * it. A server that accepts clients and disconnects them at once does not count as a success.
   */
  reset(lastedMs: number): void {
    if (lastedMs > this.#lastDelayMs) this.#attempts = 0;
  }
}
