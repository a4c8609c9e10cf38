/** A queue that limits how much of some work is done at once. */

/** Work that waits in order, with a limit on how much is done at once. */
export class WorkQueue {
  readonly #atOnceMax: number;
  readonly #waitingMax: number;
  #running = 0;
  #waiting: (() => void)[] = [];
  /** The index of the next one in the list. */
  #next = 0;

  /**
   * @param atOnceMax How much is done at once.
   * @param waitingMax How much may wait beside.
   */
  constructor(atOnceMax: number, waitingMax: number) {
    this.#atOnceMax = atOnceMax;
    this.#waitingMax = waitingMax;
  }

  /** How much work waits. */
  get waiting(): number {
    return this.#waiting.length - this.#next;
  }

  /** Does work when its turn comes. `null` if too much waits already. */
  run<T>(work: () => Promise<T>): Promise<T> | null {
    if (this.#running < this.#atOnceMax) {
      this.#running++;
      return this.#do(work);
    }
    if (this.waiting >= this.#waitingMax) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise.then(() => this.#do(work));
  }

  async #do<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.#handOn();
    }
  }

  /**
   * Passes the place directly to the next one, so that a later caller cannot take it in between.
   */
  #handOn(): void {
    const wake = this.#waiting[this.#next];
    if (wake === undefined) {
      this.#running--;
      return;
    }
    this.#next++;
    if (this.#next * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    wake();
  }
}
