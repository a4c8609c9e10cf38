/** A count of connections over all workers of a process. */

/**
 * A count in shared memory. Each worker has a cell of its own, and no other one writes it: so what a
 * worker held that has died is given back by clearing its cell.
 */
export class SharedCount {
  readonly #cells: Int32Array;
  readonly #node: number;

  /**
   * @param cells One of each worker.
   * @param node The worker that counts.
   */
  constructor(cells: Int32Array, node: number) {
    this.#cells = cells;
    this.#node = node;
  }

  /** The count of all workers. */
  get total(): number {
    let total = 0;
    for (let node = 0; node < this.#cells.length; node++) total += Atomics.load(this.#cells, node);
    return total;
  }

  /** Counts one more. */
  add(): void {
    Atomics.add(this.#cells, this.#node, 1);
  }

  /** Counts one less. */
  remove(): void {
    Atomics.sub(this.#cells, this.#node, 1);
  }

  /**
   * Counts one more if there is room for it.
   *
   * It is counted first, so that the limit holds whoever else does the same. Of several workers that
   * want the last place one gets it: whoever takes its count back last sees that there is room, and
   * tries again.
   */
  acquire(max: number): boolean {
    for (;;) {
      this.add();
      if (this.total <= max) return true;
      this.remove();
      if (this.total >= max) return false;
    }
  }

  /** Gives back what a worker held. It must not run any more. */
  clear(node: number): void {
    Atomics.store(this.#cells, node, 0);
  }
}
