/** Counts the bytes of one connection. */
import type { BrokerCounters } from "../base/stats.ts";

/** Counts the bytes of one connection, and adds them to the counters of the broker. */
export class Traffic {
  /** When the connection was accepted, by the clock of the broker, in milliseconds. */
  readonly sinceMs: number;
  /** Bytes from the client. */
  bytesReceived = 0;
  /** Bytes to the client. */
  bytesSent = 0;
  readonly #counters: BrokerCounters;

  constructor(counters: BrokerCounters, sinceMs: number) {
    this.#counters = counters;
    this.sinceMs = sinceMs;
  }

  /** So many bytes were received. */
  onReceived(bytes: number): void {
    this.bytesReceived += bytes;
    this.#counters.bytesReceived += bytes;
  }

  /** So many bytes were sent. */
  onSent(bytes: number): void {
    this.bytesSent += bytes;
    this.#counters.bytesSent += bytes;
  }
}
