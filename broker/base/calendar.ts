/** Converts between the clock of the broker and the time of day. */

/**
 * Converts times of the broker's clock to wall clock times, and back. The broker's clock starts at
 * zero in each process, so stored times are wall clock times.
 */
export interface Calendar {
  /** The wall clock time, in milliseconds since 1970. */
  toWall(clockMs: number): number;
  /** The time of the broker's clock, in milliseconds. */
  toClock(wallMs: number): number;
}
