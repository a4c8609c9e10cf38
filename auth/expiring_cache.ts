/** A cache of answers with a limit of time and of entries. */
import type { Clock } from "../transport/clock.ts";

/**
 * Remembers answers for a time, up to a number of entries; the oldest is removed first. A peer must
 * not be able to choose the keys; digests are fine.
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

  /** How many entries there are, including expired ones that have not been read since. */
  get size(): number {
    return this.#entries.size;
  }

  /** The value, if it has not expired. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.untilMs > this.#clock.now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** Remembers a value for `forMs` milliseconds. */
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
