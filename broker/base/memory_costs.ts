/**
 * Memory costs of objects, in bytes: on V8's heap and outside it, without their strings and
 * payloads, which are added. Measured with Deno 2.9.6 on x86-64 as the growth of a process after a
 * collection, with 20,000 of each; `tests/memory/counted_bytes_test.ts` measures them again.
 *
 * @module
 */

/**
 * A session with its table entry and its deadline: 370 to 510, and 60 for a client identifier of 10
 * characters.
 */
export const SESSION_BYTES = 550;
/**
 * Growth of a session with its first subscription or QoS 1 and 2 message: windows, tables, an empty
 * backlog.
 */
export const SESSION_STATE_BYTES = 250;
/** Additional cost of a stored session. */
export const DURABLE_SESSION_BYTES = 1200;
/**
 * A connection: about 2.5 KB of objects, and almost 6 KB of Deno's own for a socket with a pending
 * read, which is outside the heap.
 */
export const CONNECTION_BYTES = 8192;
/** A retained message without the message itself: its place in the tree, and maybe a deadline. */
export const RETAINED_BYTES = 280;
/** A message in flight, without the message itself. */
export const FLIGHT_BYTES = 160;
/** A packet identifier of a QoS 2 message that the client has not released: 24 to 40. */
export const INBOUND_ID_BYTES = 32;
/** A subscription whose retained messages are still to be sent, beside twice its filter. */
export const FEED_BYTES = 700;
/** A log that a session in the store reads. */
export const READER_BYTES = 300;
/** A stretch of a backlog: positions are what many short ones cost. */
export const STRETCH_BYTES = 200;
/** A topic alias that the broker has given a client, beside its topic. */
export const ALIAS_BYTES = 100;
/** What a limiter remembers of an address or a client identifier, beside its name. */
export const RECORD_BYTES = 250;
/** A will, beside its topic and payload. */
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
