/** The numbers that stand for shared groups in messages between nodes. */
import { mapKey } from "../router/map_key.ts";

/** A Subscription Identifier is 1 to 268,435,455. */
const NUMBER_MAX = 268_435_455;

/** Groups with a number. Past it the oldest one without members is forgotten. */
const GROUPS_KEPT = 65_536;
/** How many of the oldest groups are looked at for one without members. */
const LOOKED_AT = 16;

/**
 * Numbers for `$share/{name}/{filter}`. A node that has members of a group tells the other nodes its
 * number, and they send it with each message for the group, as a Subscription Identifier.
 *
 * A number is a hash of the text. So a node that has started again has the same numbers for messages
 * that have waited elsewhere, although it has not stored them. Only one of two groups with the same
 * hash has another number, which depends on which of them came first.
 */
export class GroupNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #filters = new Map<number, string>();

  /** How many groups have a number. */
  get size(): number {
    return this.#filters.size;
  }

  /**
   * The number of a group; it gets one if it has none.
   *
   * @param shared The filter with `$share/…`.
   * @param isUsed Whether a group has members, so that its number must stay.
   */
  of(shared: string, isUsed: (shared: string) => boolean): number {
    const key = mapKey(shared);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    let number = hashOf(shared);
    while (this.#filters.has(number)) number = number % NUMBER_MAX + 1;
    if (this.size >= GROUPS_KEPT) this.#forgetOne(isUsed);
    this.#numbers.set(key, number);
    this.#filters.set(number, shared);
    return number;
  }

  /** The group of a number, with `$share/…`; `null` if it stands for none. */
  filterOf(number: number): string | null {
    return this.#filters.get(number) ?? null;
  }

  #forgetOne(isUsed: (shared: string) => boolean): void {
    let left = LOOKED_AT;
    for (const [number, shared] of this.#filters) {
      if (left-- === 0) return;
      this.#filters.delete(number);
      if (!isUsed(shared)) {
        this.#numbers.delete(mapKey(shared));
        return;
      }
      // It is the newest now, so that the next look finds others.
      this.#filters.set(number, shared);
    }
  }
}

/** A hash of a text (FNV-1a), 1 to the largest number. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % NUMBER_MAX + 1;
}
