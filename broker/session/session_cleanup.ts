/** The removal of the subscriptions of ended sessions, in turns. */
import type { Router } from "../../router/router.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { SubscriptionTable } from "./subscription_table.ts";
import type { TurnBudget } from "../base/turn_budget.ts";

/** The maximum number of subscriptions that are removed in a turn: a millisecond of work. */
const REMOVALS_PER_TURN = 256;
/** The cost of removing one, in units of the turn budget. */
const UNITS_PER_REMOVAL = 4;
/** How many may wait to be removed. Past it they are removed at once, and all clients wait. */
const REMOVALS_MAX = 1_000_000;

/** A session that has ended. */
export interface Ended extends Receiver {
  readonly subscriptions: SubscriptionTable;
}

/** The subscriptions of one session that are still to be removed. */
interface Removal {
  readonly ended: Ended;
  readonly filters: Iterator<string>;
  isDone: boolean;
}

/**
 * Sessions that have ended, and whose subscriptions are still to be removed. A session may have a
 * hundred thousand, and other clients must not wait for that. Until then messages still reach the
 * session, which takes none.
 */
export class SessionCleanup {
  readonly #turns: TurnBudget;
  readonly #router: Router<Receiver>;
  readonly #removalsMax: number;
  /** The next removal is in front. */
  readonly #queue: Removal[] = [];
  #size = 0;
  #isSoon = false;

  /**
   * @param router Holds the subscriptions.
   * @param removalsMax How many subscriptions may wait to be removed; 1,000,000 by default.
   */
  constructor(turns: TurnBudget, router: Router<Receiver>, removalsMax = REMOVALS_MAX) {
    this.#turns = turns;
    this.#router = router;
    this.#removalsMax = removalsMax;
  }

  /** How many subscriptions are still to be removed. */
  get size(): number {
    return this.#size;
  }

  /** Removes the subscriptions of a session that has ended: a few at once, many in parts. */
  add(ended: Ended): void {
    const { size } = ended.subscriptions;
    const removal = { ended, filters: ended.subscriptions.filters(), isDone: false };
    const mayWait = this.#size + size <= this.#removalsMax;
    const removed = this.#remove(removal, mayWait ? REMOVALS_PER_TURN : Infinity, mayWait);
    if (removal.isDone) return;
    this.#size += size - removed;
    this.#queue.push(removal);
    this.#goOn();
  }

  /** Drops all pending removals. */
  clear(): void {
    this.#queue.length = 0;
    this.#size = 0;
  }

  readonly #turn = () => {
    this.#isSoon = false;
    const first = this.#queue[0];
    if (first === undefined) return;
    this.#size -= this.#remove(first, REMOVALS_PER_TURN, true);
    if (first.isDone) this.#queue.shift();
    this.#goOn();
  };

  #goOn(): void {
    if (this.#isSoon || this.#queue.length === 0) return;
    this.#isSoon = true;
    this.#turns.later(this.#turn);
  }

  /** Returns how many it has removed. */
  #remove(removal: Removal, count: number, mayStop: boolean): number {
    for (let removed = 0; removed < count;) {
      const next = removal.filters.next();
      if (next.done) {
        removal.isDone = true;
        return removed;
      }
      this.#router.unsubscribe(removal.ended, next.value);
      removed++;
      if (this.#turns.spend(UNITS_PER_REMOVAL) && mayStop) return removed;
    }
    return count;
  }
}
