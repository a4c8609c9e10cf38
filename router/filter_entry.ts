/** All subscriptions of one topic filter. */
import { Log } from "../log/log.ts";
import { mapKey } from "./map_key.ts";
import { SharedGroup } from "./shared_group.ts";
import type { Subscriber, Subscription } from "./subscription.ts";
import type { Audience } from "./audience.ts";

/** Items of a segment of the change log. Few, because most filters hardly ever change. */
const CHANGES_SEGMENT_ITEMS = 32;
/** After this many changes plus twice the number of subscriptions, a new log begins. */
const CHANGES_MIN = 1024;

/** All subscriptions of one topic filter. */
export class FilterEntry<S extends Subscriber> {
  #single: Subscription<S> | null = null;
  #several: Map<S, Subscription<S>> | null = null;
  /** The shared groups of this filter by the `mapKey()` of their names; `null` for none. */
  groups: Map<string, SharedGroup<S>> | null = null;
  /** Counts all changes of this entry. */
  version = 0;
  /**
   * The audience of topics that match only this filter, if it was created. Set by the table of
   * audiences.
   */
  solo: Audience<S> | null = null;
  /**
   * The subscribers whose subscriptions changed, oldest first. Each large audience of this filter
   * has a cursor in it. An audience that is not used would keep all of the log, so the log ends at
   * some point and a new one begins.
   */
  #changes: Log<S> | null = null;

  /**
   * @param id Identifies the entry; never reused.
   * @param filter The topic filter, without `$share/…`.
   */
  constructor(readonly id: number, readonly filter: string) {}

  /** The only subscription, or `null` if there are none or several. */
  get single(): Subscription<S> | null {
    return this.#single;
  }

  /** Whether there are no subscriptions and no groups. */
  get isEmpty(): boolean {
    return this.#single === null && this.#several === null && this.groups === null;
  }

  /** The number of subscriptions, without shared ones. */
  get size(): number {
    return this.#single !== null ? 1 : this.#several?.size ?? 0;
  }

  /** The current log of changes for audiences. */
  get changes(): Log<S> {
    return this.#changes ??= new Log<S>({ segmentItems: CHANGES_SEGMENT_ITEMS });
  }

  /** The subscription of one subscriber. */
  get(subscriber: S): Subscription<S> | undefined {
    if (this.#single !== null) {
      return this.#single.subscriber === subscriber ? this.#single : undefined;
    }
    return this.#several?.get(subscriber);
  }

  /** Calls `visit` with every subscription that is not shared. */
  forEach(visit: (subscription: Subscription<S>) => void): void {
    if (this.#single !== null) visit(this.#single);
    else this.#several?.forEach(visit);
  }

  /** Adds a subscription. It replaces that of the same subscriber, which is returned. */
  set(subscription: Subscription<S>): Subscription<S> | undefined {
    const { subscriber } = subscription;
    const previous = this.get(subscriber);
    if (this.#several !== null) this.#several.set(subscriber, subscription);
    else if (this.#single === null || previous !== undefined) this.#single = subscription;
    else {
      this.#several = new Map([[this.#single.subscriber, this.#single], [
        subscriber,
        subscription,
      ]]);
      this.#single = null;
    }
    this.touch(subscriber);
    return previous;
  }

  /** Removes the subscription of one subscriber and returns it. */
  delete(subscriber: S): Subscription<S> | undefined {
    const previous = this.get(subscriber);
    if (previous === undefined) return undefined;
    this.#single = null;
    if (this.#several !== null) {
      this.#several.delete(subscriber);
      if (this.#several.size === 0) this.#several = null;
    }
    this.touch(subscriber);
    return previous;
  }

  /** The shared group of a name; created if it does not exist. */
  group(name: string): SharedGroup<S> {
    this.groups ??= new Map();
    const key = mapKey(name);
    let group = this.groups.get(key);
    if (group === undefined) {
      this.groups.set(key, group = new SharedGroup<S>());
      this.version++;
    }
    return group;
  }

  /** Removes a member from a shared group, and an empty group. */
  leaveGroup(name: string, subscriber: S): Subscription<S> | undefined {
    const key = mapKey(name);
    const group = this.groups?.get(key);
    const previous = group?.delete(subscriber);
    if (group?.size === 0) {
      this.groups!.delete(key);
      this.version++;
    }
    if (this.groups?.size === 0) this.groups = null;
    return previous;
  }

  /** Makes every audience check this subscriber again. */
  touch(subscriber: S): void {
    this.version++;
    if (this.#changes === null) return;
    if (this.#changes.end < CHANGES_MIN + 2 * this.size) this.#changes.append(subscriber);
    else this.#changes = null;
  }
}
