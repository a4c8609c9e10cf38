import { decodeUtf8 } from "../codec/utf8.ts";
import { Log } from "../log/log.ts";
import { Audience } from "./audience.ts";
import { FilterEntry } from "./filter_entry.ts";
import { FilterTrie } from "./filter_trie.ts";
import { mapKey } from "./map_key.ts";
import { Route, RouteCache } from "./route_cache.ts";
import type { SharedGroup } from "./shared_group.ts";
import type { Subscriber, Subscription } from "./subscription.ts";
import { hasWildcard, matchesFilter, parseSharedFilter, topicNameFault } from "./topic.ts";

/** The maximum number of filter changes to check a route against, before a walk of the trie. */
const CHANGES_CHECKED_MAX = 16;

/**
 * Memory of objects without their strings, in bytes: measured with 20,000 of each after a garbage
 * collection (Deno 2.9.6, 64 bits).
 */
/** A subscription, in the trie or its group, and in the session's table: 150 to 175. */
const SUBSCRIPTION_BYTES = 160;
/** The entry of a filter that has several subscriptions, a group or an audience. */
const ENTRY_BYTES = 260;
/** A shared group, without its members. */
const GROUP_BYTES = 450;
/** A node of the filter trie, with a key of a few characters: 68 to 91. */
const NODE_BYTES = 80;

/** Settings of a {@linkcode Router}. */
export interface RouterOptions {
  /** The maximum number of topics whose routes are cached; 65,536 by default. */
  routesMax?: number;
  /** The maximum memory of cached routes, in bytes; 32 MiB by default. */
  routesBytesMax?: number;
  /** Makes the hashes of topics unpredictable; 0 by default. */
  seed?: number;
  /** The maximum number of topic levels. A topic with more is invalid. No limit by default. */
  levelsMax?: number;
  /** The maximum length of a topic, in bytes. A longer topic is invalid. No limit by default. */
  bytesMax?: number;
  /** Called with the number of trie nodes that a match visited. */
  matched?: (nodes: number) => void;
}

/** Whether a topic or filter has more than `max` levels. */
export function hasMoreLevels(text: string, max: number): boolean {
  let levels = 1;
  for (let at = text.indexOf("/"); at >= 0; at = text.indexOf("/", at + 1)) {
    if (++levels > max) return true;
  }
  return levels > max;
}

const encoder = new TextEncoder();

/**
 * Finds the subscribers of a topic.
 *
 * The result for a topic, its audience, is cached with its route. Two changes can make it wrong: a
 * filter that matches the topic is added or removed (the router's log of filters), or the
 * subscribers of a matching filter change (each filter's own log). The cached result keeps its
 * position in both logs.
 */
