/** The subscriptions of one session by topic filter. */
import { mapKey } from "../../router/map_key.ts";
import type { Subscription } from "../../router/subscription.ts";
import { WideMap } from "../../router/wide_map.ts";
import type { Receiver } from "../delivery/subscriber.ts";

/**
 * The subscriptions of one session by topic filter. Most clients have just one,
 * so the map is only made for the second: an idle connection must cost little.
 */
export class SubscriptionTable {
  #single: Subscription<Receiver> | null = null;
  #several: WideMap<Subscription<Receiver>> | null = null;
  /** The steps of matching that they are charged; written by `match_share.ts`. */
  matchSteps = 0;

  /** How many subscriptions there are. */
  get size(): number {
    return this.#several?.size ?? (this.#single === null ? 0 : 1);
  }

  /** Whether there is one with exactly this filter. */
  has(filter: string): boolean {
    if (this.#several !== null) return this.#several.get(mapKey(filter)) !== undefined;
    return this.#single?.filter === filter;
  }

  /** The one with exactly this filter. */
  get(filter: string): Subscription<Receiver> | undefined {
    if (this.#several !== null) return this.#several.get(mapKey(filter));
    return this.#single?.filter === filter ? this.#single : undefined;
  }

  /** Adds a subscription; one with the same filter is replaced. */
  set(subscription: Subscription<Receiver>): void {
    const { filter } = subscription;
    if (this.#several === null) {
      if (this.#single === null || this.#single.filter === filter) {
        this.#single = subscription;
        return;
      }
      this.#several = new WideMap();
      this.#several.set(mapKey(this.#single.filter), this.#single);
      this.#single = null;
    }
    this.#several.set(mapKey(filter), subscription);
  }

  /** Removes the subscription with exactly this filter, if there is one. */
  delete(filter: string): void {
    if (this.#single?.filter === filter) this.#single = null;
    this.#several?.delete(mapKey(filter));
  }

  /** Every subscription; they may come and go during the walk. */
  *values(): Generator<Subscription<Receiver>, void, void> {
    if (this.#single !== null) yield this.#single;
    yield* this.#several?.values() ?? [];
  }

  /** Every topic filter; likewise. */
  filters(): IterableIterator<string> {
    // Without a generator for what most clients have.
    if (this.#several === null) {
      return (this.#single === null ? [] : [this.#single.filter]).values();
    }
    return this.#filters();
  }

  *#filters(): Generator<string, void, void> {
    for (const { filter } of this.values()) yield filter;
  }
}
