/** The identifiers of rows that move to other stores: they are numbered anew. */

/** How many identifiers are collected before repeated ones are removed for the first time. */
const FIRST_ROOM = 4096;

/**
 * Collects the identifiers in the rows of one store: of sessions, logs, chunks, wills and so on. An
 * identifier takes 8 bytes, however often it is added.
 */
export class IdCollector {
  #ids = new Float64Array(FIRST_ROOM);
  #count = 0;
  #last = -1;

  /** Adds an identifier that a row has. */
  add(id: number): void {
    // Entries of a page are often in the same chunk.
    if (id === this.#last) return;
    this.#last = id;
    if (this.#count === this.#ids.length) this.#makeRoom();
    this.#ids[this.#count++] = id;
  }

  /**
   * The new identifiers.
   *
   * @param first The first one that no other store uses.
   */
  finish(first: number): MovedIds {
    this.#removeRepeated();
    return new MovedIds(this.#ids.slice(0, this.#count), first);
  }

  #makeRoom(): void {
    this.#removeRepeated();
    if (this.#count <= this.#ids.length / 2) return;
    const larger = new Float64Array(this.#ids.length * 2);
    larger.set(this.#ids);
    this.#ids = larger;
  }

  #removeRepeated(): void {
    const ids = this.#ids.subarray(0, this.#count).sort();
    let count = 0;
    for (const id of ids) {
      if (count === 0 || ids[count - 1] !== id) ids[count++] = id;
    }
    this.#count = count;
    this.#last = -1;
  }
}

/**
 * The new identifiers of the rows of one store. Their order stays: of two messages, the one in the
 * lower chunk came first. Those of several stores do not meet, and they are small, however often
 * sessions move. Between two of them there is always one that no row has, for what is lost.
 */
export class MovedIds {
  readonly #ids: Float64Array;
  readonly #first: number;
  #lastId = -1;
  #lastRank = 0;

  /** @param ids The old ones, sorted, each once. */
  constructor(ids: Float64Array, first: number) {
    this.#ids = ids;
    this.#first = first;
  }

  /** How many there are. */
  get count(): number {
    return this.#ids.length;
  }

  /** The first identifier after all new ones. */
  get end(): number {
    return this.#first + 2 * this.count + 1;
  }

  /** How many of the old identifiers are smaller: the place of one among them. */
  rankOf(id: number): number {
    if (id === this.#lastId) return this.#lastRank;
    const ids = this.#ids;
    let low = 0;
    let high = ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ids[middle]! < id) low = middle + 1;
      else high = middle;
    }
    this.#lastId = id;
    return this.#lastRank = low;
  }

  /** Whether it is one of the old identifiers. */
  has(id: number): boolean {
    return this.#ids[this.rankOf(id)] === id;
  }

  /** The new identifier of a row; of any other number one that no row has, between its neighbours. */
  of(id: number): number {
    return this.#first + 2 * this.rankOf(id) + (this.has(id) ? 1 : 0);
  }
}
