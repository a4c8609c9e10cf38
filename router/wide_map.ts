/**
 * A map from strings that stays fast with a million keys that are added and removed.
 *
 * V8's own map has two problems at that size. It copies all entries at once when it doubles, which
 * blocks a broker for 40 to 80 ms. And it marks the place of a deleted key and uses a new one when
 * the key is added again, while all places of one key form a chain: after a peer has added and
 * deleted the same key 20,000 times, each operation takes 50 µs. Both costs grow with the size of
 * the map, so this map consists of small tables. Beyond {@linkcode PART_ENTRIES_MAX} entries a table
 * splits into sixteen, by a hash of our own. A table whose keys collide becomes a `Map` of V8, which
 * hashes them with a secret seed.
 *
 * @module
 */
import { StringTable } from "./_string_table.ts";

/** The maximum number of entries of a small table. With more it splits. */
const PART_ENTRIES_MAX = 512;
/** The maximum number of splits. After that, the hash has no bits left that differ between keys. */
const SPLITS_MAX = 6;
/** Bits of the hash that one split uses, for sixteen parts. */
const SPLIT_BITS = 4;
const PARTS = 1 << SPLIT_BITS;
/** The maximum number of characters of a key that are hashed: keys may be 64 KB long. */
const HASHED_CHARS_MAX = 64;
/** When more places of a table are in the way of a key, its keys collide. */
const PASSED_MAX = 64;

/** A table is asked with the bits of the hash that the splits above it have not used. */
type Part<V extends object> = StringTable<V> | Map<string, V> | Part<V>[];

/**
 * A map from strings, with the methods of a `Map` and one more guarantee: a walk over {@linkcode
 * values} may pause while the map changes. An entry that exists during the whole walk is returned
 * exactly once. An entry that is deleted during the walk may or may not be returned.
 *
 * @typeParam V The type of the values.
 */
export class WideMap<V extends object> {
  #root: Part<V> = new StringTable();
  #size = 0;

  /** The number of entries. */
  get size(): number {
    return this.#size;
  }

  /** The value of `key`. */
  get(key: string): V | undefined {
    return this.find(key, 0, key.length);
  }

  /** The value of the key `text.slice(start, end)`. */
  find(text: string, start: number, end: number): V | undefined {
    let hash = hashOf(text, start, end);
    let part = this.#root;
    for (; !(part instanceof StringTable); hash >>>= SPLIT_BITS) {
      if (part instanceof Map) return part.get(text.slice(start, end));
      part = part[hash % PARTS]!;
    }
    return part.find(text, start, end, hash);
  }

  /** Stores `value` for `key`. */
  set(key: string, value: V): this {
    let hash = hashOf(key, 0, key.length);
    let part = this.#root;
    let parent: Part<V>[] | undefined;
    let splits = 0;
    let slot = 0;
    for (; Array.isArray(part); hash >>>= SPLIT_BITS) {
      parent = part;
      slot = hash % PARTS;
      part = part[slot]!;
      splits++;
    }
    this.#size -= part.size;
    let replacement: Part<V> | undefined;
    if (part instanceof Map) part.set(key, value);
    else if (part.set(key, hash, value) > PASSED_MAX) replacement = new Map(part.entries());
    this.#size += part.size;
    if (part.size > PART_ENTRIES_MAX && splits < SPLITS_MAX) replacement = split(part, splits);
    if (replacement === undefined) return this;
    if (parent === undefined) this.#root = replacement;
    else parent[slot] = replacement;
    return this;
  }

  /** Removes `key`; returns whether it existed. */
  delete(key: string): boolean {
    let hash = hashOf(key, 0, key.length);
    let part = this.#root;
    for (; Array.isArray(part); hash >>>= SPLIT_BITS) part = part[hash % PARTS]!;
    if (!(part instanceof Map ? part.delete(key) : part.delete(key, hash))) return false;
    // When the map becomes empty, the memory of all parts is released.
    if (--this.#size === 0) this.#root = new StringTable();
    return true;
  }

  /** All values, in no specific order. */
  *values(): Generator<V> {
    for (const part of partsIn(this.#root)) yield* part.values();
  }

  /** All keys with their values, in no specific order. */
  *entries(): Generator<[string, V]> {
    for (const part of partsIn(this.#root)) yield* part.entries();
  }
}

/** Splits a part. The old one stays unchanged, because a walk may be in it. */
function split<V extends object>(part: StringTable<V> | Map<string, V>, splits: number): Part<V>[] {
  const parts = Array.from({ length: PARTS }, () => new StringTable<V>());
  // A table between 64 places that are taken stays one until it splits itself: that is rare.
  if (part instanceof StringTable) {
    part.forEach((key, hash, value) => {
      parts[hash % PARTS]!.set(key, hash >>> SPLIT_BITS, value);
    });
    return parts;
  }
  for (const [key, value] of part) {
    const hash = hashOf(key, 0, key.length) >>> splits * SPLIT_BITS;
    parts[hash % PARTS]!.set(key, hash >>> SPLIT_BITS, value);
  }
  return parts;
}

function* partsIn<V extends object>(part: Part<V>): Generator<StringTable<V> | Map<string, V>> {
  if (Array.isArray(part)) { for (const inner of part) yield* partsIn(inner); }
  else yield part;
}

/**
 * A hash (FNV-1a, then mixed) of characters from all over `text.slice(start, end)`; 31 bits,
 * unsigned.
 */
function hashOf(text: string, start: number, end: number): number {
  const stride = end - start <= HASHED_CHARS_MAX ? 1 : Math.ceil((end - start) / HASHED_CHARS_MAX);
  let hash = end - start;
  for (let at = start; at < end; at += stride) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ hash >>> 15, 0x2c1b3c6d);
  return (hash ^ hash >>> 13) >>> 1;
}
