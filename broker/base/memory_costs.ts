/**
 * Memory of each kind of object, in bytes, on V8's heap and outside it.
 *
 * The memory budget adds these figures up, because V8 does not tell the size of an object. Strings
 * and payloads are not included; the budget adds them. Each figure was measured with Deno 2.9.6 on
 * x86-64: 20,000 objects were made, and the growth of the process after a garbage collection was
 * divided by their number. `tests/memory/counted_bytes_test.ts` measures them again.
 *
 * @module
 */

/**
 * A session with its table entry and its deadline. Measured: 370 to 510, and 60 for a client
 * identifier of 10 characters.
 */
export const SESSION_BYTES = 550;
/**
 * What a session adds at its first subscription or its first QoS 1 or 2 message: windows, tables
 * and an empty backlog.
 */
export const SESSION_STATE_BYTES = 250;
/** What a session adds if it is in the store. */
export const DURABLE_SESSION_BYTES = 1200;
/**
 * A connection: about 2.5 KB of objects on the heap. Outside the heap Deno needs almost 6 KB for a
 * socket with a pending read.
 */
export const CONNECTION_BYTES = 8192;
/** A retained message without the message itself: its tree node, and its deadline if it expires. */
export const RETAINED_BYTES = 280;
/** A remembered deletion of a retained message, without its topic. */
export const DELETION_BYTES = 100;
/** A message in flight, without the message itself. */
export const INFLIGHT_BYTES = 160;
/**
 * The packet identifier of a QoS 2 message that the client has not released. Measured: 24 to 40.
 */
export const INBOUND_ID_BYTES = 32;
/** A subscription whose retained messages are being sent, without its filter (counted twice). */
export const FEED_BYTES = 700;
/** The position of a stored session in one log. */
export const READER_BYTES = 300;
/** A stretch of a backlog, that is, a part of one log: its positions. */
export const STRETCH_BYTES = 200;
/** A topic alias that the broker has set for a client, without its topic. */
export const ALIAS_BYTES = 100;
/** The record that a limiter keeps of an address or a client identifier, without the name. */
export const RECORD_BYTES = 250;
/** A delayed message, without the message itself: its place in line, and maybe a deadline. */
export const DELAYED_BYTES = 250;
/** A will, without its topic and payload. */
export const WILL_BYTES = 400;

/** A User Property, without its strings. */
export const USER_PROPERTY_BYTES = 120;

/**
 * Memory of a string, in bytes: one per character, or two if any character is beyond ISO 8859-1.
 */
export function textBytes(text: string): number {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\xff]*$/.test(text) ? text.length : text.length * 2;
}
