/**
 * Turns times of the broker's clock into times of the wall clock, and back. The broker's clock
 * starts anew with each process, so what is stored is a time of the wall clock.
 */
export interface Calendar {
  /** The time of the wall clock, in milliseconds since 1970. */
  toWall(clockMs: number): number;
  /** The time of the broker's clock, in its milliseconds. */
  toClock(wallMs: number): number;
}
