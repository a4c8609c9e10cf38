/** Counts of the connections of each listener, over all workers of a process. */
import { SharedCount } from "./shared_count.ts";

/**
 * Names of listeners that are counted, also of those that are closed. Past it: each worker limits
 * the connections of a further listener for itself.
 */
export const SHARED_LISTENERS_MAX = 256;

/** A table of listeners in shared memory, by hashes of their names. Its places are never freed. */
export class SharedListeners {
  readonly buffer: SharedArrayBuffer;
  /** The hash of the name of each place; 0 for none. */
  readonly #hashes: Int32Array;
  readonly #counts: readonly SharedCount[];
  /** The places of known names. */
  readonly #places = new Map<string, SharedCount>();

  /**
   * @param node The worker that counts.
   * @param buffer That of the other workers; a new one by default.
   */
  constructor(nodes: number, node: number, buffer?: SharedArrayBuffer) {
    const hashBytes = SHARED_LISTENERS_MAX * 4;
    const shared = buffer ?? new SharedArrayBuffer(hashBytes + SHARED_LISTENERS_MAX * nodes * 4);
    this.buffer = shared;
    this.#hashes = new Int32Array(shared, 0, SHARED_LISTENERS_MAX);
    this.#counts = Array.from({ length: SHARED_LISTENERS_MAX }, (_, place) => {
      return new SharedCount(new Int32Array(shared, hashBytes + place * nodes * 4, nodes), node);
    });
  }

  /** The count of a listener; `null` if there is no place for it. */
  of(name: string): SharedCount | null {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const hash = hashOf(name);
    for (const [place, count] of this.#counts.entries()) {
      const holder = Atomics.compareExchange(this.#hashes, place, 0, hash);
      if (holder !== 0 && holder !== hash) continue;
      this.#places.set(name, count);
      return count;
    }
    return null;
  }

  /** Gives back what a worker held. It must not run any more. */
  clear(node: number): void {
    for (const count of this.#counts) count.clear(node);
  }
}

/** A hash (FNV-1a) that is never 0. The operator chooses the names, so it needs no seed. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash | 0 || 1;
}
