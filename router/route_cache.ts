/** The cached routes, found by the bytes of their topics. */
import type { Audience } from "./audience.ts";
import type { Subscriber } from "./subscription.ts";

/**
 * Memory of a route without its topic, in bytes, with its entry in the cache: 190, or 390 with an
 * array for its topic in UTF-8, measured with 20,000 routes (Deno 2.9.6, 64 bits). Of a route that
 * makes the array when it is needed, the middle is counted.
 */
const ROUTE_BYTES = 260;
const ROUTE_WITH_ARRAY_BYTES = 390;
/** The longest topic, in bytes, of which no array is made before it is needed. */
export const LAZY_TOPIC_BYTES = 64;
/**
 * The maximum length of a hash chain. A longer one drops its oldest route, because a peer may
 * choose topics whose hashes collide.
 */
const CHAIN_MAX = 16;
/** A smaller cache takes every route. */
const GUARDED_FROM = 1024;
/**
 * Of so many topics for which there is no room, one leads to a look at the next route. So the topics
 * that come in turn may be so many times the routes, and some of them still have one.
 */
const REFUSED_PER_LOOK = 8;
/** One of so many is taken all the same: a new topic may come often. A multiple of the above. */
const REFUSED_MAX = 128;
const DOLLAR = 0x24;

const encoder = new TextEncoder();

/**
 * A topic that was published to, and its audience. Its fields are public, because they are read for
 * each message: they are set by the router, the last two by an observer of the audience.
 */
export class Route<S extends Subscriber> {
  /** The subscribers of the topic; `null` if they must be looked up again. */
  audience: Audience<S> | null = null;
  /** The position in the router's log of filters up to which the audience was checked. */
  seen = 0;
  /** The change count at which the audience was last up to date. */
  asOf = -1;
  /**
   * Whether the route was found since the cache last considered it for removal. Routes of topics
   * that were published to once are removed first.
   */
  used = false;
  /** Whether the route is in the cache. A connection may still hold a route that was removed. */
  isCached = false;
  /**
   * The owner of the last check of the members for this topic, and the number of members checked;
   * for that owner's use.
   */
  checkedBy: object | null = null;
  checked = 0;
  /** The next route in the chain of the same bucket. */
  next: Route<S> | null = null;

  /** The size of the topic in UTF-8, in bytes: it makes no array, as `bytes` does. */
  readonly byteLength: number;
  #bytes: Uint8Array | null;

  /**
   * @param topic The topic name.
   * @param bytes The topic name in UTF-8; owned by the route. `null` if it is ASCII, and not longer
   * than {@linkcode LAZY_TOPIC_BYTES}.
   * @param hash The hash of the bytes.
   */
  constructor(readonly topic: string, bytes: Uint8Array | null, readonly hash: number) {
    this.#bytes = bytes;
    this.byteLength = bytes?.length ?? topic.length;
  }

  /** The topic name in UTF-8. Made when it is first needed: a QoS 0 message is sent as it came. */
  get bytes(): Uint8Array {
    return this.#bytes ??= encoder.encode(this.topic);
  }

  /** Whether `bytes[start, end)` is the topic. */
  isAt(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.byteLength !== end - start) return false;
    const { topic } = this;
    if (this.byteLength !== topic.length) return sameBytes(this.#bytes!, bytes, start, end);
    // From the end, because topics of one tree differ most often in their last level.
    for (let i = topic.length - 1, at = end - 1; i >= 0; i--, at--) {
      if (topic.charCodeAt(i) !== bytes[at]) return false;
    }
    return true;
  }

  /** Whether the topic begins with `$`. */
  get isDollar(): boolean {
    return this.topic.charCodeAt(0) === DOLLAR;
  }

  /** Memory of the route, in bytes. It holds the topic as bytes and as a string. */
  get weight(): number {
    const length = this.byteLength;
    const isAscii = this.topic.length === length;
    const isLazy = isAscii && length <= LAZY_TOPIC_BYTES;
    const textBytes = isAscii ? length : this.topic.length * 2;
    return (isLazy ? ROUTE_BYTES : ROUTE_WITH_ARRAY_BYTES) + length + textBytes;
  }
}

/**
 * Routes by the bytes of their topics, so that a known topic needs neither a string nor a walk of
 * the trie. The cache keeps at most `routesMax` routes. When it is full, it removes a route that
 * was not used recently.
 */
export class RouteCache<S extends Subscriber> {
  #routesMax: number;
  readonly #seed: number;
  readonly #onDropped: (route: Route<S>) => void;
  #buckets: (Route<S> | null)[] = new Array(64).fill(null);
  /** All routes, in the order in which they are considered for removal. */
  readonly #ring: Route<S>[] = [];
  #hand = 0;
  #bytes = 0;
  /** How often a full cache refused a route. */
  #refused = 0;

  /**
   * @param routesMax The maximum number of routes, 1 or more.
   * @param seed Makes the hashes unpredictable.
   * @param onDropped Called with each route that is removed from the cache.
   */
  constructor(routesMax: number, seed: number, onDropped: (route: Route<S>) => void) {
    this.#routesMax = Math.max(1, routesMax);
    this.#seed = seed | 0;
    this.#onDropped = onDropped;
  }

  /** The number of routes. */
  get size(): number {
    return this.#ring.length;
  }

  /** Whether it has as many routes as it may have. */
  get isFull(): boolean {
    return this.#ring.length >= this.#routesMax;
  }

  /** Whether it has so many that it need not take every route. */
  get isGuarded(): boolean {
    return this.#ring.length >= GUARDED_FROM;
  }

