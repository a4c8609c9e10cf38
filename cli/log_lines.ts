import { type LoginFailure, StoreGoneError } from "../mod.ts";

/**
 * The line about a login that has failed: `login failed from 192.0.2.7 port 50123 (0x86) …`. The
 * address comes first, and whatever the client has chosen after it, in quotes and without line
 * ends, so that nobody can have somebody else locked out; docs/security.md has the pattern.
 */
export function loginFailedLine(
  { address, clientId, username, reasonCode }: LoginFailure,
): string {
  const code = `0x${reasonCode.toString(16).padStart(2, "0")}`;
  const user = username === null ? "" : ` user ${quoted(username)}`;
  return `login failed from ${hostAndPort(address)} (${code})${user} client ${quoted(clientId)}`;
}

/** The line about a store that takes nothing more: why, what comes of it, and the cure. */
export function storeFullLine(reason: Error | undefined): string {
  const why = reason instanceof StoreGoneError ? `: ${reason.message}` : " (is the disk full?)";
  return `The store takes nothing more${why}: QoS 1 and 2 that must survive are refused`;
}

function hostAndPort(address: string): string {
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address);
  return parts === null ? address : `${parts[1] ?? parts[2]} port ${parts[3]}`;
}

/** A text as JSON has it, with nothing in it that a terminal or a log might obey. */
function quoted(text: string): string {
  const escape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(text).replaceAll(/[\u007f-\u009f\u2028\u2029]/g, escape);
}
