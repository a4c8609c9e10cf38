import { type Clock, soon } from "../base/clock.ts";
import type { TurnBudget } from "../base/turn_budget.ts";

/** How many are flushed between two looks at the time. */
const FLUSHES_PER_LOOK = 8;

/**
 * How many of a crowd are flushed before the runtime gets its turn. A write costs its garbage and
 * its place in the processor's caches until it is done: past some hundred in flight at once the
 * same write takes three times as long (measured with ten thousand).
 */
const CROWD_FLUSHES = 64;

/** What can be flushed. */
export interface Flushable {
  /** Whether it is on the list; for the queue alone to change. */
  listed: boolean;
  /** Writes what is there. */
  flush(): void;
}

/**
 * Who is to be flushed, and when.
 *
 * The runtime hands over all reads of one poll together, so a microtask comes after all of them:
 * what they append for one connection leaves in one write. That is the end of a turn.
 *
 * Whoever has something of its own leaves then. Those that a shared log has woken are a crowd:
 * they leave a few at a time, and the runtime looks at its sockets in between. So nobody waits for
 * ten thousand others, and what the publisher says meanwhile is gathered by those still to come.
 * Each stands in the queue once at most, and needs no bound but that on connections.
 */
export class FlushQueue<F extends Flushable> {
  readonly #clock: Clock;
  readonly #turns: TurnBudget;
  readonly #failed: (flushable: F, error: unknown) => void;
  /** To be flushed at the end of this turn. */
  #few: F[] = [];
  #crowd: F[] = [];
  /** How many of the crowd have left. */
  #left = 0;
  /** Whether the end of this turn is waited for. */
  #isTurn = false;
  /** Whether the next turn of the crowd is waited for. */
  #isSoon = false;

  /** @param failed Told of what a flush has thrown; the others are flushed all the same. */
  constructor(clock: Clock, turns: TurnBudget, failed: (flushable: F, error: unknown) => void) {
    this.#clock = clock;
    this.#turns = turns;
    this.#failed = failed;
  }

  /** How many wait. */
  get size(): number {
    return this.#few.length + this.#crowd.length - this.#left;
  }

  /**
   * Has something flushed that is not listed yet.
   *
   * @param isWoken Whether a shared log has woken it, maybe among many others.
   */
  add(flushable: F, isWoken: boolean): void {
    flushable.listed = true;
    if (isWoken) this.#crowd.push(flushable);
    else this.#few.push(flushable);
    if (this.#isTurn || (isWoken && this.#isSoon)) return;
    this.#isTurn = true;
    queueMicrotask(this.#endTurn);
  }

  /** Has those leave now who would at the end of this turn. */
  endTurn(): void {
    const few = this.#few;
    this.#few = [];
    for (const flushable of few) this.#flush(flushable);
  }

  /** Forgets everyone. */
  clear(): void {
    this.#few = [];
    this.#crowd = [];
    this.#left = 0;
  }

  readonly #endTurn = () => {
    this.#isTurn = false;
    if (!this.#flushFew()) return;
    if (!this.#isSoon) this.#flushCrowd();
  };

  /** Returns false if there was no time for all: the others leave first in the next turn. */
  #flushFew(): boolean {
    const few = this.#few;
    this.#few = [];
    const end = this.#flushPart(few, 0, few.length);
    if (end === few.length) return true;
    // They come before those that were added meanwhile.
    this.#few = [...few.slice(end), ...this.#few];
    this.#isTurn = true;
    this.#turns.later(this.#endTurn, true);
    return false;
  }

  readonly #onSoon = () => {
    this.#isSoon = false;
    this.#turns.stepped();
    this.#turns.begin();
    this.#flushCrowd();
  };

  #flushCrowd(): void {
    const crowd = this.#crowd;
    const most = Math.min(crowd.length, this.#left + CROWD_FLUSHES);
    this.#left = this.#flushPart(crowd, this.#left, most);
    if (this.#left >= crowd.length) {
      this.#crowd = [];
      this.#left = 0;
      return;
    }
    this.#isSoon = true;
    if (this.#left < most || this.#turns.isSpent) this.#turns.later(this.#onSoon, true);
    else soon(this.#clock, this.#onSoon);
  }

  /**
   * Flushes those from `from` to `most`, or as many as there is time for in a turn, whatever else
   * was done in this one: what was said is not to wait for what is still to be heard.
   *
   * @returns Where it has stopped.
   */
  #flushPart(flushables: readonly F[], from: number, most: number): number {
    const isLong = most - from > FLUSHES_PER_LOOK;
    const startMs = isLong ? this.#clock.now() : 0;
    for (let i = from; i < most;) {
      this.#flush(flushables[i++]!);
      if (!isLong || (i - from) % FLUSHES_PER_LOOK > 0) continue;
      if (this.#turns.isLong(startMs)) return i;
    }
    return most;
  }

  #flush(flushable: F): void {
    flushable.listed = false;
    try {
      flushable.flush();
    } catch (error) {
      this.#failed(flushable, error);
    }
  }
}
