/** Closes connections whose clients take no bytes for too long. */
import type { BrokerContext } from "../base/context.ts";
import { Deadline } from "../base/scheduler.ts";
import { LimitSnapshot } from "./limit_snapshot.ts";

/** How many checks in a row must find a write stuck. */
const CHECKS = 4;

/** A connection, as far as it is needed here. */
export interface WatchedConnection {
  readonly outbox: { countStuckChecks(): number };
  /** A client of another node that reads a stream may be slow: that node watches it. */
  readonly policy: { readonly peer: { readonly reader: unknown } | null };
  /** Counts that the client has reached a limit. */
  reportLimit(reason: "drain"): void;
  /** Closes the connection at once. */
  cutOff(error: Error): void;
}

/**
 * Closes connections to clients that receive nothing although bytes wait for them. One deadline
 * checks all of them while any write is in progress, so no write needs its own timer.
 */
export class WriteTimeout {
  readonly #context: BrokerContext;
  readonly #connections: Iterable<WatchedConnection>;
  readonly #checkDeadline: Deadline = new Deadline(() => this.#check());
  readonly #made = new LimitSnapshot("drainMs");

  constructor(context: BrokerContext, connections: Iterable<WatchedConnection>) {
    this.#context = context;
    this.#connections = connections;
    this.#made.take(context.limits);
  }

  /** A write has started. */
  start(): void {
    if (this.#checkDeadline.index < 0 && this.#context.limits.drainMs > 0) this.#next();
  }

  /**
   * Applies changed limits, also to writes in progress. A change of other limits must not delay the
   * next check, because a program may change them more often than checks happen.
   */
  applyLimits(): void {
    if (!this.#made.take(this.#context.limits)) return;
    this.#context.scheduler.clear(this.#checkDeadline);
    this.start();
  }

  #next(): void {
    const { scheduler, clock, limits } = this.#context;
    scheduler.set(this.#checkDeadline, clock.now() + limits.drainMs / CHECKS);
  }

  #check(): void {
    for (const connection of this.#connections) {
      const checks = connection.outbox.countStuckChecks();
      if (checks > 0) this.start();
      // The first check finds a write, the others that it is still the same one.
      if (checks <= CHECKS || connection.policy.peer?.reader) continue;
      connection.reportLimit("drain");
      connection.cutOff(new Error(`Has taken nothing for ${this.#context.limits.drainMs} ms`));
    }
  }
}
