/** A set of small whole numbers, a bit each. */

/** Whole numbers from 0 to below a size. */
export class BitSet {
  readonly #bits: Uint8Array;

  constructor(size: number) {
    this.#bits = new Uint8Array(Math.ceil(size / 8));
  }

  /** Adds a number. */
  add(number: number): void {
    this.#bits[Math.floor(number / 8)]! |= 1 << number % 8;
  }

  /** Whether it has a number. */
  has(number: number): boolean {
    return (this.#bits[Math.floor(number / 8)]! >> number % 8) % 2 === 1;
  }
}
