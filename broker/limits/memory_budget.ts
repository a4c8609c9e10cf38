import type { BrokerContext } from "../base/context.ts";
import { HeapMonitor } from "../base/heap_monitor.ts";
import { CONNECTION_BYTES } from "../base/memory_costs.ts";
import { bytesKept, type Message } from "../base/message.ts";
import { type Holders, MemoryWalk } from "./memory_walk.ts";

/** The part of what V8's heap may grow to that is the budget, unless it is told. */
export const HEAP_SHARE = 0.4;
/** The budget where nothing is known of the heap, in bytes. */
const UNKNOWN_BYTES = 512 * 1024 * 1024;
/** Up to which part of the budget each kind of thing may grow. */
const SHARES = {
  /** Caches: what they take is there for others when those need it. */
  cache: 0.75,
  /** What stays until somebody removes it: retained messages, subscriptions, topic aliases. */
  table: 0.9,
  /** Messages that wait for somebody, or for an acknowledgement. */
  message: 0.95,
  /** Sessions: who comes is let in even where the others have filled the rest. */
  session: 1,
} as const;
/** What routes and pages of the store may always have, in bytes: without them all is slow. */
const CACHE_BYTES_MIN = 256 * 1024;
/** The most of the budget that routes may have, and pages. */
const CACHE_SHARE = 1 / 4;
/** By which part of the budget messages may grow before the sessions are walked again. */
const WALK_SHARE = 1 / 32;
/** A walk begins so long after the one before at the earliest, in milliseconds. */
const WALK_MS = 200;
/** The heap is looked at so often at most, in milliseconds. */
const GLANCE_MS = 1000;

/** What is about to grow. */
export type Growth = Exclude<keyof typeof SHARES, "cache">;

/** What each kind of thing costs in memory, in bytes. */
export interface MemoryUse {
  /** Routes that are remembered. */
  readonly routes: number;
  /** Retained messages and the tree they are in. */
  readonly retained: number;
  /** Subscriptions, shared groups included. */
  readonly subscriptions: number;
  /** Sessions, with their wills. */
  readonly sessions: number;
  /** Connections, with their topic aliases and what they read into. */
  readonly connections: number;
  /** Messages that wait or are in flight, and bytes on their way from and to clients. */
  readonly messages: number;
  /** Pages of the store that are in memory, too. */
  readonly pages: number;
}

/** The parts of a broker whose memory is counted. */
export interface MemoryHolders extends Holders {
  readonly router: {
    readonly routesBytes: number;
    readonly subscriptionsBytes: number;
    limitRoutes(bytesMax: number): void;
  };
  readonly retained: { readonly bytes: number };
  readonly sessions: Holders["sessions"] & { readonly bytes: number };
  readonly connections: Holders["connections"] & { readonly size: number };
  readonly journal: { readonly memoryBytes: number } | null;
}

/**
 * What everything that clients make the broker hold may cost in memory together.
 *
 * Near the budget caches make room first; then whatever would grow is refused, and counted. What
 * makes things smaller is never asked. Sums that are kept are added up whenever somebody asks; what
 * sessions and connections hold is found out by a walk, since the same message may wait for ten
 * thousand of them: in between, every message that is kept counts as if it stayed.
 */
export class MemoryBudget {
  /** What topic aliases cost, in bytes. */
  aliasBytes = 0;
  /** What buffers cost that connections read into, in bytes. */
  inputBytes = 0;
  readonly #context: BrokerContext;
  readonly #holders: MemoryHolders;
  readonly #heap: HeapMonitor;
  readonly #walk: MemoryWalk;
  /** The budget of a broker that is not told one, in bytes. */
  readonly #defaultBytesMax: number;
  /** How many bytes had been kept when the last walk began, and when somebody looked last. */
  #keptBefore = bytesKept();
  #keptAtLook = this.#keptBefore;
  #walkedMs = -Infinity;
  #glancedMs = -Infinity;
  /** Whether messages that wait have no room, as of the last look. */
  #isFull = false;
  /** What caches of one kind may have, in bytes. */
  #cacheRoom = Infinity;
  /** What has gathered in outboxes since the last walk, in bytes. */
  #lagBytes = 0;

  constructor(context: BrokerContext, holders: MemoryHolders) {
    this.#context = context;
    this.#holders = holders;
    this.#heap = new HeapMonitor(context.settings.heap);
    this.#walk = new MemoryWalk(context, holders);
    const { limitBytes } = this.#heap;
    this.#defaultBytesMax = limitBytes > 0 ? Math.floor(limitBytes * HEAP_SHARE) : UNKNOWN_BYTES;
  }

  /** Goes by limits that have changed. */
  applyLimits(): void {
    this.fitCaches();
  }

  /** What it all may cost, in bytes. */
  get bytesMax(): number {
    return this.#context.limits.memoryBytesMax || this.#defaultBytesMax;
  }

  /** What it all costs as of now, in bytes. */
  get bytes(): number {
    const { router, journal } = this.#holders;
    return this.#tableBytes + router.routesBytes + (journal?.memoryBytes ?? 0);
  }

