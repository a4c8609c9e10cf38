/** A table of recently used names, limited in entries and in bytes. */
import { textBytes } from "../base/memory_costs.ts";
import { mapKey } from "../../router/map_key.ts";
import { WideMap } from "../../router/wide_map.ts";

/** A record, and its memory. */
interface Entry<V> {
  readonly value: V;
  /** Memory of the record and its name, in bytes. */
  readonly bytes: number;
}

/**
 * Records of names that peers have chosen, such as client identifiers. Peers could fill the memory
 * with new names, so the table keeps the recently used ones only. It has two limits: a number of
 * entries, and bytes of memory, because a name can have 64 KB.
 *
 * The entries are in two generations. A used entry moves to the young generation. When the young
 * generation reaches half of a limit, the old generation is removed and the young one becomes old.
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
   * @param max The maximum number of records; at least two.
   * @param valueBytes Memory of a record without its name, in bytes.
   * @param make Makes the record of a new name.
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

  /** Memory of all records, in bytes. */
  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  /** Changes the limit of memory, in bytes. Records beyond it are removed at once. */
  limitBytes(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    if (this.bytes > bytesMax) this.#forgetOld();
    if (this.bytes > bytesMax) this.#forgetOld();
  }

  /** The record of a name, if there is one. It does not count as used. */
  peek(name: string): V | undefined {
    const key = mapKey(name);
    return (this.#young.get(key) ?? this.#old.get(key))?.value;
  }

  /**
   * The record of a name; a new one if there is none. A record that alone needs more than half of
   * the memory is not kept, so the next call makes another one.
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
