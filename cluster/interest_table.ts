/** The filters that somebody on this node is subscribed to, with the QoS. */
import type { InterestWatcher } from "../broker/node_port.ts";
import type { QoS } from "../codec/mod.ts";
import { crossingFilters } from "./crossing_filters.ts";
import { GroupNumbers } from "./group_numbers.ts";
import { mapKey } from "../router/map_key.ts";

/** How many subscriptions with each QoS there are to one filter. */
class Interest {
  readonly counts: [number, number, number] = [0, 0, 0];

  constructor(readonly filter: string) {}

  /** The highest QoS; `null` if there is no subscription. */
  get qos(): QoS | null {
    const { counts } = this;
    return counts[2] > 0 ? 2 : counts[1] > 0 ? 1 : counts[0] > 0 ? 0 : null;
  }
}

/**
 * Counts the subscriptions on this node, without those of other nodes, by filter. The other nodes
 * have to know only which filters there are and with what QoS, so most subscriptions change nothing
 * for them.
 */
export class InterestTable implements InterestWatcher {
  /** The numbers of shared groups. */
  readonly groups: GroupNumbers = new GroupNumbers();
  /** By the `mapKey()` of the filter. */
  readonly #interests = new Map<string, Interest>();
  readonly #onChanged: (filter: string) => void;

  /** @param onChanged Called with each filter that is there now, or not any more, or with another QoS. */
  constructor(onChanged: (filter: string) => void) {
    this.#onChanged = onChanged;
  }

  /** How many filters there are. */
  get size(): number {
    return this.#interests.size;
  }

  /** The filters. One that comes during the walk is walked, too. */
  *filters(): Generator<string, void, void> {
    for (const { filter } of this.#interests.values()) yield filter;
  }

  /** The QoS with which other nodes subscribe to a filter; `null` if they do not. */
  qosOf(filter: string): QoS | null {
    return this.#interests.get(mapKey(filter))?.qos ?? null;
  }

  /** The number of a shared group; 0 for a filter that is not shared. */
  numberOf(filter: string): number {
    if (!filter.startsWith("$share/")) return 0;
    return this.groups.of(filter, (shared) => this.#interests.has(mapKey(shared)));
  }

  onAdded(subscribed: string, qos: QoS): void {
    for (const filter of crossingFilters(subscribed)) this.#add(filter, qos);
  }

  onRemoved(subscribed: string, qos: QoS): void {
    for (const filter of crossingFilters(subscribed)) this.#remove(filter, qos);
  }

  #add(filter: string, qos: QoS): void {
    const key = mapKey(filter);
    let interest = this.#interests.get(key);
    if (interest === undefined) this.#interests.set(key, interest = new Interest(filter));
    const before = interest.qos;
    interest.counts[qos]++;
    if (interest.qos !== before) this.#onChanged(filter);
  }

  #remove(filter: string, qos: QoS): void {
    const key = mapKey(filter);
    const interest = this.#interests.get(key);
    if (interest === undefined) return;
    const before = interest.qos;
    interest.counts[qos]--;
    if (interest.qos === null) this.#interests.delete(key);
    if (interest.qos !== before) this.#onChanged(filter);
  }
}
