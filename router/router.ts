/** Finds the audience of a topic, and caches it with the route of the topic. */
import { decodeUtf8 } from "../codec/utf8.ts";
import type { Audience } from "./audience.ts";
import { AudienceTable } from "./audience_table.ts";
import type { FilterEntry } from "./filter_entry.ts";
import { LAZY_TOPIC_BYTES, Route, RouteCache } from "./route_cache.ts";
import type { SharedGroup } from "./shared_group.ts";
import type { Subscriber, Subscription } from "./subscription.ts";
import { SubscriptionIndex } from "./subscription_index.ts";
import { hasMoreLevels, topicNameFault } from "./topic.ts";

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
  onMatched?: (nodes: number) => void;
}

/** Is told of all subscriptions that come and go. */
export interface SubscriptionWatcher<S extends Subscriber> {
  /** A subscription was added, in the place of `previous` if there was one. */
  onSubscribed(subscription: Subscription<S>, previous: Subscription<S> | undefined): void;
  /** A subscription was removed. */
  onUnsubscribed(subscription: Subscription<S>): void;
}

/** Memory of an audience of one, in bytes: about what a new route adds, besides itself. */
const SMALL_AUDIENCE_BYTES = 350;

const encoder = new TextEncoder();

/**
 * Finds the subscribers of a topic.
 *
 * The result for a topic, its audience, is cached with its route. The route keeps the position in
 * the changes of all subscriptions at which its audience was right, so that it is looked up again
 * only if a change since then affects it.
 */
export class Router<S extends Subscriber> {
  readonly #index: SubscriptionIndex<S>;
  readonly #routes: RouteCache<S>;
  readonly #audiences = new AudienceTable<S>();
  #levelsMax: number;
  #bytesMax: number;
  /** The maximum memory of cached routes, in bytes. One route is always cached. */
  #routesBytesMax: number;
  /** Told of every subscription that comes or goes; `null` for nobody, written by its owner. */
  watcher: SubscriptionWatcher<S> | null = null;
  /** The entries that match a topic; reused to avoid garbage. */
  readonly #entries: FilterEntry<S>[] = [];

  constructor(options: RouterOptions = {}) {
    const { routesMax = 65_536, seed = 0, levelsMax = Infinity, bytesMax = Infinity } = options;
    this.#index = new SubscriptionIndex<S>(options.onMatched);
    this.#bytesMax = bytesMax;
    this.#routesBytesMax = options.routesBytesMax ?? 32 * 1024 * 1024;
    this.#levelsMax = levelsMax;
    this.#routes = new RouteCache<S>(routesMax, seed, (route) => this.#unbind(route));
  }

  /** The number of topic filters that have a subscriber. */
  get filters(): number {
    return this.#index.filters;
  }

  /** The number of subscriptions. */
  get subscriptions(): number {
    return this.#index.size;
  }

  /** The number of shared subscriptions. */
  get sharedSubscriptions(): number {
    return this.#index.sharedSize;
  }

  /** Memory of all subscriptions, in bytes. */
  get subscriptionsBytes(): number {
    return this.#index.bytes;
  }

  /** The maximum number of trie nodes that a match visits, for any topic. */
  get matchCost(): number {
    return this.#index.matchCost;
  }

  /**
   * The value of {@linkcode matchCost} after one more filter is added. The filter must not be a
   * shared one.
   */
  matchCostWith(filter: string): number {
    return this.#index.matchCostWith(filter);
  }

  /** The number of cached routes. */
  get routes(): number {
    return this.#routes.size;
  }

  /** Memory of the cached routes and their audiences, in bytes. */
  get routesBytes(): number {
    return this.#routes.bytes + this.#audiences.bytes;
  }

  /**
   * Adds a subscription. It replaces one of the same subscriber with the same filter
   * [MQTT-3.8.4-3].
   *
   * @returns The replaced subscription, if any.
   */
  subscribe(subscription: Subscription<S>): Subscription<S> | undefined {
    const previous = this.#index.subscribe(subscription);
    this.watcher?.onSubscribed(subscription, previous);
    return previous;
  }

