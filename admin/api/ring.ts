/** Keeps the last things that have happened: so many of them, and no more text than a limit. */

/**
 * Characters of all texts in a ring together; past it the oldest items go. Identifiers, names and
 * topics come from clients, and each may have 65,535 bytes.
 */
export const CHARACTERS_MAX = 1024 * 1024;

interface Kept<T> {
  readonly item: T;
  readonly characters: number;
}

/** The last added items, up to a number of them, and up to a number of characters in them. */
export class Ring<T> {
  readonly #itemsMax: number;
  readonly #charactersMax: number;
  readonly #slots: (Kept<T> | null)[] = [];
  #oldest = 0;
  #count = 0;
  #characters = 0;

  constructor(itemsMax: number, charactersMax: number = CHARACTERS_MAX) {
    this.#itemsMax = itemsMax;
    this.#charactersMax = charactersMax;
  }

  /** @param characters How many characters of text the item keeps. */
  add(item: T, characters: number): void {
    if (this.#count === this.#itemsMax) this.#dropOldest();
    this.#slots[(this.#oldest + this.#count) % this.#itemsMax] = { item, characters };
    this.#count++;
    this.#characters += characters;
    while (this.#characters > this.#charactersMax) this.#dropOldest();
  }

  /** A copy, in no order. */
  get items(): T[] {
    return this.#slots.flatMap((kept) => kept === null ? [] : [kept.item]);
  }

  #dropOldest(): void {
    this.#characters -= this.#slots[this.#oldest]!.characters;
    this.#slots[this.#oldest] = null;
    this.#oldest = (this.#oldest + 1) % this.#itemsMax;
    this.#count--;
  }
}
