import { mapKey } from "../../router/map_key.ts";
import { WideMap } from "../../router/wide_map.ts";

/**
 * What is remembered of those who have come lately, by a text that they have chosen, and never of
 * more than so many: when half the room is taken up by new ones, those of whom nothing was heard
 * since the last time are forgotten.
 *
 * @typeParam V What is remembered of each.
 */
export class LruTable<V extends object> {
  readonly #max: number;
  readonly #make: () => V;
  #young = new WideMap<V>();
  #old = new WideMap<V>();

  /**
   * @param max How many are remembered at most; at least two.
   * @param make What is known of one that has never come.
   */
  constructor(max: number, make: () => V) {
    this.#max = Math.max(2, max);
    this.#make = make;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** What is remembered, if anything; asking keeps nothing. */
  peek(name: string): V | undefined {
    const key = mapKey(name);
    return this.#young.get(key) ?? this.#old.get(key);
  }

  /** What is remembered, from now on if not before. */
  get(name: string): V {
    const key = mapKey(name);
    const known = this.#young.get(key);
    if (known !== undefined) return known;
    const value = this.#old.get(key) ?? this.#make();
    this.#old.delete(key);
    if (this.#young.size + 1 > this.#max / 2) {
      this.#old = this.#young;
      this.#young = new WideMap();
    }
    this.#young.set(key, value);
    return value;
  }
}
