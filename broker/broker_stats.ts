/**
 * `Broker.stats`: the counters of a broker, and its current sizes.
 *
 * @module
 */
import type { BrokerCounters } from "./base/stats.ts";
import type { BrokerParts } from "./broker_parts.ts";
import type { MemoryBudget, MemoryUse } from "./limits/memory_budget.ts";

/** The memory that clients cause the broker to use, in bytes: counted, not measured. */
export interface MemoryStats extends MemoryUse {
  /** The sum of all kinds, in bytes. */
  readonly bytes: number;
  /** Its limit, in bytes: `memoryBytesMax`, or its default. */
  readonly bytesMax: number;
}

/**
 * The counters of a broker since its start, and its current sizes.
 *
 * The object is live: each property has its current value. `{ ...broker.stats }` makes a copy.
 */
export interface BrokerStats extends Readonly<BrokerCounters> {
  /** The current number of sessions, connected or not. */
  readonly sessions: number;
  /** The current number of subscriptions, including those of the program. */
  readonly subscriptions: number;
  /** The current number of shared subscriptions. */
  readonly sharedSubscriptions: number;
  /** The current number of retained messages. */
  readonly retainedMessages: number;
  /** Memory of retained messages, in bytes. */
  readonly retainedBytes: number;
  /** The current number of messages that are published later. */
  readonly delayedMessages: number;
  /** Memory of these, in bytes. */
  readonly delayedBytes: number;
  /** The weight of the stored messages, in bytes; 0 without a store. */
  readonly storedBytes: number;
  /** The memory that clients cause the broker to use, in bytes. */
  readonly memory: MemoryStats;
}

/** Adds the current sizes of a broker to its counters. */
export function statsOf(parts: BrokerParts): BrokerStats {
  const holds = {
    get sessions() {
      return parts.sessions.clients;
    },
    get subscriptions() {
      return parts.router.subscriptions - parts.nodeShare.subscriptions;
    },
    get sharedSubscriptions() {
      return parts.router.sharedSubscriptions - parts.nodeShare.sharedSubscriptions;
    },
    get retainedMessages() {
      return parts.retained.size;
    },
    get retainedBytes() {
      return parts.retained.bytes;
    },
    get delayedMessages() {
      return parts.delayed.size;
    },
    get delayedBytes() {
      return parts.delayed.bytes;
    },
    get storedBytes() {
      return parts.journal?.bytes ?? 0;
    },
    get memory() {
      return memoryOf(parts.memory);
    },
  };
  const shown = Object.getOwnPropertyDescriptors(holds);
  return Object.defineProperties(parts.context.stats, shown) as BrokerCounters & typeof holds;
}

function memoryOf({ use, bytesMax }: MemoryBudget): MemoryStats {
  const bytes = Object.values(use).reduce((sum, one) => sum + one, 0);
  return { ...use, bytes, bytesMax };
}
