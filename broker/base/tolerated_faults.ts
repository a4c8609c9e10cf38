/** The faults of clients that a lenient listener overlooks and counts. */
import type { Tolerance } from "../../codec/mod.ts";
import type { BrokerCounters, ToleratedFault } from "./stats.ts";

/**
 * The faults that a lenient listener tolerates, so that existing clients stay connected: small and
 * harmless ones, each of which is counted.
 */
export class ToleratedFaults implements Tolerance {
  readonly #stats: BrokerCounters;

  constructor(stats: BrokerCounters) {
    this.#stats = stats;
  }

  /** Counts a tolerated fault. */
  overlook(fault: ToleratedFault): void {
    this.#stats.tolerated[fault]++;
  }

  onMisplaced(): void {
    this.overlook("misplaced-property");
  }
}