  /** Memory of the routes, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The hash of the topic in `bytes[start, end)`. */
  hash(bytes: Uint8Array, start: number, end: number): number {
    let hash = this.#seed;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    return hash ^ hash >>> 15;
  }

  /** The route of the topic in `bytes[start, end)`. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): Route<S> | null {
    let route: Route<S> | null = this.#buckets[hash & this.#buckets.length - 1]!;
    while (route !== null && !(route.hash === hash && route.isAt(bytes, start, end))) {
      route = route.next;
    }
    if (route !== null) route.used = true;
    return route;
  }

  /** The route in the cache with the same topic as another one. */
  twinOf({ topic, hash }: Route<S>): Route<S> | null {
    let route: Route<S> | null = this.#buckets[hash & this.#buckets.length - 1]!;
    while (route !== null && !(route.hash === hash && route.topic === topic)) route = route.next;
    if (route !== null) route.used = true;
    return route;
  }

  /**
   * Whether a full cache should take one more route, in place of the next one. Seldom, if that was
   * used since the last time: of more topics in turn than the cache can keep, each would otherwise be
   * removed right before it comes again.
   */
  makesRoom(): boolean {
    if (!this.isGuarded) return true;
    if (++this.#refused % REFUSED_PER_LOOK !== 0) return false;
    const next = this.#ring[this.#hand]!;
    if (!next.used) return true;
    next.used = false;
    if (this.#refused % REFUSED_MAX === 0) return true;
    this.#hand = (this.#hand + 1) % this.#ring.length;
    return false;
  }

  /** Adds a route for a topic that has none. A full cache removes an unused route. */
  add(route: Route<S>): void {
    route.isCached = true;
    route.used = this.isGuarded;
    // While it was not here, `uncheck()` did not reach it.
    route.checkedBy = null;
    this.#bytes += route.weight;
    if (this.#ring.length >= this.#routesMax) this.#replace(route);
    else {
      if (this.#ring.length >= this.#buckets.length) this.#grow();
      this.#ring.push(route);
    }
    this.#link(route);
    this.#trimChain(route);
  }

  /** Removes routes, unused ones first, until `isSmall` returns true. `kept` stays. */
  trim(isSmall: () => boolean, kept: Route<S> | null): void {
    while (this.#ring.length > 1 && !isSmall()) {
      this.#hand %= this.#ring.length;
      const route = this.#ring[this.#hand]!;
      if (route === kept || route.used) {
        route.used = false;
        this.#hand++;
        continue;
      }
      const moved = this.#ring.pop()!;
      if (moved !== route) this.#ring[this.#hand] = moved;
      this.#drop(route);
    }
    this.#hand %= Math.max(1, this.#ring.length);
  }

  /** Changes the maximum number of routes. */
  limit(routesMax: number): void {
    this.#routesMax = Math.max(1, routesMax);
    this.trim(() => this.#ring.length <= this.#routesMax, null);
  }

  /** Removes every route for which `isGone` returns true. */
  forget(isGone: (route: Route<S>) => boolean): void {
    const all = this.#ring.splice(0);
    this.#hand = 0;
    for (const route of all) {
      if (isGone(route)) this.#drop(route);
      else this.#ring.push(route);
    }
  }

  /** Makes every route check the members of its audience again. */
  uncheck(): void {
    for (const route of this.#ring) route.checkedBy = null;
  }

  #link(route: Route<S>): void {
    const bucket = route.hash & this.#buckets.length - 1;
    route.next = this.#buckets[bucket]!;
    this.#buckets[bucket] = route;
  }

  #unlink(route: Route<S>): void {
    const bucket = route.hash & this.#buckets.length - 1;
    if (this.#buckets[bucket] === route) this.#buckets[bucket] = route.next;
    else {
      let before = this.#buckets[bucket] ?? null;
      while (before !== null && before.next !== route) before = before.next;
      if (before !== null) before.next = route.next;
    }
    route.next = null;
  }

  /** Second chance algorithm: the hand skips routes that were used since its last visit. */
  #replace(route: Route<S>): void {
    while (this.#ring[this.#hand]!.used) {
      this.#ring[this.#hand]!.used = false;
      this.#hand = (this.#hand + 1) % this.#ring.length;
    }
    const old = this.#ring[this.#hand]!;
    this.#ring[this.#hand] = route;
    this.#hand = (this.#hand + 1) % this.#ring.length;
    this.#drop(old);
  }

  #drop(route: Route<S>): void {
    this.#unlink(route);
    this.#bytes -= route.weight;
    route.isCached = false;
    this.#onDropped(route);
  }

  /** Limits the cost of a lookup. The last route of the chain is the oldest. */
  #trimChain(newest: Route<S>): void {
    let length = 1;
    let last = newest;
    while (last.next !== null) {
      last = last.next;
      length++;
    }
    if (length <= CHAIN_MAX) return;
    const index = this.#ring.indexOf(last);
    const moved = this.#ring.pop()!;
    if (moved !== last) this.#ring[index] = moved;
    this.#hand %= Math.max(1, this.#ring.length);
    this.#drop(last);
  }

  #grow(): void {
    this.#buckets = new Array(this.#buckets.length * 4).fill(null);
    for (const route of this.#ring) this.#link(route);
  }
}

/** Whether `bytes[start, end)` equals `topic`. */
export function sameBytes(
  topic: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (topic.length !== end - start) return false;
  // From the end, because topics of one tree differ most often in their last level.
  for (let i = topic.length - 1, at = end - 1; i >= 0; i--, at--) {
    if (topic[i] !== bytes[at]) return false;
  }
  return true;
}
