/**
 * A hash table from strings to objects, for a few hundred entries.
 *
 * Unlike a `Map`, it finds a part of a longer string without making a string of it. Its hashes come
 * from outside, and a peer may choose keys whose hashes collide: {@linkcode StringTable.set} tells
 * how far it had to search, so that its owner can use a `Map` instead.
 *
 * @module
 */

/** Places of the smallest table. */
const PLACES_MIN = 4;
/** Marks a place without an entry instead of a hash. */
const FREE = -1;
/** Marks the place of an entry that was removed: the search goes on behind it. */
const REMOVED = -2;
/** A place has three elements: hash, key and value. Side by side, they are read at once. */
const PLACE = 3;
const KEY = 1;
const VALUE = 2;

/** A hash table with open addressing and linear probing. */
export class StringTable<V extends object> {
  /**
   * Hash, key and value of each place. An entry never moves within it, and it is not changed any
   * more after another one has replaced it. So a walk that keeps it meets each entry once.
   */
  #places: unknown[] = newPlaces(PLACES_MIN);
  /** The number of entries. */
  size = 0;
  /** The number of places that are not free. */
  #taken = 0;

  /**
   * The value of the key `text.slice(start, end)`.
   *
   * @param hash The hash of the key, of 31 bits.
   */
  find(text: string, start: number, end: number, hash: number): V | undefined {
    const places = this.#places;
    const at = placeOf(places, text, start, end, hash);
    return at < 0 ? undefined : places[at + VALUE] as V;
  }

  /**
   * Stores `value` for `key`.
   *
   * @returns How many places were in the way.
   */
  set(key: string, hash: number, value: V): number {
    let places = this.#places;
    let at = placeOf(places, key, 0, key.length, hash);
    if (at >= 0) {
      places[at + VALUE] = value;
      return 0;
    }
    if ((this.#taken + 1) * 4 > places.length / PLACE * 3) {
      places = this.#rebuild();
      at = placeOf(places, key, 0, key.length, hash);
    }
    at = ~at;
    if (places[at] === FREE) this.#taken++;
    places[at] = hash;
    places[at + KEY] = key;
    places[at + VALUE] = value;
    this.size++;
    const passed = (at - firstPlace(places, hash)) / PLACE;
    return passed < 0 ? passed + places.length / PLACE : passed;
  }

  /** Removes `key`; returns whether it existed. */
  delete(key: string, hash: number): boolean {
    const places = this.#places;
    let at = placeOf(places, key, 0, key.length, hash);
    if (at < 0) return false;
    this.size--;
    places[at] = REMOVED;
    places[at + KEY] = places[at + VALUE] = null;
    // Where a search would end at the next place anyway, it may end here.
    if (places[after(places, at)] !== FREE) return true;
    for (; places[at] === REMOVED; at = (at === 0 ? places.length : at) - PLACE) {
      places[at] = FREE;
      this.#taken--;
    }
    return true;
  }

  /**
   * Calls `visit` with all entries, in no specific order. The table must not change meanwhile.
   */
  forEach(visit: (key: string, hash: number, value: V) => void): void {
    const places = this.#places;
    for (let at = 0; at < places.length; at += PLACE) {
      const hash = places[at] as number;
      if (hash >= 0) visit(places[at + KEY] as string, hash, places[at + VALUE] as V);
    }
  }

  /**
   * All keys with their values, in no specific order. The table may change during the walk. An entry
   * that exists during the whole walk is returned exactly once.
   */
  *entries(): Generator<[string, V]> {
    const places = this.#places;
    for (let at = 0; at < places.length; at += PLACE) {
      if (places[at] as number >= 0) yield [places[at + KEY] as string, places[at + VALUE] as V];
    }
  }

  /** All values, like {@linkcode entries}. */
  *values(): Generator<V> {
    const places = this.#places;
    for (let at = 0; at < places.length; at += PLACE) {
      if (places[at] as number >= 0) yield places[at + VALUE] as V;
    }
  }

  /** Makes room for one more entry, and drops the marks of those that were removed. */
  #rebuild(): unknown[] {
    let count = PLACES_MIN;
    while (count < 2 * (this.size + 1)) count *= 2;
    const places = newPlaces(count);
    this.forEach((key, hash, value) => {
      let at = firstPlace(places, hash);
      while (places[at] !== FREE) at = after(places, at);
      places[at] = hash;
      places[at + KEY] = key;
      places[at + VALUE] = value;
    });
    this.#taken = this.size;
    return this.#places = places;
  }
}

function newPlaces(count: number): unknown[] {
  const places: unknown[] = new Array(count * PLACE).fill(null);
  for (let at = 0; at < places.length; at += PLACE) places[at] = FREE;
  return places;
}

/** The place that the search for a hash begins with. */
function firstPlace(places: readonly unknown[], hash: number): number {
  // The number of places is a power of two.
  return (hash & places.length / PLACE - 1) * PLACE;
}

/** The next place; the first one follows the last. */
function after(places: readonly unknown[], at: number): number {
  return at + PLACE === places.length ? 0 : at + PLACE;
}

/**
 * The place of the key `text.slice(start, end)`. If it has none, the complement (`~`) of the place
 * where it belongs.
 */
function placeOf(
  places: readonly unknown[],
  text: string,
  start: number,
  end: number,
  hash: number,
): number {
  let removed = -1;
  for (let at = firstPlace(places, hash);; at = after(places, at)) {
    const found = places[at] as number;
    if (found === hash && isKey(places[at + KEY] as string, text, start, end)) return at;
    if (found === FREE) return ~(removed < 0 ? at : removed);
    if (found === REMOVED && removed < 0) removed = at;
  }
}

function isKey(key: string, text: string, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  for (let i = key.length - 1; i >= 0; i--) {
    if (key.charCodeAt(i) !== text.charCodeAt(start + i)) return false;
  }
  return true;
}
