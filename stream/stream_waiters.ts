/** The readers that wait for a stream to grow. */

/** Whoever waits for a stream to grow. */
export interface StreamWaiter {
  /** More may be read. */
  wake(): void;
}

/** All who wait for a stream to grow. */
export class StreamWaiters {
  #waiting = new Set<StreamWaiter>();

  /** Has `waiter` woken, once. */
  add(waiter: StreamWaiter): void {
    this.#waiting.add(waiter);
  }

  /** The waiter does not wait any more. */
  delete(waiter: StreamWaiter): void {
    this.#waiting.delete(waiter);
  }

  /** Wakes all who wait, in the order in which they began to. */
  wake(): void {
    const waiting = this.#waiting;
    if (waiting.size === 0) return;
    this.#waiting = new Set();
    for (const waiter of waiting) waiter.wake();
  }
}
