import type { Tolerance } from "../../codec/mod.ts";
import type { BrokerCounters, ToleratedFault } from "./stats.ts";

/**
 * What is overlooked of the clients of a lenient listener, so that those in the
 * field stay connected: small faults that harm nobody, each of them counted.
 */
export class ToleratedFaults implements Tolerance {
  readonly #stats: BrokerCounters;

  constructor(stats: BrokerCounters) {
    this.#stats = stats;
  }

  /** Counts a fault that is overlooked. */
  overlook(fault: ToleratedFault): void {
    this.#stats.tolerated[fault]++;
  }

  misplaced(): void {
    this.overlook("misplaced-property");
  }
}
