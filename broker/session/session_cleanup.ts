import type { Router } from "../../router/router.ts";
import { type Clock, soon } from "../base/clock.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { SubscriptionTable } from "./subscription_table.ts";

/** How many subscriptions of ended sessions are removed in a turn: about a millisecond's work. */
const REMOVALS_PER_TURN = 256;
/** How many may wait to be removed. Past it they are removed at once, and everyone waits. */
const REMOVALS_MAX = 1_000_000;

/** A session as far as it matters here. */
export interface Ended extends Receiver {
  readonly subscriptions: SubscriptionTable;
}

/**
 * Sessions that are no more, and whose subscriptions are still to be removed: one may have a
 * hundred thousand, and nobody else is to wait for all of them. Until then the session is found by
 * what is published, and takes none of it.
 */
export class EndedSessions {
  readonly #clock: Clock;
  readonly #router: Router<Receiver>;
  readonly #removalsMax: number;
  /** What is removed next is in front. */
  readonly #queue: { readonly ended: Ended; readonly filters: Generator<string> }[] = [];
  #size = 0;
  #isSoon = false;

  /**
   * @param router Where they are still subscribed.
   * @param removalsMax How many subscriptions may wait to be removed; 1,000,000 by default.
   */
  constructor(clock: Clock, router: Router<Receiver>, removalsMax = REMOVALS_MAX) {
    this.#clock = clock;
    this.#router = router;
    this.#removalsMax = removalsMax;
  }

  /** How many subscriptions are still to be removed. */
  get size(): number {
    return this.#size;
  }

  /** Removes the subscriptions of a session that has ended: few at once, many a part at a time. */
  add(ended: Ended): void {
    const { size } = ended.subscriptions;
    const filters = ended.subscriptions.filters();
    const isMany = size > REMOVALS_PER_TURN && this.#size + size <= this.#removalsMax;
    const removed = this.#remove(ended, filters, isMany ? REMOVALS_PER_TURN : size);
    if (!isMany) return;
    this.#size += size - removed;
    this.#queue.push({ ended, filters });
    this.#goOn();
  }

  /** Forgets what is still to be done. */
  clear(): void {
    this.#queue.length = 0;
    this.#size = 0;
  }

  readonly #turn = () => {
    this.#isSoon = false;
    const first = this.#queue[0];
    if (first === undefined) return;
    const removed = this.#remove(first.ended, first.filters, REMOVALS_PER_TURN);
    this.#size -= removed;
    if (removed < REMOVALS_PER_TURN) this.#queue.shift();
    this.#goOn();
  };

  #goOn(): void {
    if (this.#isSoon || this.#queue.length === 0) return;
    this.#isSoon = true;
    soon(this.#clock, this.#turn);
  }

  #remove(ended: Ended, filters: Generator<string>, count: number): number {
    for (let removed = 0; removed < count; removed++) {
      const next = filters.next();
      if (next.done) return removed;
      this.#router.unsubscribe(ended, next.value);
    }
    return count;
  }
}
