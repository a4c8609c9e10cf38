/** The counts of connections and addresses that all workers of a process share. */
import { SharedAddresses } from "./shared_addresses.ts";
import { SharedListeners } from "./shared_listeners.ts";
import { SharedTotals } from "./shared_totals.ts";

/** The shared memory, as one thread hands it to another one. */
export interface SharedLimitBuffers {
  readonly totals: SharedArrayBuffer;
  readonly listeners: SharedArrayBuffer;
  readonly addresses: SharedArrayBuffer;
}

/** The shared counts, as one worker sees them. The supervisor makes them. */
export class SharedLimits {
  readonly nodes: number;
  readonly totals: SharedTotals;
  readonly listeners: SharedListeners;
  readonly addresses: SharedAddresses;

  /**
   * @param nodes How many workers there are.
   * @param node The worker that counts. The supervisor, which only clears, may be any.
   * @param buffers Those of the other workers; new ones by default.
   */
  constructor(nodes: number, node: number, buffers?: SharedLimitBuffers) {
    this.nodes = nodes;
    this.totals = new SharedTotals(nodes, node, buffers?.totals);
    this.listeners = new SharedListeners(nodes, node, buffers?.listeners);
    this.addresses = new SharedAddresses(nodes, node, buffers?.addresses);
  }

  /** The shared memory, for other threads. */
  get buffers(): SharedLimitBuffers {
    const { totals, listeners, addresses } = this;
    return {
      totals: totals.buffer,
      listeners: listeners.buffer,
      addresses: addresses.buffer,
    };
  }

  /** Gives back what a worker held that has died. */
  clear(node: number): void {
    this.totals.clear(node);
    this.listeners.clear(node);
    this.addresses.clear(node);
  }
}
