/** Counts the bytes of one connection. */
import type { BrokerContext } from "../base/context.ts";

/** The bytes of one connection, which count for the broker, too. */
export class Traffic {
  /** When the connection was accepted, by the clock of the broker, in milliseconds. */
  readonly sinceMs: number;
  /** Bytes from the client. */
  bytesReceived = 0;
  /** Bytes to the client. */
  bytesSent = 0;
  readonly #context: BrokerContext;

  constructor(context: BrokerContext) {
    this.#context = context;
    this.sinceMs = context.clock.now();
  }

  /** So many bytes have come. */
  onReceived(bytes: number): void {
    this.bytesReceived += bytes;
    this.#context.stats.bytesReceived += bytes;
  }

  /** So many bytes have left. */
  sent(bytes: number): void {
    this.bytesSent += bytes;
    this.#context.stats.bytesSent += bytes;
  }
}
