/** The interface of the broker or program around a stream. */

/** The default limit of the topics of a stream with a limit by topic. */
export const STREAM_TOPICS_MAX = 100_000;

/** How much is read ahead by default, in bytes. */
export const AHEAD_BYTES = 256 * 1024;

/** The clock, turns, error reports and limits that the parts of a stream use. */
export interface Surroundings {
  /** The time of the wall clock, in milliseconds since 1970. */
  now(): number;
  /** Reports an error that no caller waits for. */
  reportError(error: unknown): void;
  /** Called and awaited between the steps of long work, so that it does not delay others. */
  pause(): Promise<void>;
  /** The limit of the topics of a stream with a limit by topic. */
  topicsMax(): number;
  /** How many bytes of records after those that a reader needs are read from the store with them. */
  aheadBytesMax(): number;
}
