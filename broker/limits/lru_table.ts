import { mapKey } from "../../router/map_key.ts";
import { WideMap } from "../../router/wide_map.ts";

/**
 * A table of recently used records by a name that a peer has chosen, with a maximum size. When new
 * records fill half of the table, records that were not used since the last time are removed.
 *
 * @typeParam V The type of the records.
 */
export class LruTable<V extends object> {
  readonly #max: number;
  readonly #make: () => V;
  #young = new WideMap<V>();
  #old = new WideMap<V>();

  /**
   * @param max The maximum number of records; at least two.
   * @param make Creates the record of a new name.
   */
  constructor(max: number, make: () => V) {
    this.#max = Math.max(2, max);
    this.#make = make;
  }

  /** The number of records. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The record, if any; this does not count as use. */
  peek(name: string): V | undefined {
    const key = mapKey(name);
    return this.#young.get(key) ?? this.#old.get(key);
  }

  /** The record; created if there is none. */
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
