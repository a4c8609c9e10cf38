/** Which messages of one stream one subscriber has got. */
export class Ledger {
  /** Messages that came again. */
  duplicates = 0;
  /** Messages that came after later ones. */
  outOfOrder = 0;
  /** Different messages that came. */
  distinct = 0;
  #next = 0;
  readonly #skipped = new Set<number>();

  /** Enters a message; tells whether it is a new one. */
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

/** What all subscribers of a run have got together. */
export class Tally {
  /** Messages that came for the first time. */
  delivered = 0;
  /** When the last of all that were expected came; see `performance.now`. */
  completedAt = 0;
  /** Messages of no stream that the subscriber listens to. */
  foreign = 0;
  /** Acknowledgements that were refusals. */
  refused = 0;
  /** Called once when `delivered` reaches `wakeAt`, for a publisher that waits. */
  wake: () => void = () => {};
  wakeAt: number = Infinity;
  readonly expected: number;
  readonly #ledgers: Ledger[] = [];
  readonly #done = Promise.withResolvers<void>();

  /** Starts at nothing. */
  constructor(expected: number) {
    this.expected = expected;
    // Someone may fail while nobody waits yet.
    this.#done.promise.catch(() => {});
  }

  /** Resolves when all has come; rejects when a connection is lost. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Opens the ledger of one subscriber and one stream. */
  open(): Ledger {
    const ledger = new Ledger();
    this.#ledgers.push(ledger);
    return ledger;
  }

  /** Counts a message that came for the first time. */
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

  /** Ends the run: it makes no sense any more. */
  fail(error: Error): void {
    this.#done.reject(error);
  }

  /** What went wrong, in numbers. */
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

/** What must be zero for a run to be a good one. */
export interface Faults {
  readonly missed: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  readonly foreign: number;
  readonly refused: number;
}

/** Tells whether nothing went wrong. */
export function isClean(faults: Faults): boolean {
  return Object.values(faults).every((count) => count === 0);
}
