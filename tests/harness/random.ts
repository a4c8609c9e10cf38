/**
 * Random numbers that a seed repeats (the mulberry32 generator): a run that failed is run again by
 * giving its seed.
 */
export class Random {
  #state: number;

  /** @param seed Any integer; its low 32 bits count. */
  constructor(readonly seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next number, at least 0 and below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** True with the probability given. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /**
   * One of `items`.
   *
   * @throws {RangeError} If there is none.
   */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("Cannot pick from an empty list");
    return items[this.integer(0, items.length - 1)] as T;
  }

  /** As many random bytes as asked for. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.integer(0, 255));
  }

  /** A generator of its own, so that what one part draws does not change what another sees. */
  fork(): Random {
    return new Random(this.integer(0, 2 ** 32 - 1));
  }
}
