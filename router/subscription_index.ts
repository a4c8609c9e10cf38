/** The subscriptions of all clients by topic filter, with their changes and their memory. */
import { Log } from "../log/log.ts";
import { passSolo } from "./audience_table.ts";
import { FilterEntry } from "./filter_entry.ts";
import { FilterTrie } from "./filter_trie.ts";
import { mapKey } from "./map_key.ts";
import type { SharedGroup } from "./shared_group.ts";
import type { Subscriber, Subscription } from "./subscription.ts";
import { hasWildcard, matchesFilter, parseSharedFilter } from "./topic.ts";

/** The maximum number of filter changes to check a topic against, before a walk of the trie. */
const CHANGES_CHECKED_MAX = 16;

/**
 * Memory of objects without their strings, in bytes: measured with 20,000 of each after a garbage
 * collection (Deno 2.9.6, 64 bits).
 */
/** A subscription, in the trie or its group, and in the session's table: 145 to 190. */
const SUBSCRIPTION_BYTES = 175;
/** The entry of a filter that has several subscriptions, a group or an audience. */
const ENTRY_BYTES = 260;
/** A shared group, without its members. */
const GROUP_BYTES = 450;
/** A node of the filter trie, with a key of a few characters: 68 to 91. */
const NODE_BYTES = 80;

/**
 * Finds the subscriptions that match a topic.
 *
 * A result that is kept can become outdated in two ways. A filter that matches the topic is added or
 * removed: {@linkcode isAffected} finds that out. Or the subscribers of a matching filter change:
 * the {@linkcode FilterEntry} has a log of them.
 */
