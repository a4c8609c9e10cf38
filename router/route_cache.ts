import type { Audience } from "./audience.ts";
import type { Subscriber } from "./subscription.ts";

/**
 * What a route costs in memory beside its topic, in bytes: 360 to 390 with its place in the cache,
 * measured with 20,000 of them (Deno 2.9.6, 64 bits).
 */
const ROUTE_BYTES = 390;
/** A chain of colliding topics this long loses its oldest: hashes can be attacked. */
const CHAIN_MAX = 16;

/** A topic that has been published to, and who receives it. */
export class Route<S extends Subscriber> {
  /** Who receives; `null` when it has to be found anew. */
  audience: Audience<S> | null = null;
  /** How far in the log of filters the audience is known to be right. */
  seen = 0;
  /** The count of changes as of which the audience is known to be up to date. */
  asOf = -1;
  /**
   * Whether the route was found again since the cache last looked for one to
   * drop: a topic that is published to once makes room before all others.
   */
  used = false;
  /** Whether the route is in the cache; whoever holds it may have it still when it is not. */
  isCached = false;
  /** Who has looked at the members of its audience for this topic, and at how many; its own use. */
  checkedBy: object | null = null;
  checked = 0;
  /** The next route of the same hash. */
  next: Route<S> | null = null;

  /**
   * @param topic The topic name.
   * @param bytes The same in UTF-8; owned by the route.
   * @param hash Of the bytes.
   */
  constructor(readonly topic: string, readonly bytes: Uint8Array, readonly hash: number) {}

  /** What it costs in memory, in bytes: the topic is there as bytes and as a text. */
  get weight(): number {
    const { topic, bytes } = this;
    const textBytes = topic.length === bytes.length ? topic.length : topic.length * 2;
    return ROUTE_BYTES + bytes.length + textBytes;
  }
}

/**
 * Routes by the bytes of their topics, so that a topic seen before costs
 * neither a string nor a walk of the trie. It keeps at most `routesMax`
 * routes, and drops one that has not been used for a while to make room.
 */
export class RouteCache<S extends Subscriber> {
  #routesMax: number;
  readonly #seed: number;
  readonly #dropped: (route: Route<S>) => void;
  #buckets: (Route<S> | null)[] = new Array(64).fill(null);
  /** All routes, in the order in which they are considered for dropping. */
  readonly #ring: Route<S>[] = [];
  #hand = 0;
  #bytes = 0;

  /**
   * @param routesMax How many routes are kept, 1 or more.
   * @param seed Makes hashes unpredictable.
   * @param dropped Called with each route that leaves the cache.
   */
  constructor(routesMax: number, seed: number, dropped: (route: Route<S>) => void) {
    this.#routesMax = Math.max(1, routesMax);
    this.#seed = seed | 0;
    this.#dropped = dropped;
  }

  /** How many routes there are. */
  get size(): number {
    return this.#ring.length;
  }

  /** What they cost in memory, in bytes. */
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
    while (route !== null && !(route.hash === hash && sameBytes(route.bytes, bytes, start, end))) {
      route = route.next;
    }
    if (route !== null) route.used = true;
    return route;
  }

  /** Adds a route for a topic that has none; the oldest unused one makes room. */
  add(route: Route<S>): void {
    route.isCached = true;
    this.#bytes += route.weight;
    if (this.#ring.length >= this.#routesMax) this.#replace(route);
    else {
      if (this.#ring.length >= this.#buckets.length) this.#grow();
      this.#ring.push(route);
    }
    this.#link(route);
    this.#trimChain(route);
  }

  /** Drops routes, those not used for a while first, until `isSmall` says so; `kept` stays. */
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

  /** Says how many routes are kept from now on. */
  limit(routesMax: number): void {
    this.#routesMax = Math.max(1, routesMax);
    this.trim(() => this.#ring.length <= this.#routesMax, null);
  }

  /** Drops every route that `isGone` says it of. */
  forget(isGone: (route: Route<S>) => boolean): void {
    const all = this.#ring.splice(0);
    this.#hand = 0;
    for (const route of all) {
      if (isGone(route)) this.#drop(route);
      else this.#ring.push(route);
    }
  }

  /** Has the members of every audience looked at again, for each route. */
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

  /** Second chance: the hand passes over routes used since it last came by. */
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
    this.#dropped(route);
  }

  /** Bounds what a lookup can cost; the last of the chain is its oldest. */
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

/** Whether `bytes[start, end)` is just `topic`. */
export function sameBytes(
  topic: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (topic.length !== end - start) return false;
  // From the end: topics of one tree differ most often in their last level.
  for (let i = topic.length - 1, at = end - 1; i >= 0; i--, at--) {
    if (topic[i] !== bytes[at]) return false;
  }
  return true;
}
