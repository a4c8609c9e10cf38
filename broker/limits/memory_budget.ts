/** The limit on all memory that clients cause, and what is refused near it. */
import type { BrokerContext } from "../base/context.ts";
import { HeapMonitor } from "../base/heap_monitor.ts";
import { CONNECTION_BYTES, INBOUND_ID_BYTES } from "../base/memory_costs.ts";
import { bytesKept, type Message } from "../base/message.ts";
import { type Holders, MemoryWalk } from "./memory_walk.ts";

/** The default budget, as a share of the maximum size of V8's heap. */
export const HEAP_SHARE = 0.4;
/** The budget if the size of the heap is unknown, in bytes. */
const UNKNOWN_BYTES = 512 * 1024 * 1024;
/** The share of the budget up to which each kind may grow. */
const SHARES = {
  /** Caches can be released when others need the memory. */
  cache: 0.75,
  /** Data that stays until it is removed: retained messages, subscriptions, topic aliases. */
  table: 0.9,
  /** Messages that wait for delivery, or for an acknowledgement. */
  message: 0.95,
  /** Sessions: a new client is accepted even if the other kinds have filled their shares. */
  session: 1,
} as const;
/** The bytes that each cache may always use: without routes and pages of the store all is slow. */
const CACHE_BYTES_MIN = 256 * 1024;
/** The maximum share of the budget for routes, and for pages. */
const CACHE_SHARE = 1 / 4;
/** The maximum share of the budget for one table of recent addresses or client identifiers. */
const RECORDS_SHARE = 1 / 16;
/** By which part of the budget messages may grow before the sessions are walked again. */
const WALK_SHARE = 1 / 32;
/** The minimum time between two walks, in milliseconds. */
const WALK_MS = 200;
/** Unreleased identifiers of QoS 2 messages that each client may have even if memory is short. */
const INBOUND_IDS_FREE = 8;
/** The minimum time between two checks of the heap, in milliseconds. */
const GLANCE_MS = 1000;

/** A kind of data that is about to grow. */
export type Growth = Exclude<keyof typeof SHARES, "cache">;

/** Memory of each kind of data, in bytes. */
export interface MemoryUse {
  /** Cached routes. */
  readonly routes: number;
  /** Retained messages and their tree. */
  readonly retained: number;
  /** Subscriptions, including shared groups. */
  readonly subscriptions: number;
  /** Sessions, with their wills. */
  readonly sessions: number;
  /** Connections, with their topic aliases and input buffers. */
  readonly connections: number;
  /** Messages that wait or are in flight, and bytes on their way from and to clients. */
  readonly messages: number;
  /** Pages and streams of the store that are in memory too. */
  readonly pages: number;
  /** What limiters remember of addresses and client identifiers. */
  readonly records: number;
}

/** The parts of a broker whose memory is counted. */
export interface MemoryHolders extends Holders {
  readonly router: {
    readonly routesBytes: number;
    readonly subscriptionsBytes: number;
    limitRoutes(bytesMax: number): void;
  };
  readonly retained: { readonly bytes: number };
  readonly retainedDeletions: { readonly bytes: number };
  readonly delayed: { readonly bytes: number };
  readonly sessions: Holders["sessions"] & { readonly bytes: number };
  readonly connections: Holders["connections"] & { readonly size: number };
  readonly journal: { readonly memoryBytes: number } | null;
  readonly streams: { readonly memoryBytes: number };
  readonly limiters: { readonly bytes: number; limitBytes(bytesMax: number): void };
}

/**
 * Limits the total memory that clients cause the broker to use.
 *
 * Near the budget caches shrink first. Then growth is refused, and counted. Operations that free
 * memory are always allowed. Sums that the parts keep are added on demand. The memory of sessions
 * and connections is found by a walk, because the same message may wait for ten thousand of them.
 * Between two walks every kept message counts as if it stayed.
 */
export class MemoryBudget {
  /** Memory of topic aliases, in bytes. */
  aliasBytes = 0;
  /** Memory of the input buffers of connections, in bytes. */
  inputBytes = 0;
  readonly #context: BrokerContext;
  readonly #holders: MemoryHolders;
  readonly #heap: HeapMonitor;
  readonly #walk: MemoryWalk;
  /** The default budget, in bytes. */
  readonly #defaultBytesMax: number;
  /** The bytes kept when the last walk began, and at the last check. */
  #keptBefore = bytesKept();
  #keptAtLook = this.#keptBefore;
  #walkedMs = -Infinity;
  #glancedMs = -Infinity;
  /** Whether there was no room for waiting messages at the last check. */
  #isFull = false;
  /** The budget for one kind of cache, in bytes. */
  #cacheRoom = Infinity;
  /** Bytes that gathered in outboxes since the last walk. */
  #lagBytes = 0;

  constructor(context: BrokerContext, holders: MemoryHolders) {
    this.#context = context;
    this.#holders = holders;
    this.#heap = new HeapMonitor(context.settings.heap);
    this.#walk = new MemoryWalk(context, holders);
    const { limitBytes } = this.#heap;
    this.#defaultBytesMax = limitBytes > 0 ? Math.floor(limitBytes * HEAP_SHARE) : UNKNOWN_BYTES;
  }

