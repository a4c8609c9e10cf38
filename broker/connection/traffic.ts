/** Counts the bytes of one connection. */
import type { BrokerContext } from "../base/context.ts";

/** Counts the bytes of one connection, and adds them to the counters of the broker. */
export class Traffic {
  /** When the connection was accepted, by the clock of the broker, in milliseconds. */
  readonly sinceMs: number;
  /** Bytes from the client. */
  bytesReceived = 0;
  /** Bytes to the client. */
  bytesSent = 0;
  readonly #context: BrokerContext;

  constructor(context: BrokerContext, sinceMs: number) {
    this.#context = context;
    this.sinceMs = sinceMs;
  }

  /** So many bytes were received. */
  onReceived(bytes: number): void {
    this.bytesReceived += bytes;
    this.#context.stats.bytesReceived += bytes;
  }

  /** So many bytes were sent. */
  onSent(bytes: number): void {
    this.bytesSent += bytes;
    this.#context.stats.bytesSent += bytes;
  }
}
