/** How long a bridge waits before it connects again. */
import type { BridgeRestart } from "./options.ts";

/**
 * The waits between attempts. Each is random, between the shortest wait and three times the last
 * one, up to the longest (the "decorrelated jitter" of mosquitto): so that the bridges of a restarted
 * broker do not all return at once.
 */
export class RestartDelay {
  readonly #baseMs: number;
  readonly #capMs: number;
  readonly #stableMs: number;
  readonly #random: () => number;
  #lastMs: number;

  /** @param random Numbers from 0 to below 1. */
  constructor(
    { baseSeconds, capSeconds, stableSeconds }: Required<BridgeRestart>,
    random: () => number,
  ) {
    this.#baseMs = baseSeconds * 1000;
    this.#capMs = capSeconds * 1000;
    this.#stableMs = stableSeconds * 1000;
    this.#random = random;
    this.#lastMs = this.#baseMs;
  }

  /** The next wait, in milliseconds. */
  next(): number {
    const span = this.#lastMs * 3 - this.#baseMs;
    this.#lastMs = Math.min(this.#capMs, this.#baseMs + this.#random() * span);
    return this.#lastMs;
  }

  /** A connection has lasted so long: if that is long enough, the waits begin with the shortest. */
  reset(lastedMs: number): void {
    if (lastedMs >= this.#stableMs) this.#lastMs = this.#baseMs;
  }
}
