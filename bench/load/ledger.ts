/** The messages of one stream that one subscriber has received. */
export class Ledger {
  /** Messages that arrived again. */
  duplicates = 0;
  /** Messages that arrived after later ones. */
  outOfOrder = 0;
  /** Different messages that arrived. */
  distinct = 0;
  #next = 0;
  readonly #skipped = new Set<number>();

  /** Records a message; returns whether it is new. */
  enter(sequence: number): boolean {
    if (sequence === this.#next) {
      this.#next++;
    } else if (sequence > this.#next) {
      for (let i = this.#next; i < sequence; i++) this.#skipped.add(i);
      this.#next = sequence + 1;
    } else if (this.#skipped.delete(sequence)) {
      this.outOfOrder++;
    } else {
      this.duplicates++;
      return false;
    }
    this.distinct++;
    return true;
  }
}

/** The messages that all subscribers of a run have received. */
export class Tally {
  /** Messages that arrived for the first time. */
  delivered = 0;
  /** When the last expected message arrived; see `performance.now`. */
  completedAt = 0;
  /** Messages of streams that the subscriber is not subscribed to. */
  foreign = 0;
  /** Acknowledgements with an error code. */
  refused = 0;
  /** Called once when `delivered` reaches `wakeAt`, for a waiting publisher. */
  wake: () => void = () => {};
  wakeAt: number = Infinity;
  readonly expected: number;
  readonly #ledgers: Ledger[] = [];
  readonly #done = Promise.withResolvers<void>();

  /** Creates an empty tally. */
  constructor(expected: number) {
    this.expected = expected;
    // A failure may come before anyone waits.
    this.#done.promise.catch(() => {});
  }

  /** Resolves when all messages have arrived; rejects when a connection is lost. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Creates the ledger of one subscriber and one stream. */
  open(): Ledger {
    const ledger = new Ledger();
    this.#ledgers.push(ledger);
    return ledger;
  }

  /** Counts a message that arrived for the first time. */
  count(): void {
    if (++this.delivered === this.expected) {
      this.completedAt = performance.now();
      this.#done.resolve();
    }
    if (this.delivered >= this.wakeAt) {
      this.wakeAt = Infinity;
      this.wake();
    }
  }

  /** Ends the run after an error. */
  fail(error: Error): void {
    this.#done.reject(error);
  }

  /** The faults, as counts. */
  faults(): Faults {
    let duplicates = 0;
    let outOfOrder = 0;
    for (const ledger of this.#ledgers) {
      duplicates += ledger.duplicates;
      outOfOrder += ledger.outOfOrder;
    }
    const { expected, delivered, foreign, refused } = this;
    return { missed: expected - delivered, duplicates, outOfOrder, foreign, refused };
  }
}

/** Counts that must be zero in a valid run. */
export interface Faults {
  readonly missed: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  readonly foreign: number;
  readonly refused: number;
}

/** Whether there are no faults. */
export function isClean(faults: Faults): boolean {
  return Object.values(faults).every((count) => count === 0);
}
