/**
 * What a decoder may overlook, if its caller wants it to.
 *
 * @module
 */
import type { Properties } from "./properties.ts";

/**
 * Small faults of a peer that are overlooked. Decoders that are given none
 * overlook nothing.
 */
export interface Tolerance {
  /**
   * Called for each property that is left out because it does not belong to
   * its packet and does no harm there. One that the peer relies on is refused
   * all the same: how long its session lives, how much it takes, and
   * authentication.
   */
  misplaced(name: keyof Properties): void;
}
