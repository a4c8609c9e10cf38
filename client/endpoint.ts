/** The URL of a server, parsed. */

/** The address of a server and the transport, from a URL. */
export interface Endpoint {
  /** The scheme of the URL. */
  readonly scheme: "mqtt" | "mqtts" | "ws" | "wss" | "unix";
  /** The name or address of the host; empty with `unix`. */
  readonly hostname: string;
  /** The port; 0 with `unix`. */
  readonly port: number;
  /** With `unix`, the path of the socket; otherwise the path of the URL with its query. */
  readonly path: string;
  /** The user name in the URL, or `null`. */
  readonly username: string | null;
  /** The password in the URL, or `null`. */
  readonly password: string | null;
}

/** The schemes, each with its default port. */
const PORTS: Readonly<Record<Endpoint["scheme"], number>> = {
  mqtt: 1883,
  mqtts: 8883,
  ws: 80,
  wss: 443,
  unix: 0,
};

/**
 * Parses a URL.
 *
 * @throws {TypeError} If it is not a URL, or not the URL of an MQTT server.
 */
export function endpointOf(url: string | URL): Endpoint {
  const parsed = new URL(url);
  const scheme = parsed.protocol.slice(0, -1);
  if (!isScheme(scheme)) {
    const known = Object.keys(PORTS).join(", ");
    throw new TypeError(`Cannot connect to a URL of scheme "${scheme}": known are ${known}`);
  }
  const isUnix = scheme === "unix";
  if (!isUnix && parsed.hostname === "") throw new TypeError("Cannot connect: URL has no host");
  if (isUnix && parsed.pathname === "") throw new TypeError("Cannot connect: URL has no path");
  return {
    scheme,
    // An IPv6 address has brackets only in a URL.
    hostname: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: parsed.port === "" ? PORTS[scheme] : Number(parsed.port),
    path: isUnix ? decodeURIComponent(parsed.pathname) : parsed.pathname + parsed.search,
    username: parsed.username === "" ? null : decodeURIComponent(parsed.username),
    password: parsed.password === "" ? null : decodeURIComponent(parsed.password),
  };
}

/** Writes an endpoint for messages, without its password. */
export function endpointText(endpoint: Endpoint): string {
  if (endpoint.scheme === "unix") return `unix:${endpoint.path}`;
  const { hostname } = endpoint;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${endpoint.scheme}://${host}:${endpoint.port}`;
}

function isScheme(scheme: string): scheme is Endpoint["scheme"] {
  return Object.hasOwn(PORTS, scheme);
}