export class SubscriptionIndex<S extends Subscriber> {
  /**
   * The subscriptions by filter. Most filters have one subscription and no audience; then the trie
   * holds the subscription itself, to save memory.
   */
  readonly #trie = new FilterTrie<FilterEntry<S> | Subscription<S>>();
  /** Filters that were added or removed, newest last. */
  readonly #filters = new Log<string>({
    segmentItems: CHANGES_CHECKED_MAX,
    retainItems: CHANGES_CHECKED_MAX,
  });
  /** Memory of subscriptions, filters and groups, in bytes; without the nodes of the trie. */
  #bytes = 0;
  readonly #onMatched: ((nodes: number) => void) | undefined;
  #changes = 0;
  /** What the trie holds of a topic; reused to avoid garbage. */
  readonly #matched: (FilterEntry<S> | Subscription<S>)[] = [];
  #entryId = 0;
  #size = 0;
  #sharedSize = 0;

  /** @param onMatched Called with the number of trie nodes that a match visited. */
  constructor(onMatched?: (nodes: number) => void) {
    this.#onMatched = onMatched;
  }

  /** The number of topic filters that have a subscriber. */
  get filters(): number {
    return this.#trie.size;
  }

  /** The number of subscriptions. */
  get size(): number {
    return this.#size;
  }

  /** The number of shared subscriptions. */
  get sharedSize(): number {
    return this.#sharedSize;
  }

  /** Memory of all subscriptions, in bytes. */
  get bytes(): number {
    return this.#bytes + this.#trie.nodeCount * NODE_BYTES;
  }

  /** Counts subscriptions that were added, removed or touched. */
  get changes(): number {
    return this.#changes;
  }

  /** The position at the end of the log of filters; it grows with each filter added or removed. */
  get filterChanges(): number {
    return this.#filters.end;
  }

  /** The maximum number of trie nodes that a match visits, for any topic. */
  get matchCost(): number {
    return this.#trie.cost;
  }

  /**
   * The value of {@linkcode matchCost} after one more filter is added. The filter must not be a
   * shared one.
   */
  matchCostWith(filter: string): number {
    return this.#trie.costWith(filter);
  }

  /**
   * Adds a subscription. It replaces one of the same subscriber with the same filter
   * [MQTT-3.8.4-3].
   *
   * @returns The replaced subscription, if any.
   */
  subscribe(subscription: Subscription<S>): Subscription<S> | undefined {
    this.#changes++;
    const shared = parseSharedFilter(subscription.filter);
    const filter = shared === null ? subscription.filter : shared.filter;
    const before = this.#trie.size;
    const held = this.#trie.getOrCreate(
      filter,
      () => shared === null ? subscription : this.#newEntry(filter),
    );
    const isNew = this.#trie.size !== before;
    if (isNew) this.#filters.append(filter);
    let previous: Subscription<S> | undefined;
    if (shared !== null) {
      const entry = this.#entryOf(held);
      const groups = entry.groups?.size ?? 0;
      previous = join(entry.group(shared.group), subscription);
      this.#bytes += (entry.groups!.size - groups) * GROUP_BYTES;
    } else if (!isNew) previous = this.#set(held, subscription);
    if (previous === undefined) this.#count(1, subscription.filter, shared !== null);
    return previous;
  }

  #set(
    held: FilterEntry<S> | Subscription<S>,
    subscription: Subscription<S>,
  ): Subscription<S> | undefined {
    const isOnly = !(held instanceof FilterEntry) && held.subscriber === subscription.subscriber;
    if (!isOnly) return this.#entryOf(held).set(subscription);
    this.#trie.replace(subscription.filter, subscription);
    passSolo(held, subscription);
    return held;
  }

  #newEntry(filter: string): FilterEntry<S> {
    this.#bytes += ENTRY_BYTES;
    return new FilterEntry(++this.#entryId, filter);
  }

  /** The entry of a filter. If the trie holds a subscription, an entry replaces it. */
  #entryOf(held: FilterEntry<S> | Subscription<S>): FilterEntry<S> {
    if (held instanceof FilterEntry) return held;
    const entry = this.#newEntry(held.filter);
    entry.set(held);
    this.#trie.replace(held.filter, entry);
    passSolo(held, entry);
    return entry;
  }

  /** Removes a subscription and returns it. */
  unsubscribe(subscriber: S, filter: string): Subscription<S> | undefined {
    this.#changes++;
    const shared = parseSharedFilter(filter);
    const plain = shared === null ? filter : shared.filter;
    const held = this.#trie.get(plain);
    if (held === undefined) return undefined;
    let previous: Subscription<S> | undefined;
    if (!(held instanceof FilterEntry)) {
      if (shared === null && held.subscriber === subscriber) previous = held;
    } else if (shared === null) previous = held.delete(subscriber);
    else {
      const groups = held.groups?.size ?? 0;
      previous = held.leaveGroup(shared.group, subscriber);
      this.#bytes += ((held.groups?.size ?? 0) - groups) * GROUP_BYTES;
    }
    const isEmptyEntry = held instanceof FilterEntry && held.isEmpty;
    if (held === previous || isEmptyEntry) {
      this.#trie.delete(plain);
      this.#filters.append(plain);
      if (held === previous) passSolo(previous, null);
      if (isEmptyEntry) this.#bytes -= ENTRY_BYTES;
    }
    if (previous !== undefined) this.#count(-1, filter, shared !== null);
    return previous;
  }

  /** All subscriptions, in no order. One that comes or goes meanwhile may be left out. */
  *subscriptions(): Generator<Subscription<S>, void, void> {
    for (const [, held] of this.#trie.entries()) {
      if (!(held instanceof FilterEntry)) {
        yield held;
        continue;
      }
      const found: Subscription<S>[] = [];
      held.forEach((subscription) => found.push(subscription));
      for (const group of held.groups?.values() ?? []) found.push(...group.members);
      yield* found;
    }
  }

  #count(by: 1 | -1, filter: string, isShared: boolean): void {
    this.#bytes += by * subscriptionBytes(filter);
    this.#size += by;
    if (isShared) this.#sharedSize += by;
  }

  /** A shared group, if it has members. */
  group(filter: string, name: string): SharedGroup<S> | undefined {
    const held = this.#trie.get(filter);
    return held instanceof FilterEntry ? held.groups?.get(mapKey(name)) : undefined;
  }

  /** Makes the audiences of a filter check a subscriber again after its wire class has changed. */
  touch(subscriber: S, filter: string): void {
    this.#changes++;
    if (parseSharedFilter(filter) !== null) return;
    const held = this.#trie.get(filter);
    if (held instanceof FilterEntry) held.touch(subscriber);
    else if (held !== undefined) passSolo(held, held);
  }

  /**
   * The subscription that is alone at the only filter that matches a topic; `null` if there is none
   * such. Then the entries of all filters that match are added to `entries`.
   */
  match(topic: string, entries: FilterEntry<S>[]): Subscription<S> | null {
    const matched = this.#matched;
    const visited = this.#trie.match(topic, matched);
    this.#onMatched?.(visited);
    const only = matched.length === 1 ? matched[0]! : null;
    const isAlone = only !== null && !(only instanceof FilterEntry);
    if (!isAlone) { for (const held of matched) entries.push(this.#entryOf(held)); }
    matched.length = 0;
    return isAlone ? only : null;
  }

  /** Whether a filter that matches the topic was added or removed since the position `seen`. */
  isAffected(topic: string, seen: number): boolean {
    if (seen < this.#filters.start || this.#filters.end - seen > CHANGES_CHECKED_MAX) return true;
    const changes = this.#filters.cursor({ from: seen });
    for (let filter = changes.next(); filter !== undefined; filter = changes.next()) {
      if (matchesFilter(filter, topic)) return true;
    }
    return false;
  }
}

/** Memory of a subscription, in bytes. A filter with wildcards is counted twice. */
function subscriptionBytes(filter: string): number {
  const isCopied = hasWildcard(filter) || filter.startsWith("$share/") || mapKey(filter) !== filter;
  // Strings with characters beyond ISO 8859-1 are rare, and at most twice as large.
  return SUBSCRIPTION_BYTES + filter.length * (isCopied ? 2 : 1);
}

/** Adds a member to a group, and returns the subscription that it replaces. */
function join<S extends Subscriber>(
  group: SharedGroup<S>,
  subscription: Subscription<S>,
): Subscription<S> | undefined {
  const previous = group.get(subscription.subscriber);
  group.set(subscription);
  return previous;
}
