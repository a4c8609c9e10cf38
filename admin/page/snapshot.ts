/**
 * What the page shows of the whole broker, as of now: counters, sizes, and what is wrong.
 *
 * @module
 */
import type { Broker } from "../../broker/broker.ts";
import type { Operations } from "../api/operations.ts";
import type { LoopLag } from "../metrics/loop_lag.ts";
import type { SessionTotals } from "../metrics/session_totals.ts";
import { clientsMostOf } from "../sys_counts.ts";
import { LastMinute } from "./last_minute.ts";
import { type Trouble, troublesOf } from "./troubles.ts";

/** What snapshots are made of. */
export interface SnapshotSources {
  readonly broker: Broker;
  readonly operations: Operations;
  readonly totals: SessionTotals;
  readonly lag: LoopLag;
}

/** Makes snapshots, one a second while somebody looks. */
export class SnapshotMaker {
  readonly #sources: SnapshotSources;
  readonly #dropped = new LastMinute();
  readonly #limited = new LastMinute();
  readonly #failed = new LastMinute();

  constructor(sources: SnapshotSources) {
    this.#sources = sources;
  }

  /** The state of the broker as of now. What all sessions hold is as of the last count. */
  take(): Readonly<Record<string, unknown>> {
    const { broker, operations, lag, totals: { last: totals } } = this.#sources;
    const { stats, inspection } = broker;
    const { seconds } = inspection.commits;
    const { rss, heapUsed } = Deno.memoryUsage();
    const { connected, offline, backlogMessages, backlogBytes, lagBytes, inflight } = totals;
    return {
      event: "snapshot",
      time: Date.parse(inspection.timeOf(broker.clock.now())),
      counters: {
        messagesIn: stats.messagesReceived,
        messagesOut: stats.messagesSent,
        bytesIn: stats.bytesReceived,
        bytesOut: stats.bytesSent,
        accepted: stats.connectsAccepted,
        refused: stats.connectsRefused,
        commits: seconds.count,
        commitSeconds: seconds.sum,
      },
      sizes: {
        connections: stats.connections,
        clients: stats.clients,
        clientsMost: clientsMostOf(broker, operations.others?.() ?? null),
        sessions: stats.sessions,
        subscriptions: stats.subscriptions,
        retained: stats.retainedMessages,
        retainedBytes: stats.retainedBytes,
        delayed: stats.delayedMessages,
        storedBytes: stats.storedBytes,
      },
      totals: { connected, offline, backlogMessages, backlogBytes, lagBytes, inflight },
      dropped: grownAtAll(stats.dropped),
      loopLagMs: lag.lastSeconds * 1000,
      memory: {
        residentBytes: rss,
        heapBytes: heapUsed,
        heldBytes: stats.memory.bytes,
        heldBytesMax: stats.memory.bytesMax,
      },
      troubles: this.#troubles(),
    };
  }

  #troubles(): Trouble[] {
    const { broker, operations, lag, totals } = this.#sources;
    const { stats, inspection, limits, clock } = broker;
    const nowMs = clock.now();
    this.#dropped.add(stats.dropped, nowMs);
    this.#limited.add(stats.limited, nowMs);
    const { commitsFailed: commits, loginsFailed: logins, internalErrors: internal } = stats;
    this.#failed.add({ commits, logins, internal }, nowMs);
    const failed = { commits: 0, logins: 0, internal: 0 };
    return troublesOf({
      readiness: inspection.readiness,
      openListeners: operations.listeners?.().filter(({ protocol }) => protocol !== "httpapi")
        .length ?? null,
      loopLagMs: Math.max(lag.lastSeconds * 1000, stats.loopLagMs),
      certificates: operations.certificates?.() ?? [],
      wallMs: Date.parse(inspection.timeOf(nowMs)),
      totals: totals.last,
      limits,
      heldBytes: stats.memory.bytes,
      heldBytesMax: stats.memory.bytesMax,
      dropped: this.#dropped.grown(),
      limited: this.#limited.grown(),
      failed: { ...failed, ...Object.fromEntries(this.#failed.grown()) },
      storeDamage: broker.storeDamage?.reason ?? null,
    });
  }
}

/** Counters that are not 0. */
function grownAtAll(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
