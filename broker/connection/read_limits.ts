/** What reading from a connection costs, and how much of it needs no check. */
import type { ClientConnection } from "./client_connection.ts";

/** How many bytes of packets cost as much as one packet more: 512. */
const BYTES_PER_UNIT_LOG2 = 9;

/**
 * The cost of reading so many bytes, in units of the turn budget, without the cost of handling
 * them.
 */
export function unitsOf(bytes: number): number {
  return 1 + (bytes >> BYTES_PER_UNIT_LOG2);
}

/** The largest body that needs no check of its contents, in bytes; -1 for none. */
export function uncheckedBytesMax({ host, policy }: ClientConnection): number {
  return policy.refuseControlCharacters ? -1 : host.limiters.harmlessBytes;
}

/**
 * The responses that may wait before reading pauses, in bytes. Two nodes that both wait for the
 * other to read would wait for ever; the windows of their sessions limit these responses anyway.
 */
export function controlBytesMaxOf({ policy, context }: ClientConnection): number {
  return policy.peer === null ? context.limits.controlBytesMax : Infinity;
}
