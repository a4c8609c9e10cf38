/** Locks in shared memory, for critical sections that never wait for anything. */

/** How often a lock is tried before the thread sleeps. */
const SPINS = 200;
/** How long the thread sleeps before it tries again, in milliseconds. */
const SLEEP_MS = 1;
/**
 * How often it sleeps before it gives up. The holder may have been suspended by the system, or has
 * died with the lock: then the supervisor releases it.
 */
const SLEEPS_MAX = 50;

/** Locks that know their holders, so that those of a worker that has died can be released. */
export class SharedLocks {
  /** The number of the holder and 1, of each lock; 0 for none. */
  readonly #holders: Int32Array;
  readonly #mine: number;

  /** @param node The worker that takes them. */
  constructor(holders: Int32Array, node: number) {
    this.#holders = holders;
    this.#mine = node + 1;
  }

  /** Takes a lock. Returns false if another worker holds it for too long. */
  take(lock: number): boolean {
    for (let sleeps = 0; sleeps <= SLEEPS_MAX; sleeps++) {
      for (let i = 0; i < SPINS; i++) {
        if (Atomics.compareExchange(this.#holders, lock, 0, this.#mine) === 0) return true;
      }
      const holder = Atomics.load(this.#holders, lock);
      if (holder !== 0) Atomics.wait(this.#holders, lock, holder, SLEEP_MS);
    }
    return false;
  }

  /** Releases a lock that this worker holds. Others that sleep look at it by themselves. */
  release(lock: number): void {
    Atomics.store(this.#holders, lock, 0);
  }

  /** Releases what a worker holds. It must not run any more. */
  clear(node: number): void {
    for (let lock = 0; lock < this.#holders.length; lock++) {
      Atomics.compareExchange(this.#holders, lock, node + 1, 0);
    }
  }
}
