/**
 * A map from strings that stays quick with a million keys that come and go.
 *
 * V8's own map has two faults that only show at that size. It copies itself in one go whenever it
 * doubles, which stops a broker for 40 to 80 ms. And it marks the place of a deleted key and takes a
 * new one when the key returns, while all places of one key form a chain: a peer that adds and
 * deletes the same key 20,000 times makes each time cost 50 µs. Both grow with the size of the map,
 * so this one is made of small ones: past {@linkcode PART_ENTRIES_MAX} entries a map splits in
 * sixteen, by a hash of our own.
 *
 * @module
 */

/** Entries in one of the small maps before it splits. */
const PART_ENTRIES_MAX = 512;
/** How often a map may split; past that a hash has no bits left that tell its keys apart. */
const SPLITS_MAX = 6;
/** Binary digits of the hash that one split uses up, for sixteen parts. */
const SPLIT_BITS = 4;
const PARTS = 1 << SPLIT_BITS;
/** Characters of a key that its hash looks at: keys may be 64 KB long. */
const HASHED_CHARS_MAX = 64;

type Part<V> = Map<string, V> | Part<V>[];

/**
 * A map from strings, with the methods of a `Map` and one promise more: a walk over
 * {@linkcode values} may pause while the map changes. An entry that is there from the walk's
 * beginning to its end comes exactly once; one that is deleted meanwhile may come or not.
 *
 * @typeParam V What is kept for each key.
 */
export class WideMap<V extends object> {
  #root: Part<V> = new Map();
  #size = 0;

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  /** The value of `key`. */
  get(key: string): V | undefined {
    return this.#home(key).get(key);
  }

  /** Keeps `value` for `key`. */
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

  /** Forgets `key`; returns whether it was there. */
  delete(key: string): boolean {
    if (!this.#home(key).delete(key)) return false;
    // The last one out gives the memory of all the parts back.
    if (--this.#size === 0) this.#root = new Map();
    return true;
  }

  /** All values, in no particular order. */
  *values(): Generator<V> {
    for (const map of mapsIn(this.#root)) {
      for (const value of map.values()) yield value;
    }
  }

  /** All keys with their values, in no particular order. */
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

/** Splits a map; leaves it as it is, for a walk that stands in it. */
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

/** The hash that leads into `part`; a map that never split needs none. */
function hashFor<V>(part: Part<V>, key: string): number {
  return part instanceof Map ? 0 : hashOf(key);
}

/** A hash (FNV-1a, then mixed) of characters all over `key`; 32 bits, unsigned. */
function hashOf(key: string): number {
  const stride = Math.ceil(key.length / HASHED_CHARS_MAX);
  let hash = key.length;
  for (let at = 0; at < key.length; at += stride) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ hash >>> 15, 0x2c1b3c6d);
  return (hash ^ hash >>> 13) >>> 0;
}
