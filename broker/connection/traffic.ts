import type { BrokerContext } from "../base/context.ts";
import type { ListenerPolicy } from "../base/listener_policy.ts";

/** What one connection counts for, in sum and by itself. */
export class Traffic {
  /** When it was taken, by the clock of the broker. */
  readonly sinceMs: number;
  /** Bytes from the client. */
  bytesReceived = 0;
  /** Bytes to the client. */
  bytesSent = 0;
  readonly #context: BrokerContext;
  readonly #policy: ListenerPolicy;

  /** A connection has begun. */
  constructor(context: BrokerContext, policy: ListenerPolicy) {
    this.#context = context;
    this.#policy = policy;
    this.sinceMs = context.clock.now();
    context.stats.connections++;
    context.stats.connectionsAccepted++;
    policy.connections++;
  }

  /** So many bytes have come. */
  received(bytes: number): void {
    this.bytesReceived += bytes;
    this.#context.stats.bytesReceived += bytes;
  }

  /** So many bytes have left. */
  sent(bytes: number): void {
    this.bytesSent += bytes;
    this.#context.stats.bytesSent += bytes;
  }

  /** The connection is over. */
  ended(): void {
    this.#context.stats.connections--;
    this.#policy.connections--;
  }
}
