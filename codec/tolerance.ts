/**
 * The small faults that a decoder may tolerate, if its caller wants it to.
 *
 * @module
 */
import type { Properties } from "./properties.ts";

/** Tolerates small faults of a peer. A decoder without one tolerates none. */
export interface Tolerance {
  /**
   * Called for each property that is left out because it does not belong to its packet and does no
   * harm there. A property that the peer relies on is still refused: session expiry, limits of the
   * peer, and authentication.
   */
  onMisplaced(name: keyof Properties): void;
}
