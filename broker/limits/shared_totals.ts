/** Counts of connections in all, over all workers of a process. */
import { SharedCount } from "./shared_count.ts";

/** The connections of all workers together. */
export class SharedTotals {
  readonly buffer: SharedArrayBuffer;
  readonly connections: SharedCount;
  /** Connections whose CONNECT was not accepted yet. */
  readonly handshakes: SharedCount;

  /**
   * @param node The worker that counts.
   * @param buffer That of the other workers; a new one by default.
   */
  constructor(nodes: number, node: number, buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(2 * nodes * 4);
    this.connections = new SharedCount(new Int32Array(this.buffer, 0, nodes), node);
    this.handshakes = new SharedCount(new Int32Array(this.buffer, nodes * 4, nodes), node);
  }

  /** Gives back what a worker held. It must not run any more. */
  clear(node: number): void {
    this.connections.clear(node);
    this.handshakes.clear(node);
  }
}
