import type { BrokerContext } from "../base/context.ts";
import { Deadline } from "../base/scheduler.ts";
import { LimitSnapshot } from "./limit_snapshot.ts";

/** How many times in a row a write must be found stuck. */
const LOOKS = 4;

/** A connection as far as it matters here. */
export interface WatchedConnection {
  readonly outbox: { stuckLooks(): number };
  /** Counts that the client has reached a limit. */
  limited(reason: "drain"): void;
  /** Closes at once. */
  cutOff(error: Error): void;
}

/**
 * Closes connections to clients that take nothing although something waits for them. One deadline
 * looks at them all, as long as anybody is written to: no write needs a timer of its own.
 */
export class WriteTimeout {
  readonly #context: BrokerContext;
  readonly #connections: Iterable<WatchedConnection>;
  readonly #look: Deadline = new Deadline(() => this.#looked());
  readonly #made = new LimitSnapshot("drainMs");

  constructor(context: BrokerContext, connections: Iterable<WatchedConnection>) {
    this.#context = context;
    this.#connections = connections;
    this.#made.take(context.limits);
  }

  /** Something is written. */
  start(): void {
    if (this.#look.index < 0 && this.#context.limits.drainMs > 0) this.#next();
  }

  /**
   * Goes by limits that have changed: writes under way are looked at by the new one. Other limits
   * must not put the next look off: a program may change them more often than it comes.
   */
  applyLimits(): void {
    if (!this.#made.take(this.#context.limits)) return;
    this.#context.scheduler.clear(this.#look);
    this.start();
  }

  #next(): void {
    const { scheduler, clock, limits } = this.#context;
    scheduler.set(this.#look, clock.now() + limits.drainMs / LOOKS);
  }

  #looked(): void {
    for (const connection of this.#connections) {
      const looks = connection.outbox.stuckLooks();
      if (looks > 0) this.start();
      // The first look sees that there is a write, the others that it is still the same.
      if (looks <= LOOKS) continue;
      connection.limited("drain");
      connection.cutOff(new Error(`Has taken nothing for ${this.#context.limits.drainMs} ms`));
    }
  }
}
