/** A set of objects that come and go all the time, such as connections. */

/** What can be in a {@linkcode Roster}, in one at a time. */
export interface Enlisted {
  /** Its place; -1 if it is in none. Only the roster sets it. */
  rosterIndex: number;
}

/**
 * A set of objects that know their places in it.
 *
 * V8 makes a new table for a `Set` after so many additions and deletions. The former table leads to
 * the new one, so once the former is in the old generation of the heap, all that the new one has
 * held is kept until the next full collection: the objects of connections that come and go filled
 * the heap, and a third of their cost was the collector's.
 */
export class Roster<T extends Enlisted> {
  readonly #members: T[] = [];

  /** The number of members. */
  get size(): number {
    return this.#members.length;
  }

  /** Adds a member that is in no roster. */
  add(member: T): void {
    member.rosterIndex = this.#members.push(member) - 1;
  }

  /** Takes a member out; one that is in no roster is ignored. */
  delete(member: T): void {
    const index = member.rosterIndex;
    if (index < 0) return;
    member.rosterIndex = -1;
    const last = this.#members.pop()!;
    if (last === member) return;
    this.#members[index] = last;
    last.rosterIndex = index;
  }

  /** The members of now: they may come and go during the walk. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#members.slice().values();
  }
}
