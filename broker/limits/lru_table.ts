/** A table of recently used names, limited in entries and in bytes. */
import { textBytes } from "../base/memory_costs.ts";
import { mapKey } from "../../router/map_key.ts";
import { WideMap } from "../../router/wide_map.ts";

/** One that is remembered, and what it costs. */
interface Entry<V> {
  readonly value: V;
  /** In memory, with its name, in bytes. */
  readonly bytes: number;
}

/**
 * What is remembered of those who have come lately, by a text that they have chosen. The table has
 * two bounds: a number of entries, and bytes of memory, since a name may be 64 KB long. When half of
 * either is taken up by new ones, those of whom nothing was heard since the last time are forgotten.
 *
 * @typeParam V The type of the records.
 */
export class LruTable<V extends object> {
  readonly #max: number;
  readonly #valueBytes: number;
  readonly #make: () => V;
  #bytesMax = Infinity;
  #young = new WideMap<Entry<V>>();
  #old = new WideMap<Entry<V>>();
  #youngBytes = 0;
  #oldBytes = 0;

  /**
   * @param max How many are remembered at most; at least two.
   * @param valueBytes What one costs in memory beside its name, in bytes.
   * @param make What is known of one that has never come.
   */
  constructor(max: number, valueBytes: number, make: () => V) {
    this.#max = Math.max(2, max);
    this.#valueBytes = valueBytes;
    this.#make = make;
  }

  /** The number of records. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** What they cost in memory, in bytes. */
  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  /** Has the table cost so many bytes at most from now on: forgets what is beyond at once. */
  limitBytes(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    if (this.bytes > bytesMax) this.#forgetOld();
    if (this.bytes > bytesMax) this.#forgetOld();
  }

  /** What is remembered, if anything; asking keeps nothing. */
  peek(name: string): V | undefined {
    const key = mapKey(name);
    return (this.#young.get(key) ?? this.#old.get(key))?.value;
  }

  /**
   * What is remembered, from now on if not before. One whose name alone takes up more than half of
   * the bytes begins anew each time.
   */
  get(name: string): V {
    const key = mapKey(name);
    const known = this.#young.get(key);
    if (known !== undefined) return known.value;
    const entry = this.#takeOld(key) ??
      { value: this.#make(), bytes: this.#valueBytes + textBytes(name) };
    const { bytes, value } = entry;
    if (bytes > this.#bytesMax / 2) return value;
    const isFull = this.#young.size + 1 > this.#max / 2 ||
      this.#youngBytes + bytes > this.#bytesMax / 2;
    if (isFull) this.#forgetOld();
    this.#young.set(key, entry);
    this.#youngBytes += bytes;
    return value;
  }

  #takeOld(key: string): Entry<V> | undefined {
    const entry = this.#old.get(key);
    if (entry === undefined) return undefined;
    this.#old.delete(key);
    this.#oldBytes -= entry.bytes;
    return entry;
  }

  #forgetOld(): void {
    this.#old = this.#young;
    this.#oldBytes = this.#youngBytes;
    this.#young = new WideMap();
    this.#youngBytes = 0;
  }
}
