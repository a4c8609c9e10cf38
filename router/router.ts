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

/** How many filters that came or went a route is checked against before the trie is asked. */
const CHANGES_CHECKED_MAX = 16;

/*
 * What things cost in memory, in bytes, without their texts: measured with 20,000 of each after a
 * collection (Deno 2.9.6, 64 bits).
 */
/** A subscription, in the trie or in its group, and in the table of its session: 150 to 175. */
const SUBSCRIPTION_BYTES = 160;
/** A filter that somebody has published to, or that has several subscriptions, or a group. */
const ENTRY_BYTES = 260;
/** A shared group, without its members. */
const GROUP_BYTES = 450;
/** A node of the trie of filters, with a key of a few characters: 68 to 91. */
const NODE_BYTES = 80;
/** An audience, and for each of its filters and members. */
const AUDIENCE_BYTES = 300;
const AUDIENCE_ENTRY_BYTES = 24;
const AUDIENCE_MEMBER_BYTES = 150;

/** Settings of a {@linkcode Router}. */
export interface RouterOptions {
  /** Most topics whose route is remembered; 65,536 by default. */
  routesMax?: number;
  /** Most bytes of memory for remembered routes; 32 MiB by default. */
  routesBytesMax?: number;
  /** Makes the hashes of topics unpredictable; 0 by default. */
  seed?: number;
  /** Most levels of a topic; one with more is no valid topic here. No limit by default. */
  levelsMax?: number;
  /** Most bytes of a topic; one with more is no valid topic here. No limit by default. */
  bytesMax?: number;
  /** Told how many nodes of the trie were visited to find out who gets what. */
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
 * Who gets what: subscriptions on one side, topics on the other.
 *
 * The answer for a topic, its audience, is remembered with its route. Two
 * things can make it wrong, and both are logs that the answer is a position
 * in: the set of filters that match (the router's log of filters) and the
 * subscribers of those filters (each filter's own log).
 */
export class Router<S extends Subscriber> {
  /**
   * What is subscribed to each filter. Most of a great many filters have a
   * single subscription and nothing published to them: that stands for itself.
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
  /** What remembered routes may cost in memory, in bytes; one is remembered whatever it costs. */
  #routesBytesMax: number;
  /** What subscriptions, filters and groups cost, and audiences, in bytes. */
  #subscriptionBytes = 0;
  #audienceBytes = 0;
  readonly #told: ((nodes: number) => void) | undefined;
  /** Counts subscriptions that came, went or were touched. */
  #changes = 0;
  /** What matches a topic; used again, as it would be garbage otherwise. */
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

  /** How many topic filters have a subscriber. */
  get filters(): number {
    return this.#trie.size;
  }

  /** How many subscriptions there are. */
  get subscriptions(): number {
    return this.#subscriptions;
  }

  /** How many of them are shared ones. */
  get sharedSubscriptions(): number {
    return this.#sharedSubscriptions;
  }

  /** How many nodes of the trie are visited at most to match a topic, whatever the topic. */
  get matchCost(): number {
    return this.#trie.cost;
  }

  /** What {@linkcode matchCost} would be with one more filter, which is no shared one. */
  matchCostWith(filter: string): number {
    return this.#trie.costWith(filter);
  }

  /** How many topics have a remembered route. */
  get routes(): number {
    return this.#routes.size;
  }

  /** What the remembered routes cost in memory, in bytes, their audiences included. */
  get routesBytes(): number {
    return this.#routes.bytes + this.#audienceBytes;
  }

  /** What everything that is subscribed to costs in memory, in bytes. */
  get subscriptionsBytes(): number {
    return this.#subscriptionBytes + this.#trie.nodeCount * NODE_BYTES;
  }

  /**
   * Adds a subscription, which replaces one of the same subscriber with the
   * same filter [MQTT-3.8.4-3].
   *
   * @returns The one replaced, if any.
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

  /** The entry of a filter, which takes the place of its only subscription if there was none. */
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

  /** Has the audiences of a filter look at a subscriber again, whose wire class has changed. */
  touch(subscriber: S, filter: string): void {
    this.#changes++;
    if (parseSharedFilter(filter) !== null) return;
    const held = this.#trie.get(filter);
    // Nobody has looked at a subscription that still stands for itself.
    if (held instanceof FilterEntry) held.touch(subscriber);
  }

  /** Has the members of every audience looked at again, for each route. */
  uncheck(): void {
    this.#routes.uncheck();
  }

  /**
   * The route of the topic in `bytes[start, end)`.
   *
   * @throws {MalformedPacketError} If it is not well-formed UTF-8.
   * @returns `null` if it is no valid topic name, is too long, or has too many levels.
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

  /**
   * Says how many levels and bytes topics may have from now on, and how many routes are remembered.
   * Subscriptions stay.
   */
  limitTopics(limits: Required<Pick<RouterOptions, "routesMax" | "levelsMax" | "bytesMax">>): void {
    const { routesMax, levelsMax, bytesMax } = limits;
    const isLess = levelsMax < this.#levelsMax || bytesMax < this.#bytesMax;
    this.#levelsMax = levelsMax;
    this.#bytesMax = bytesMax;
    this.#routes.limit(routesMax);
    if (isLess) this.#routes.forget((route) => this.isBeyond(route));
  }

  /** Whether the topic of a route is longer, or deeper, than topics may be. */
  isBeyond({ topic, bytes }: Route<S>): boolean {
    return bytes.length > this.#bytesMax || hasMoreLevels(topic, this.#levelsMax);
  }

  /** Says what remembered routes may cost in memory from now on, in bytes. */
  limitRoutes(bytesMax: number): void {
    this.#routesBytesMax = bytesMax;
    this.#trimRoutes(null);
  }

  /** Forgets routes until they cost no more than they may, but for `kept`. */
  #trimRoutes(kept: Route<S> | null): void {
    if (this.routesBytes <= this.#routesBytesMax) return;
    this.#routes.trim(() => this.routesBytes <= this.#routesBytesMax, kept);
  }

  /** The route of a topic. */
  routeOf(topic: string): Route<S> | null {
    const bytes = encoder.encode(topic);
    return this.route(bytes, 0, bytes.length);
  }

  /** Who receives what is published on a route, as of now. */
  audience(route: Route<S>): Audience<S> {
    // As long as nothing changes anywhere, nothing else has to be looked at.
    if (route.asOf === this.#changes) return route.audience!;
    const current = route.isCached ? route : this.#cached(route);
    if (current.seen !== this.#filters.end || current.audience === null) this.#bind(current);
    current.asOf = this.#changes;
    const audience = current.audience!;
    audience.refresh();
    return audience;
  }

  /**
   * Only a route in the cache may lead to an audience, which is let go with the
   * last of them. A connection may hold one that was dropped: it returns, unless
   * another has taken its place.
   */
  #cached(route: Route<S>): Route<S> {
    const known = this.#routes.find(route.bytes, 0, route.bytes.length, route.hash);
    if (known === null) this.#routes.add(route);
    return known ?? route;
  }

  #bind(route: Route<S>): void {
    const seen = route.seen;
    route.seen = this.#filters.end;
    if (route.audience !== null && !this.#affected(route.topic, seen)) return;
    const entries = this.#match(route.topic);
    const audience = this.#audienceOf(entries);
    entries.length = 0;
    if (audience === route.audience) return;
    this.#unbind(route);
    route.audience = audience;
    if (audience.routes++ === 0 && audience !== this.#nobody) {
      const { entries, members } = audience;
      audience.weight = AUDIENCE_BYTES + entries.length * AUDIENCE_ENTRY_BYTES +
        members.length * AUDIENCE_MEMBER_BYTES;
      this.#audienceBytes += audience.weight;
    }
    this.#trimRoutes(route);
  }

  #match(topic: string): FilterEntry<S>[] {
    const visited = this.#trie.match(topic, this.#matched);
    this.#told?.(visited);
    for (const held of this.#matched) this.#entries.push(this.#entryOf(held));
    this.#matched.length = 0;
    return this.#entries;
  }

  /** Whether a filter that matches the topic has come or gone since `seen`. */
  #affected(topic: string, seen: number): boolean {
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

  /** An audience no route leads to is let go; deliveries under way still hold it. */
  #unbind(route: Route<S>): void {
    const audience = route.audience;
    route.audience = null;
    route.asOf = -1;
    if (audience === null || --audience.routes > 0 || audience === this.#nobody) return;
    this.#audienceBytes -= audience.weight;
    if (audience.entries.length > 1) this.#audiences.delete(audienceKey(audience.entries));
    else audience.entries[0]!.solo = null;
  }
}

/** What a subscription costs, in bytes: where its filter has wildcards it is there twice. */
function subscriptionBytes(filter: string): number {
  const isCopied = hasWildcard(filter) || filter.startsWith("$share/") || mapKey(filter) !== filter;
  // Texts with characters beyond ISO 8859-1 are rare, and twice as large at most.
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