  /** Applies changed limits. */
  applyLimits(): void {
    this.fitCaches();
  }

  /** The budget, in bytes. */
  get bytesMax(): number {
    return this.#context.limits.memoryBytesMax || this.#defaultBytesMax;
  }

  /** The memory in use, in bytes. */
  get bytes(): number {
    const { router, journal, limiters, streams } = this.#holders;
    return this.#tableBytes + router.routesBytes + (journal?.memoryBytes ?? 0) + limiters.bytes +
      streams.memoryBytes;
  }

  /** Memory that is not a cache, in bytes. */
  get #tableBytes(): number {
    const { router, retained, retainedDeletions } = this.#holders;
    const { sessions, connections, delayed } = this.#holders;
    return retained.bytes + retainedDeletions.bytes + delayed.bytes + router.subscriptionsBytes +
      sessions.bytes +
      this.#messageBytes +
      connections.size * CONNECTION_BYTES + this.aliasBytes + this.inputBytes;
  }

  /** The memory in use by kind. */
  get use(): MemoryUse {
    const { router, retained, sessions, connections, journal, limiters, streams } = this.#holders;
    const { delayed, retainedDeletions } = this.#holders;
    return {
      routes: router.routesBytes,
      retained: retained.bytes + retainedDeletions.bytes,
      subscriptions: router.subscriptionsBytes,
      sessions: sessions.bytes,
      connections: connections.size * CONNECTION_BYTES + this.aliasBytes + this.inputBytes,
      messages: this.#messageBytes + delayed.bytes,
      pages: (journal?.memoryBytes ?? 0) + streams.memoryBytes,
      records: limiters.bytes,
    };
  }

  /** Whether a kind may grow by `bytes`. Caches shrink first. */
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
   * Whether any message may be kept: there was room for more than was kept since the last check.
   * Called for each acknowledged message, so it must be cheap.
   */
  get isAmple(): boolean {
    return !this.#isFull && bytesKept() - this.#keptAtLook < CACHE_BYTES_MIN;
  }

  /** Whether another message may be kept. */
  mayKeep(bytes: number): boolean {
    if (this.isAmple) return true;
    const kept = bytesKept();
    this.#keptAtLook = kept;
    const max = this.bytesMax;
    if (kept - this.#keptBefore > max * WALK_SHARE) this.#walkSoon();
    return this.mayGrow("message", bytes);
  }

  /** Whether a kind may grow by `bytes` of memory. If not, that is counted and reported. */
  admits(growth: Growth, bytes: number, clientId: string | null): boolean {
    const isAdmitted = this.mayGrow(growth, bytes);
    if (!isAdmitted) this.#context.reportLimit("memory", null, clientId);
    return isAdmitted;
  }

  /**
   * Whether there is memory for a message that must be kept. If not, that is counted and reported.
   */
  admitsMessage(message: Message, clientId: string | null): boolean {
    const isAdmitted = this.mayKeep(message.weight);
    if (!isAdmitted) this.#context.reportLimit("memory", null, clientId);
    return isAdmitted;
  }

  /**
   * Whether there is memory for the identifier of one more QoS 2 message, which is kept until the
   * client releases it; if not, that is counted and told.
   *
   * @param held How many are kept for the client.
   */
  admitsId(held: number, clientId: string): boolean {
    if (held < INBOUND_IDS_FREE || this.mayKeep(INBOUND_ID_BYTES)) return true;
    this.#context.reportLimit("memory", null, clientId);
    return false;
  }

  /**
   * How far a subscriber may lag, in bytes: much less where memory is short.
   *
   * @param appended Bytes that gathered for it since the last call.
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

  /** The current maximum of the store's pages in memory, in bytes. */
  get pagesBytesMax(): number {
    return Math.min(this.#context.limits.storeCacheBytesMax, this.#cacheRoom);
  }

  /**
   * Says what caches may have of the budget: routes, and what limiters remember, give what is beyond
   * it at once.
   */
  fitCaches(): void {
    const { limits } = this.#context;
    const { router, journal, limiters } = this.#holders;
    const max = this.bytesMax;
    const pages = journal?.memoryBytes ?? 0;
    const room = max * SHARES.cache - this.#tableBytes;
    this.#cacheRoom = Math.max(CACHE_BYTES_MIN, Math.min(room, max * CACHE_SHARE));
    limiters.limitBytes(Math.max(CACHE_BYTES_MIN, Math.min(room - pages, max * RECORDS_SHARE)));
    const left = room - pages - limiters.bytes;
    const routesMax = Math.max(CACHE_BYTES_MIN, Math.min(left, max * CACHE_SHARE));
    router.limitRoutes(Math.min(limits.routesBytesMax, routesMax));
  }

  /** Walks all sessions and connections at once; for measurements. */
  settle(): void {
    const kept = bytesKept();
    this.#walk.all();
    this.#keptBefore = kept;
  }

  /** Stops the walks. */
  stop(): void {
    this.#walk.stop();
  }

  get #messageBytes(): number {
    return this.#walk.bytes + bytesKept() - this.#keptBefore;
  }

  /** Starts a walk of the sessions and connections, unless the last result is good enough. */
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
    // Caches that had to shrink may grow again.
    this.fitCaches();
  }
}
