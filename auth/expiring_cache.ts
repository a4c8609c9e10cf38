import type { Clock } from "../transport/clock.ts";

/**
 * Remembers answers for a while, and no more than so many: the oldest goes
 * first. Keys must not be chosen by a peer; digests are fine.
 *
 * @typeParam V What is remembered.
 */
export class ExpiringCache<V> {
  readonly #clock: Clock;
  readonly #entriesMax: number;
  readonly #entries = new Map<string, { readonly value: V; readonly untilMs: number }>();

  /** @param entriesMax Past it the oldest entry is forgotten; 0 to remember nothing. */
  constructor(clock: Clock, entriesMax: number) {
    this.#clock = clock;
    this.#entriesMax = entriesMax;
  }

  /** How many entries there are, those included that have run out and were not asked for since. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is remembered, if it has not run out. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.untilMs > this.#clock.now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** Remembers something for so many milliseconds. */
  set(key: string, value: V, forMs: number): void {
    if (this.#entriesMax === 0 || forMs <= 0) return;
    this.#entries.delete(key);
    if (this.#entries.size >= this.#entriesMax) {
      this.#entries.delete(this.#entries.keys().next().value!);
    }
    this.#entries.set(key, { value, untilMs: this.#clock.now() + forMs });
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
  }
}
