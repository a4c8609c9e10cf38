/** Where a reader of a stream begins, and how that is written. */

/** The position at which a reader begins. Times are in milliseconds since 1970. */
export type Position =
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" }
  /** The message with this sequence, or the next one if it is gone. */
  | { readonly kind: "from"; readonly seq: number }
  /** The first message that arrived at this time or later. */
  | { readonly kind: "since"; readonly timeMs: number }
  /** The last `count` messages that match. */
  | { readonly kind: "last"; readonly count: number }
  /** The last `count` messages of each topic that match. */
  | { readonly kind: "last-per-topic"; readonly count: number };

/** All positions, for the message about one that is invalid. */
export const POSITIONS = "earliest, latest, after=N, from=N, since=1h (s, m, h, d, w), " +
  "since=2026-11-28T15:00:00Z, since=UNIX-SECONDS, last=N, last-per-topic or last-per-topic=N";

/** Units of time, in milliseconds. */
export const UNITS_MS: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** RFC 3339 with an offset. Without an offset the time would depend on the time zone. */
const TIME = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/;
const COUNT = /^[1-9]\d{0,14}$/;
const SEQUENCE = /^\d{1,15}$/;

/**
 * Reads a position.
 *
 * @param nowMs The time of the wall clock, in milliseconds since 1970.
 * @throws {RangeError} If the text is no position, or its time is in the future. The message lists
 * the valid positions.
 */
export function parsePosition(text: string, nowMs: number): Position {
  if (text === "earliest" || text === "latest") return { kind: text };
  if (text === "last-per-topic") return { kind: text, count: 1 };
  const equals = text.indexOf("=");
  const [word, value] = [text.slice(0, equals), text.slice(equals + 1)];
  if (equals > 0) {
    if (word === "since") return { kind: word, timeMs: parseTime(text, value, nowMs) };
    if ((word === "last" || word === "last-per-topic") && COUNT.test(value)) {
      return { kind: word, count: Number(value) };
    }
    if (word === "after" && SEQUENCE.test(value)) return { kind: "from", seq: Number(value) + 1 };
    if (word === "from" && COUNT.test(value)) return { kind: word, seq: Number(value) };
  }
  throw new RangeError(`"${text.slice(0, 64)}" is no position; use ${POSITIONS}`);
}

function parseTime(text: string, value: string, nowMs: number): number {
  const span = /^(\d{1,9})([smhdw])$/.exec(value);
  if (span !== null) return nowMs - Number(span[1]) * UNITS_MS[span[2]!]!;
  let timeMs = NaN;
  if (/^\d{1,12}(\.\d{1,3})?$/.test(value)) timeMs = Number(value) * 1000;
  else if (TIME.test(value)) timeMs = Date.parse(value.toUpperCase().replace(" ", "T"));
  if (Number.isNaN(timeMs)) {
    throw new RangeError(`"${text.slice(0, 64)}" is no position; use ${POSITIONS}`);
  }
  if (timeMs > nowMs) {
    throw new RangeError(
      `"${text.slice(0, 64)}" lies in the future: it is ${new Date(nowMs).toISOString()} here`,
    );
  }
  return timeMs;
}