export class Router<S extends Subscriber> {
  /**
   * The subscriptions by filter. Most filters have one subscription and no audience; then the trie
   * holds the subscription itself, to save memory.
   */
  readonly #trie = new FilterTrie<FilterEntry<S> | Subscription<S>>();
  readonly #routes: RouteCache<S>;
  /** Filters that were added or removed, newest last. */
  readonly #filters = new Log<string>({
    segmentItems: CHANGES_CHECKED_MAX,
    retainItems: CHANGES_CHECKED_MAX,
  });
  /** Audiences of more than one filter, by the ids of their filters. */
  readonly #audiences = new Map<string, Audience<S>>();
  readonly #nobody = new Audience<S>([]);
  #levelsMax: number;
  #bytesMax: number;
  /** The maximum memory of cached routes, in bytes. One route is always cached. */
  #routesBytesMax: number;
  /** Memory of subscriptions, filters and groups, and of audiences, in bytes. */
  #subscriptionBytes = 0;
  #audienceBytes = 0;
  readonly #told: ((nodes: number) => void) | undefined;
  /** Counts subscriptions that were added, removed or touched. */
  #changes = 0;
  /** The entries that match a topic; reused to avoid garbage. */
  readonly #matched: (FilterEntry<S> | Subscription<S>)[] = [];
  readonly #entries: FilterEntry<S>[] = [];
  #entryId = 0;
  #subscriptions = 0;
  #sharedSubscriptions = 0;

  constructor(options: RouterOptions = {}) {
    const { routesMax = 65_536, seed = 0, levelsMax = Infinity, bytesMax = Infinity } = options;
    this.#bytesMax = bytesMax;
    this.#routesBytesMax = options.routesBytesMax ?? 32 * 1024 * 1024;
    this.#told = options.matched;
    this.#levelsMax = levelsMax;
    this.#routes = new RouteCache<S>(routesMax, seed, (route) => this.#unbind(route));
  }

  /** The number of topic filters that have a subscriber. */
  get filters(): number {
    return this.#trie.size;
  }

  /** The number of subscriptions. */
  get subscriptions(): number {
    return this.#subscriptions;
  }

  /** The number of shared subscriptions. */
  get sharedSubscriptions(): number {
    return this.#sharedSubscriptions;
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

  /** The number of cached routes. */
  get routes(): number {
    return this.#routes.size;
  }

  /** Memory of the cached routes and their audiences, in bytes. */
  get routesBytes(): number {
    return this.#routes.bytes + this.#audienceBytes;
  }

  /** Memory of all subscriptions, in bytes. */
  get subscriptionsBytes(): number {
    return this.#subscriptionBytes + this.#trie.nodeCount * NODE_BYTES;
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
      this.#subscriptionBytes += (entry.groups!.size - groups) * GROUP_BYTES;
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
    return held;
  }

  #newEntry(filter: string): FilterEntry<S> {
    this.#subscriptionBytes += ENTRY_BYTES;
    return new FilterEntry(++this.#entryId, filter);
  }

  /** The entry of a filter. If the trie holds a subscription, an entry replaces it. */
  #entryOf(held: FilterEntry<S> | Subscription<S>): FilterEntry<S> {
    if (held instanceof FilterEntry) return held;
    const entry = this.#newEntry(held.filter);
    entry.set(held);
    this.#trie.replace(held.filter, entry);
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
      this.#subscriptionBytes += ((held.groups?.size ?? 0) - groups) * GROUP_BYTES;
    }
    const isEmptyEntry = held instanceof FilterEntry && held.isEmpty;
    if (held === previous || isEmptyEntry) {
      this.#trie.delete(plain);
      this.#filters.append(plain);
      if (isEmptyEntry) this.#subscriptionBytes -= ENTRY_BYTES;
    }
    if (previous !== undefined) this.#count(-1, filter, shared !== null);
    return previous;
  }

  #count(by: 1 | -1, filter: string, isShared: boolean): void {
    this.#subscriptionBytes += by * subscriptionBytes(filter);
    this.#subscriptions += by;
    if (isShared) this.#sharedSubscriptions += by;
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
    // A subscription that is in the trie itself has no audience.
    if (held instanceof FilterEntry) held.touch(subscriber);
  }

  /** Makes every route check the members of its audience again. */
  uncheck(): void {
    this.#routes.uncheck();
  }

  /**
   * The route of the topic in `bytes[start, end)`.
   *
   * @throws {MalformedPacketError} If it is not well-formed UTF-8.
   * @returns `null` if it is not a valid topic name, is too long, or has too many levels.
   */
  route(bytes: Uint8Array, start: number, end: number): Route<S> | null {
    const hash = this.#routes.hash(bytes, start, end);
    const known = this.#routes.find(bytes, start, end, hash);
    if (known !== null) return known;
    if (end - start > this.#bytesMax) return null;
    const topic = decodeUtf8(bytes, start, end);
    if (topicNameFault(topic) !== null || hasMoreLevels(topic, this.#levelsMax)) return null;
    const route = new Route<S>(topic, bytes.slice(start, end), hash);
    this.#routes.add(route);
    this.#trimRoutes(route);
    return route;
  }

  /** Changes the limits of topic levels, topic bytes and cached routes. Subscriptions stay. */
  limitTopics(limits: Required<Pick<RouterOptions, "routesMax" | "levelsMax" | "bytesMax">>): void {
    const { routesMax, levelsMax, bytesMax } = limits;
    const isLess = levelsMax < this.#levelsMax || bytesMax < this.#bytesMax;
    this.#levelsMax = levelsMax;
    this.#bytesMax = bytesMax;
    this.#routes.limit(routesMax);
    if (isLess) this.#routes.forget((route) => this.isBeyond(route));
  }

  /** Whether the topic of a route exceeds the limits. */
  isBeyond({ topic, bytes }: Route<S>): boolean {
    return bytes.length > this.#bytesMax || hasMoreLevels(topic, this.#levelsMax);
  }

  /** Changes the maximum memory of cached routes, in bytes. */
  limitRoutes(bytesMax: number): void {
    this.#routesBytesMax = bytesMax;
    this.#trimRoutes(null);
  }

  /** Removes routes until they fit into the memory limit; `kept` stays. */
  #trimRoutes(kept: Route<S> | null): void {
    if (this.routesBytes <= this.#routesBytesMax) return;
    this.#routes.trim(() => this.routesBytes <= this.#routesBytesMax, kept);
  }

  /** The route of a topic. */
  routeOf(topic: string): Route<S> | null {
    const bytes = encoder.encode(topic);
    return this.route(bytes, 0, bytes.length);
  }

  /** The current audience of a route. */
  audience(route: Route<S>): Audience<S> {
    // If nothing changed anywhere, no other check is necessary.
    if (route.asOf === this.#changes) return route.audience!;
    const current = route.isCached ? route : this.#addToCache(route);
    if (current.seen !== this.#filters.end || current.audience === null) this.#bind(current);
    current.asOf = this.#changes;
    const audience = current.audience!;
    audience.refresh();
    if (audience !== this.#nobody) {
      this.#audienceBytes += audience.weigh();
      this.#trimRoutes(current);
    }
    return audience;
  }

  /**
   * Adds a route to the cache if it is not there, because only cached routes may have an audience:
   * the audience is released with its last route. A connection may hold a removed route. That route
   * is added again, unless another one for its topic exists.
   */
  #addToCache(route: Route<S>): Route<S> {
    const known = this.#routes.find(route.bytes, 0, route.bytes.length, route.hash);
    if (known === null) this.#routes.add(route);
    return known ?? route;
  }

  #bind(route: Route<S>): void {
    const seen = route.seen;
    route.seen = this.#filters.end;
    if (route.audience !== null && !this.#isAffected(route.topic, seen)) return;
    const entries = this.#match(route.topic);
    const audience = this.#audienceOf(entries);
    entries.length = 0;
    if (audience === route.audience) return;
    this.#unbind(route);
    route.audience = audience;
    audience.routes++;
  }

  #match(topic: string): FilterEntry<S>[] {
    const visited = this.#trie.match(topic, this.#matched);
    this.#told?.(visited);
    for (const held of this.#matched) this.#entries.push(this.#entryOf(held));
    this.#matched.length = 0;
    return this.#entries;
  }

  /** Whether a filter that matches the topic was added or removed since `seen`. */
  #isAffected(topic: string, seen: number): boolean {
    if (seen < this.#filters.start || this.#filters.end - seen > CHANGES_CHECKED_MAX) return true;
    const changes = this.#filters.cursor({ from: seen });
    for (let filter = changes.next(); filter !== undefined; filter = changes.next()) {
      if (matchesFilter(filter, topic)) return true;
    }
    return false;
  }

  #audienceOf(entries: FilterEntry<S>[]): Audience<S> {
    if (entries.length === 0) return this.#nobody;
    if (entries.length === 1) return entries[0]!.solo ??= new Audience([entries[0]!]);
    const key = audienceKey(entries);
    let audience = this.#audiences.get(key);
    if (audience === undefined) this.#audiences.set(key, audience = new Audience([...entries]));
    return audience;
  }

  /** Releases an audience without routes. Deliveries in progress still hold it. */
  #unbind(route: Route<S>): void {
    const audience = route.audience;
    route.audience = null;
    route.asOf = -1;
    if (audience === null || --audience.routes > 0 || audience === this.#nobody) return;
    this.#audienceBytes -= audience.unweigh();
    if (audience.entries.length > 1) this.#audiences.delete(audienceKey(audience.entries));
    else audience.entries[0]!.solo = null;
  }
}

/** Memory of a subscription, in bytes. A filter with wildcards is counted twice. */
function subscriptionBytes(filter: string): number {
  const isCopied = hasWildcard(filter) || filter.startsWith("$share/") || mapKey(filter) !== filter;
  // Strings with characters beyond ISO 8859-1 are rare, and at most twice as large.
  return SUBSCRIPTION_BYTES + filter.length * (isCopied ? 2 : 1);
}

function audienceKey(entries: readonly { readonly id: number }[]): string {
  return entries.map((entry) => entry.id).sort((a, b) => a - b).join();
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
