/** The first lines of a server: where it listens, who may connect, where its state is, how to see into it. */

/** What the first lines tell. */
export interface StartFacts {
  /** The name and the version of the server. */
  readonly version: string;
  /** The address that it listens on, and the one that was asked for. */
  readonly hostname: string;
  readonly host: string;
  readonly port: number;
  /** The port for MQTT over WebSocket; `null` if there is none. */
  readonly wsPort: number | null;
  /** The directory of the store; `null` if everything is in memory. */
  readonly directory: string | null;
  /** How long sessions are kept, in words. */
  readonly forgotten: string;
  /** Where the admin listener is, and the token that it made; `null` if there is none. */
  readonly admin: { readonly url: string; readonly token: string | null } | null;
}

/** The lines that a server prints first, when everything is open. */
export function startLines(facts: StartFacts): string[] {
  const { version, hostname, port, wsPort } = facts;
  const address = hostname.includes(":") ? `[${hostname}]` : hostname;
  const webSockets = wsPort === null ? "" : `, MQTT over WebSocket on ws://${address}:${wsPort}`;
  return [
    `${version} listening on ${address}:${port}${webSockets}`,
    `Who may connect: ${whoMayConnect(facts)}`,
    `State: ${whereStateIs(facts)}`,
    `Admin: ${whereAdminIs(facts)}`,
  ];
}

function whoMayConnect({ host }: StartFacts): string {
  const isLocal = host === "localhost" || host === "::1" || host.startsWith("127.");
  return isLocal
    ? "anyone on this machine, without a password; --host 0.0.0.0 opens it to the network"
    : "anyone who can reach this address, without a password; a configuration file can ask for one";
}

function whereStateIs({ directory, forgotten }: StartFacts): string {
  return directory === null
    ? "in memory only; a restart forgets it"
    : `in ${absolute(directory)}; ${forgotten}`;
}

function whereAdminIs({ admin }: StartFacts): string {
  if (admin === null) return "none; --admin-port 9883 opens a page, health, metrics and the API";
  const { url, token } = admin;
  if (token === null) return `a page, health, metrics and the API on ${url}`;
  return `a page on ${url}/#token=${token}; ` +
    "health, metrics and the API take the same token, until the server stops";
}

/** A directory with its whole path, where that may be found out. */
function absolute(directory: string): string {
  try {
    return Deno.realPathSync(directory);
  } catch {
    return directory;
  }
}
