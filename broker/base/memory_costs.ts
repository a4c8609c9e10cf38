/**
 * What things cost in memory, in bytes: on V8's heap and beside it, without what depends on their
 * texts and payloads, which is added. Measured with Deno 2.9.6 on x86-64 as what a process has
 * grown by, after a collection, with 20,000 of each; `tests/memory/counted_bytes_test.ts` measures them again.
 *
 * @module
 */

/** A session with its place in the table and its deadline: 370 to 510, and 60 for a client identifier of 10. */
export const SESSION_BYTES = 550;
/** Subscribing, QoS 1 and 2 make a session larger, once: windows, tables, a backlog that is empty. */
export const SESSION_STATE_BYTES = 250;
/** What is added for one that is in the store. */
export const DURABLE_SESSION_BYTES = 1200;
/**
 * A connection: about 2.5 KB of objects, and nearly 6 KB of Deno's own for a socket with a read
 * under way, which is not on the heap.
 */
export const CONNECTION_BYTES = 8192;
/** A retained message beside what the message weighs: its place in the tree, and a deadline perhaps. */
export const RETAINED_BYTES = 280;
/** A message in flight, beside what the message weighs. */
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

/** A user property, beside its texts. */
export const USER_PROPERTY_BYTES = 120;

/**
 * What a text costs, in bytes: V8 takes one for a character, or two for each of a text with any
 * that is not of ISO 8859-1.
 */
export function textBytes(text: string): number {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\xff]*$/.test(text) ? text.length : text.length * 2;
}