  /** Removes a subscription and returns it. */
  unsubscribe(subscriber: S, filter: string): Subscription<S> | undefined {
    const previous = this.#index.unsubscribe(subscriber, filter);
    if (previous !== undefined) this.watcher?.onUnsubscribed(previous);
    return previous;
  }

  /** All subscriptions, in no order. One that comes or goes meanwhile may be left out. */
  allSubscriptions(): Generator<Subscription<S>, void, void> {
    return this.#index.subscriptions();
  }

  /** A shared group, if it has members. */
  group(filter: string, name: string): SharedGroup<S> | undefined {
    return this.#index.group(filter, name);
  }

  /** Makes the audiences of a filter check a subscriber again after its wire class has changed. */
  touch(subscriber: S, filter: string): void {
    this.#index.touch(subscriber, filter);
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
    const isLazy = topic.length === end - start && topic.length <= LAZY_TOPIC_BYTES;
    const route = new Route<S>(topic, isLazy ? null : bytes.slice(start, end), hash);
    // Where there is no room, `audience()` decides whether the route is worth it.
    if (!this.#routes.isGuarded || this.#hasRoom(route)) {
      this.#routes.add(route);
      this.#trimRoutes(route);
    }
    return route;
  }

  /** Whether the cache need not remove a route for another one. */
  #hasRoom({ weight }: Route<S>): boolean {
    return !this.#routes.isFull &&
      this.routesBytes + weight + SMALL_AUDIENCE_BYTES <= this.#routesBytesMax;
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
    if (route.asOf === this.#index.changes) return route.audience!;
    const current = route.isCached ? route : this.#cached(route);
    if (current === null) return route.audience!;
    if (current.seen !== this.#index.filterChanges || current.audience === null) {
      this.#bind(current);
    }
    current.asOf = this.#index.changes;
    const audience = current.audience!;
    audience.refresh();
    if (this.#audiences.weigh(audience)) this.#trimRoutes(current);
    return audience;
  }

  /**
   * The route in the cache for the topic of one that is not there: only there an audience is kept up
   * to date, and released with its last route. It may be another one, because a connection may hold a
   * removed route.
   *
   * @returns `null` if the cache has no room for it. Then the route itself has an audience for now.
   */
  #cached(route: Route<S>): Route<S> | null {
    const known = this.#routes.twinOf(route);
    if (known !== null) return known;
    if (!this.#hasRoom(route) && !this.#routes.makesRoom() && this.#bindOnce(route)) return null;
    route.audience = null;
    route.seen = 0;
    this.#routes.add(route);
    return route;
  }

  /** Gives a route its audience until the next change. Returns false if it is one to be kept. */
  #bindOnce(route: Route<S>): boolean {
    const entries = this.#entries;
    const one = this.#index.match(route.topic, entries);
    const audience = one === null ? this.#audiences.once(entries) : this.#audiences.onceOf(one);
    entries.length = 0;
    if (audience === null) return false;
    route.audience = audience;
    route.asOf = this.#index.changes;
    return true;
  }

  #bind(route: Route<S>): void {
    const seen = route.seen;
    route.seen = this.#index.filterChanges;
    if (route.audience !== null && !this.#index.isAffected(route.topic, seen)) return;
    const one = this.#index.match(route.topic, this.#entries);
    const audience = one === null ? this.#audiences.get(this.#entries) : this.#audiences.of(one);
    this.#entries.length = 0;
    if (audience === route.audience) return;
    this.#unbind(route);
    route.audience = audience;
    audience.routes++;
  }

  /** Releases the audience of a route, and removes it with its last route. */
  #unbind(route: Route<S>): void {
    const audience = route.audience;
    route.audience = null;
    route.asOf = -1;
    if (audience !== null && --audience.routes === 0) this.#audiences.remove(audience);
  }
}
