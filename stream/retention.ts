/** The limits of a stream: age, bytes, messages. */

/** The limits of a stream. The oldest messages are dropped as soon as one of them is exceeded. */
export interface Retention {
  /** The maximum age of a message, in milliseconds; no limit by default. */
  readonly maxAgeMs?: number;
  /** The maximum size of all records, in bytes; no limit by default. */
  readonly maxBytes?: number;
  /** The maximum number of messages; no limit by default. */
  readonly maxMessages?: number;
  /** How many messages of each topic are kept; without limit by default. */
  readonly maxPerTopic?: number;
  /**
   * `"topic"`: only the last message of each topic is kept, and an empty one deletes its topic;
   * `"none"` by default.
   */
  readonly compact?: "topic" | "none";
}

/** No limits: nothing is dropped. */
export const KEPT: Required<Retention> = {
  maxAgeMs: Infinity,
  maxBytes: Infinity,
  maxMessages: Infinity,
  maxPerTopic: Infinity,
  compact: "none",
};

/**
 * Checks limits, and fills in the missing ones.
 *
 * @throws {RangeError} If no limit of the whole stream is given, or one is out of range. The
 * message names it.
 */
export function checkRetention(retention: Retention): Required<Retention> {
  const { maxAgeMs, maxBytes, maxMessages, maxPerTopic, compact } = { ...KEPT, ...retention };
  for (const [name, value] of Object.entries({ maxAgeMs, maxBytes, maxMessages, maxPerTopic })) {
    if (value === Infinity || (Number.isSafeInteger(value) && value >= 1)) continue;
    throw new RangeError(`${name} of a stream must be a whole number from 1 on, not ${value}`);
  }
  if (maxAgeMs === Infinity && maxBytes === Infinity && maxMessages === Infinity) {
    throw new RangeError("A stream needs at least one of maxAgeMs, maxBytes and maxMessages");
  }
  if (compact !== "topic" && compact !== "none") {
    throw new RangeError(`compact of a stream must be "topic" or "none", not "${compact}"`);
  }
  if (compact === "topic" && maxPerTopic !== Infinity && maxPerTopic !== 1) {
    throw new RangeError(
      'A stream with compact "topic" keeps 1 message of each topic: leave maxPerTopic out',
    );
  }
  return { maxAgeMs, maxBytes, maxMessages, maxPerTopic, compact };
}

/** Whether a limit can end inside a chunk, so that the records must be read to apply it. */
export function reachesIntoChunks({ maxAgeMs, maxBytes }: Required<Retention>): boolean {
  return maxAgeMs < Infinity || maxBytes < Infinity;
}
