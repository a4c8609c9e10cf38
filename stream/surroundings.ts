/** What a stream needs of whoever keeps it. */

/** How many topics a stream has by default that keeps so many messages of each. */
export const STREAM_TOPICS_MAX = 100_000;

/** What every part of a stream may need of whoever keeps it. */
export interface Surroundings {
  /** The time of the wall clock, in milliseconds since 1970. */
  now(): number;
  /** Something has failed that nobody waits for. */
  reportError(error: unknown): void;
  /** Waited for in work of many steps, so that others have their turn. */
  pause(): Promise<void>;
  /** How many topics a stream has at most that keeps so many messages of each. */
  topicsMax(): number;
}
