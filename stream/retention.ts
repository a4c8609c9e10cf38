/** The limits of a stream: age, bytes, messages. */

/** How much of a stream is kept. What goes beyond any of them is gone at once. */
export interface Retention {
  /** How old messages get, in milliseconds; without limit by default. */
  readonly maxAgeMs?: number;
  /** How many bytes of records are kept; without limit by default. */
  readonly maxBytes?: number;
  /** How many messages are kept; without limit by default. */
  readonly maxMessages?: number;
}

/** No limit: what is there stays. */
export const KEPT: Required<Retention> = {
  maxAgeMs: Infinity,
  maxBytes: Infinity,
  maxMessages: Infinity,
};

/**
 * Checks limits.
 *
 * @throws {RangeError} If there is none, or one is out of range; says which.
 */
export function checkRetention(retention: Retention): Required<Retention> {
  const { maxAgeMs = Infinity, maxBytes = Infinity, maxMessages = Infinity } = retention;
  for (const [name, value] of Object.entries({ maxAgeMs, maxBytes, maxMessages })) {
    if (value === Infinity || (Number.isSafeInteger(value) && value >= 1)) continue;
    throw new RangeError(`${name} of a stream must be a whole number from 1 on, not ${value}`);
  }
  if (maxAgeMs === Infinity && maxBytes === Infinity && maxMessages === Infinity) {
    throw new RangeError("A stream needs at least one of maxAgeMs, maxBytes and maxMessages");
  }
  return { maxAgeMs, maxBytes, maxMessages };
}
