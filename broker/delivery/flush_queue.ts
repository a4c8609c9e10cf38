/** Decides when outboxes write, so that bytes leave together. */
import { type Clock, soon } from "../base/clock.ts";
import type { TurnBudget } from "../base/turn_budget.ts";

/** Flushes between two reads of the clock. */
const FLUSHES_PER_LOOK = 8;

/**
 * Flushes of the crowd before the runtime gets a turn. Until a write completes it uses memory and
 * CPU caches: with more than some hundred in progress, each write takes three times as long
 * (measured with ten thousand).
 */
const CROWD_FLUSHES = 64;

/** An object that can be flushed. */
export interface Flushable {
  /** Whether it is in the queue; only the queue changes it. */
  listed: boolean;
  /** Writes the waiting bytes. */
  flush(): void;
}

/**
 * Schedules flushes.
 *
 * The runtime reports all reads of one poll together, and a microtask runs after all of them. So
 * all appends of these reads for one connection are combined into one write. That is the end of a
 * turn.
 *
 * Connections with bytes of their own are flushed then. Connections that a shared log has woken are
 * a crowd: a few of them are flushed at a time, and the runtime polls its sockets in between. So
 * nobody waits for ten thousand others, and messages that arrive meanwhile are combined for the
 * remaining ones. Each connection is in the queue at most once, so the limit of connections also
 * limits the queue.
 */
export class FlushQueue<F extends Flushable> {
  readonly #clock: Clock;
  readonly #turns: TurnBudget;
  readonly #onError: (flushable: F, error: unknown) => void;
  /** To be flushed at the end of this turn. */
  #few: F[] = [];
  #crowd: F[] = [];
  /** The number of flushed connections of the crowd. */
  #flushed = 0;
  /** Whether the end of this turn is scheduled. */
  #isTurn = false;
  /** Whether the next turn of the crowd is scheduled. */
  #isSoon = false;

  /** @param onError Called with the error of a flush. The others are still flushed. */
  constructor(clock: Clock, turns: TurnBudget, onError: (flushable: F, error: unknown) => void) {
    this.#clock = clock;
    this.#turns = turns;
    this.#onError = onError;
  }

  /** The number of waiting connections. */
  get size(): number {
    return this.#few.length + this.#crowd.length - this.#flushed;
  }

  /**
   * Adds an object that is not in the queue.
   *
   * @param isWoken Whether a shared log has woken it, probably with many others.
   */
  add(flushable: F, isWoken: boolean): void {
    flushable.listed = true;
    if (isWoken) this.#crowd.push(flushable);
    else this.#few.push(flushable);
    if (this.#isTurn || (isWoken && this.#isSoon)) return;
    this.#isTurn = true;
    queueMicrotask(this.#endTurn);
  }

  /** Flushes now what would be flushed at the end of this turn. */
  endTurn(): void {
    const few = this.#few;
    this.#few = [];
    for (const flushable of few) this.#flush(flushable);
  }

  /** Removes all objects. */
  clear(): void {
    this.#few = [];
    this.#crowd = [];
    this.#flushed = 0;
  }

  readonly #endTurn = () => {
    this.#isTurn = false;
    if (!this.#flushFew()) return;
    if (!this.#isSoon) this.#goOn();
  };

  /** Returns false if there was no time for all. The others are flushed first in the next turn. */
  #flushFew(): boolean {
    const few = this.#few;
    this.#few = [];
    const end = this.#flushPart(few, 0, few.length);
    if (end === few.length) return true;
    // The rest comes before what was added meanwhile.
    this.#few = [...few.slice(end), ...this.#few];
    this.#isTurn = true;
    this.#turns.later(this.#endTurn, true);
    return false;
  }

  readonly #onSoon = () => {
    this.#isSoon = false;
    this.#turns.onStepped();
    this.#turns.begin();
    this.#goOn();
  };

  readonly #onTurn = () => {
    this.#isSoon = false;
    this.#flushCrowd();
  };

  /** Flushes a part of the crowd now, if there is time, or in a later turn. */
  #goOn(): void {
    const { isDraining, isSpent } = this.#turns;
    if (this.#crowd.length === 0) return;
    if (!isDraining && !isSpent) return this.#flushCrowd();
    this.#isSoon = true;
    // What is written makes more clients respond, and many have sent something already.
    this.#turns.later(this.#onTurn, !isDraining);
  }

  #flushCrowd(): void {
    const crowd = this.#crowd;
    const most = Math.min(crowd.length, this.#flushed + CROWD_FLUSHES);
    this.#flushed = this.#flushPart(crowd, this.#flushed, most);
    if (this.#flushed >= crowd.length) {
      this.#crowd = [];
      this.#flushed = 0;
      return;
    }
    this.#isSoon = true;
    const { isDraining, isSpent } = this.#turns;
    if (isDraining) this.#turns.later(this.#onTurn);
    else if (this.#flushed < most || isSpent) this.#turns.later(this.#onTurn, true);
    else soon(this.#clock, this.#onSoon);
  }

  /**
   * Flushes the objects from `from` to `most`, or as many as fit into a turn of their own, whatever
   * else was done in this turn: writes must not wait for reads.
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
      this.#onError(flushable, error);
    }
  }
}
