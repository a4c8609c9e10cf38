/** Names in alphabetical order, for lists that are answered page by page. */
import { compareNames } from "./model.ts";

/** Names in order. Many can be added before they are sorted, once, when somebody asks. */
export class SortedNames {
  #names: string[] = [];
  #isSorted = true;

  /** All names, in order; valid until the next change. */
  get all(): readonly string[] {
    this.#sort();
    return this.#names;
  }

  /** Adds a name that is not there yet. */
  add(name: string): void {
    const last = this.#names.at(-1);
    if (last !== undefined && compareNames(last, name) > 0) this.#isSorted = false;
    this.#names.push(name);
  }

  /** Removes a name, if it is there. */
  remove(name: string): void {
    this.#sort();
    const at = this.#placeOf(name);
    if (this.#names[at] === name) this.#names.splice(at, 1);
  }

  /** Sorting what is nearly in order is quick: the runtime merges runs that are in order. */
  #sort(): void {
    if (!this.#isSorted) this.#names.sort(compareNames);
    this.#isSorted = true;
  }

  #placeOf(name: string): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareNames(this.#names[middle]!, name) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
