import { type Line, line, quoted } from "../admin/visible.ts";
import type { LoginFailure } from "../mod.ts";
import { StoreGoneError } from "../store/mod.ts";

/** A reason code as logs show it. */
export function codeText(reasonCode: number): string {
  return `0x${reasonCode.toString(16).padStart(2, "0")}`;
}

/**
 * The line about a login that has failed: `login failed from 192.0.2.7 port 50123 (0x86) …`. The
 * address comes first, and whatever the client has chosen after it, in quotes and without line
 * ends, so that nobody can have somebody else locked out; docs/security.md has the pattern.
 */
export function loginFailedLine(
  { address, clientId, username, reasonCode }: LoginFailure,
): Line {
  const user = username === null ? "" : line` user ${quoted(username)}`;
  const where = hostAndPort(address);
  return line`login failed from ${where} (${codeText(reasonCode)})${user} client ${
    quoted(clientId)
  }`;
}

/** The line about a store that takes nothing more: why, what comes of it, and the cure. */
export function storeFullLine(reason: Error | undefined): Line {
  const why = reason instanceof StoreGoneError
    ? line`: ${reason.message}`
    : line` (is the disk full?)`;
  return line`The store takes nothing more${why}: QoS 1 and 2 that must survive are refused`;
}

function hostAndPort(address: string): string {
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address);
  return parts === null ? address : `${parts[1] ?? parts[2]} port ${parts[3]}`;
}
