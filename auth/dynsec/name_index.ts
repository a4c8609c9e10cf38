/** Finds the records that refer to a name. */

const NONE: ReadonlySet<string> = new Set();

/** Which names refer to a name, such as the members of a group. */
export class NameIndex {
  readonly #referrers = new Map<string, Set<string>>();

  /** The names that refer to a name. */
  of(name: string): ReadonlySet<string> {
    return this.#referrers.get(name) ?? NONE;
  }

  /** A name has referred to some names, and now refers to others. */
  change(referrer: string, before: readonly string[], after: readonly string[]): void {
    for (const name of before) {
      const referrers = this.#referrers.get(name);
      referrers?.delete(referrer);
      if (referrers?.size === 0) this.#referrers.delete(name);
    }
    for (const name of after) {
      let referrers = this.#referrers.get(name);
      if (referrers === undefined) this.#referrers.set(name, referrers = new Set());
      referrers.add(referrer);
    }
  }
}
