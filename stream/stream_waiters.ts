/** The readers that wait for a stream to grow. */

/** A reader that waits for a stream to grow. */
export interface StreamWaiter {
  /** There may be more to read. Called once. */
  wake(): void;
}

/** The readers of one stream that wait for it to grow. */
export class StreamWaiters {
  #waiting = new Set<StreamWaiter>();

  /** Adds a waiter. It is woken once. */
  add(waiter: StreamWaiter): void {
    this.#waiting.add(waiter);
  }

  /** Removes a waiter. */
  delete(waiter: StreamWaiter): void {
    this.#waiting.delete(waiter);
  }

  /** Wakes and removes all waiters, in the order in which they were added. */
  wake(): void {
    const waiting = this.#waiting;
    if (waiting.size === 0) return;
    this.#waiting = new Set();
    for (const waiter of waiting) waiter.wake();
  }
}
