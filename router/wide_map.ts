/**
 * A map from strings that stays fast with a million keys that are added and removed.
 *
 * V8's own map has two problems at that size. It copies all entries at once when it doubles, which
 * blocks a broker for 40 to 80 ms. And it marks the place of a deleted key and uses a new one when
 * the key is added again, while all places of one key form a chain: after a peer has added and
 * deleted the same key 20,000 times, each operation takes 50 µs. Both costs grow with the size of
 * the map, so this map consists of small ones. Beyond {@linkcode PART_ENTRIES_MAX} entries a small
 * map splits into sixteen, by a hash of our own.
 *
 * @module
 */

/** The maximum number of entries of a small map. With more it splits. */
const PART_ENTRIES_MAX = 512;
/** The maximum number of splits. After that, the hash has no bits left that differ between keys. */
const SPLITS_MAX = 6;
/** Bits of the hash that one split uses, for sixteen parts. */
const SPLIT_BITS = 4;
const PARTS = 1 << SPLIT_BITS;
/** The maximum number of characters of a key that are hashed: keys may be 64 KB long. */
const HASHED_CHARS_MAX = 64;

type Part<V> = Map<string, V> | Part<V>[];

/**
 * A map from strings, with the methods of a `Map` and one more guarantee: a walk over {@linkcode
 * values} may pause while the map changes. An entry that exists during the whole walk is returned
 * exactly once. An entry that is deleted during the walk may or may not be returned.
 *
 * @typeParam V The type of the values.
 */
export class WideMap<V extends object> {
  #root: Part<V> = new Map();
  #size = 0;

  /** The number of entries. */
  get size(): number {
    return this.#size;
  }

  /** The value of `key`. */
  get(key: string): V | undefined {
    return this.#home(key).get(key);
  }

  /** Stores `value` for `key`. */
  set(key: string, value: V): this {
    let part = this.#root;
    let parent: Part<V>[] | undefined;
    let splits = 0;
    let slot = 0;
    for (let bits = hashFor(part, key); !(part instanceof Map); bits >>>= SPLIT_BITS) {
      parent = part;
      slot = bits % PARTS;
      part = part[slot]!;
      splits++;
    }
    this.#size -= part.size;
    part.set(key, value);
    this.#size += part.size;
    if (part.size > PART_ENTRIES_MAX && splits < SPLITS_MAX) {
      if (parent === undefined) this.#root = split(part, splits);
      else parent[slot] = split(part, splits);
    }
    return this;
  }

  /** Removes `key`; returns whether it existed. */
  delete(key: string): boolean {
    if (!this.#home(key).delete(key)) return false;
    // When the map becomes empty, the memory of all parts is released.
    if (--this.#size === 0) this.#root = new Map();
    return true;
  }

  /** All values, in no specific order. */
  *values(): Generator<V> {
    for (const map of mapsIn(this.#root)) {
      for (const value of map.values()) yield value;
    }
  }

  /** All keys with their values, in no specific order. */
  *entries(): Generator<[string, V]> {
    for (const map of mapsIn(this.#root)) yield* map;
  }

  #home(key: string): Map<string, V> {
    let part = this.#root;
    for (let bits = hashFor(part, key); !(part instanceof Map); bits >>>= SPLIT_BITS) {
      part = part[bits % PARTS]!;
    }
    return part;
  }
}

/** Splits a map. The old map stays unchanged, because a walk may be in it. */
function split<V>(map: Map<string, V>, splits: number): Part<V>[] {
  const parts = Array.from({ length: PARTS }, () => new Map<string, V>());
  for (const [key, value] of map) {
    parts[(hashOf(key) >>> splits * SPLIT_BITS) % PARTS]!.set(key, value);
  }
  return parts;
}

function* mapsIn<V>(part: Part<V>): Generator<Map<string, V>> {
  if (part instanceof Map) yield part;
  else for (const inner of part) yield* mapsIn(inner);
}

/** The hash for a lookup in `part`. A map that never split needs none. */
function hashFor<V>(part: Part<V>, key: string): number {
  return part instanceof Map ? 0 : hashOf(key);
}

/** A hash (FNV-1a, then mixed) of characters from all over `key`; 32 bits, unsigned. */
function hashOf(key: string): number {
  const stride = Math.ceil(key.length / HASHED_CHARS_MAX);
  let hash = key.length;
  for (let at = 0; at < key.length; at += stride) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ hash >>> 15, 0x2c1b3c6d);
  return (hash ^ hash >>> 13) >>> 0;
}
