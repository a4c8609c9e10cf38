/** The texts of log lines that several commands write. */
import { type Line, line, quoted } from "../admin/visible.ts";
import type { LoginFailure } from "../mod.ts";
import { StoreGoneError } from "../store/mod.ts";

/** A Reason Code in log format. */
export function codeText(reasonCode: number): string {
  return `0x${reasonCode.toString(16).padStart(2, "0")}`;
}

/**
 * The line about a failed login: `login failed from 192.0.2.7 port 50123 (0x86) …`. The address
 * comes first. Text from the client follows in quotes and without line ends, so that no client can
 * cause the ban of another address. docs/security.md has the pattern for it.
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

/** The line about a store that accepts no more writes: cause, effect and solution. */
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
