/**
 * What `Broker.stats` shows: the counters of a broker, and how much it holds as of now.
 *
 * @module
 */
import type { BrokerCounters } from "./base/stats.ts";
import type { BrokerParts } from "./broker_parts.ts";
import type { MemoryBudget, MemoryUse } from "./limits/memory_budget.ts";

/**
 * What clients make a broker hold in memory, in bytes: counted, not measured. The sum and its bound
 * are beside what each kind of thing costs.
 */
export interface MemoryStats extends MemoryUse {
  /** The sum, in bytes. */
  readonly bytes: number;
  /** Its bound, in bytes: `memoryBytesMax` of the limits, or what stands for it. */
  readonly bytesMax: number;
}

/**
 * What a broker has counted since its start, and how much it holds as of now.
 *
 * The object is live: it shows what is so when it is looked at. `{ ...broker.stats }` is a copy.
 */
export interface BrokerStats extends Readonly<BrokerCounters> {
  /** Sessions as of now, connected or not. */
  readonly sessions: number;
  /** Subscriptions as of now, those of the program included. */
  readonly subscriptions: number;
  /** How many of them are shared ones. */
  readonly sharedSubscriptions: number;
  /** Messages that are retained as of now. */
  readonly retainedMessages: number;
  /** What they cost in memory, in bytes. */
  readonly retainedBytes: number;
  /** What the messages in the store weigh, in bytes; 0 without a store. */
  readonly storedBytes: number;
  /** What clients make the broker hold in memory as of now, in bytes. */
  readonly memory: MemoryStats;
}

/** Adds to the counters of a broker what it holds. */
export function statsOf(parts: BrokerParts): BrokerStats {
  const holds = {
    get sessions() {
      return parts.sessions.size;
    },
    get subscriptions() {
      return parts.router.subscriptions;
    },
    get sharedSubscriptions() {
      return parts.router.sharedSubscriptions;
    },
    get retainedMessages() {
      return parts.retained.size;
    },
    get retainedBytes() {
      return parts.retained.bytes;
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