  /** What is no cache, in bytes. */
  get #tableBytes(): number {
    const { router, retained, sessions, connections } = this.#holders;
    return retained.bytes + router.subscriptionsBytes + sessions.bytes + this.#messageBytes +
      connections.size * CONNECTION_BYTES + this.aliasBytes + this.inputBytes;
  }

  /** The same by kind. */
  get use(): MemoryUse {
    const { router, retained, sessions, connections, journal } = this.#holders;
    return {
      routes: router.routesBytes,
      retained: retained.bytes,
      subscriptions: router.subscriptionsBytes,
      sessions: sessions.bytes,
      connections: connections.size * CONNECTION_BYTES + this.aliasBytes + this.inputBytes,
      messages: this.#messageBytes,
      pages: journal?.memoryBytes ?? 0,
    };
  }

  /** Whether something may grow by so many bytes; caches make room for it first. */
  mayGrow(growth: Growth, bytes: number): boolean {
    const max = this.bytesMax;
    this.#glance();
    const wanted = this.#tableBytes + bytes;
    const isShort = this.#heap.isShort;
    this.#isFull = isShort || wanted > max * SHARES.message;
    if (isShort || wanted > max * SHARES[growth]) {
      this.#walkSoon();
      return false;
    }
    if (this.bytes + bytes <= max * SHARES.cache) return true;
    this.fitCaches();
    return this.bytes + bytes <= max * SHARES[growth];
  }

  /**
   * Whether any message may be kept for somebody: there was room for more than has been kept since
   * the last look. Asked for each message that is acknowledged.
   */
  get isAmple(): boolean {
    return !this.#isFull && bytesKept() - this.#keptAtLook < CACHE_BYTES_MIN;
  }

  /** Whether another message may be kept for somebody. */
  mayKeep(bytes: number): boolean {
    if (this.isAmple) return true;
    const kept = bytesKept();
    this.#keptAtLook = kept;
    const max = this.bytesMax;
    if (kept - this.#keptBefore > max * WALK_SHARE) this.#walkSoon();
    return this.mayGrow("message", bytes);
  }

  /** Whether something may grow by so many bytes of memory; if not, that is counted and told. */
  admits(growth: Growth, bytes: number, clientId: string | null): boolean {
    const isAdmitted = this.mayGrow(growth, bytes);
    if (!isAdmitted) this.#context.limited("memory", null, clientId);
    return isAdmitted;
  }

  /** Whether there is memory for a message that has to be kept; if not, that is counted and told. */
  admitsMessage(message: Message, clientId: string | null): boolean {
    const isAdmitted = this.mayKeep(message.weight);
    if (!isAdmitted) this.#context.limited("memory", null, clientId);
    return isAdmitted;
  }

  /**
   * How far a subscriber may lag, in bytes: much less where memory is short.
   *
   * @param appended What has gathered for it since it was asked last.
   */
  lagMax(appended: number): number {
    const { lagBytesMax, highWaterBytes } = this.#context.limits;
    this.#lagBytes += appended;
    if (this.#lagBytes > this.bytesMax * WALK_SHARE) {
      this.#walkSoon();
      this.mayGrow("message", 0);
    }
    return this.#isFull ? Math.min(lagBytesMax, highWaterBytes) : lagBytesMax;
  }

  /** What pages of the store that are in memory, too, may cost as things are, in bytes. */
  get pagesBytesMax(): number {
    return Math.min(this.#context.limits.storeCacheBytesMax, this.#cacheRoom);
  }

  /** Says what caches may have of the budget: routes give what is beyond it at once. */
  fitCaches(): void {
    const { limits } = this.#context;
    const { router, journal } = this.#holders;
    const max = this.bytesMax;
    const pages = journal?.memoryBytes ?? 0;
    const room = max * SHARES.cache - this.#tableBytes;
    this.#cacheRoom = Math.max(CACHE_BYTES_MIN, Math.min(room, max * CACHE_SHARE));
    const routesMax = Math.max(CACHE_BYTES_MIN, Math.min(room - pages, max * CACHE_SHARE));
    router.limitRoutes(Math.min(limits.routesBytesMax, routesMax));
  }

  /** Finds out at once what sessions and connections hold, in one go; for measurements. */
  settle(): void {
    const kept = bytesKept();
    this.#walk.all();
    this.#keptBefore = kept;
  }

  /** Stops looking. */
  stop(): void {
    this.#walk.stop();
  }

  get #messageBytes(): number {
    return this.#walk.bytes + bytesKept() - this.#keptBefore;
  }

  /** Finds out again what sessions and connections hold, unless that is known well enough. */
  #walkSoon(): void {
    const now = this.#context.clock.now();
    if (this.#walk.isUnderWay || now - this.#walkedMs < WALK_MS) return;
    this.#walkedMs = now;
    const kept = bytesKept();
    this.#walk.start(() => {
      this.#keptBefore = kept;
      this.#lagBytes = 0;
      this.#isFull = false;
    });
  }

  #glance(): void {
    const now = this.#context.clock.now();
    if (now - this.#glancedMs < GLANCE_MS) return;
    this.#glancedMs = now;
    this.#heap.glance();
    // What caches had to give they may have again.
    this.fitCaches();
  }
}
