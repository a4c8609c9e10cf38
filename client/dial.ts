/** Opens a connection to a server with the sockets of the runtime. */
import type { Transport } from "../transport/transport.ts";
import { WebSocketTransport } from "../transport/websocket.ts";
import type { Endpoint } from "./endpoint.ts";
import type { TlsSettings } from "./tls_settings.ts";

/**
 * Opens a byte pipe to a server.
 *
 * @param signal Aborts when the attempt is abandoned. The caller closes a pipe that is opened
 * later.
 */
export type Dial = (endpoint: Endpoint, signal: AbortSignal) => Promise<Transport>;

/** Opens a pipe of one scheme. */
type Dialer = (endpoint: Endpoint, signal: AbortSignal, tls: TlsSettings) => Promise<Transport>;

/** The functions that open pipes, by scheme. */
type Dialers = Readonly<Record<Endpoint["scheme"], Dialer>>;

const DENO_DIALERS: Dialers = {
  mqtt: dialTcp,
  mqtts: dialTls,
  ws: dialWebSocket,
  wss: dialWebSocket,
  unix: dialUnix,
};

/** Makes a {@linkcode Dial} that uses the runtime's sockets: those of Deno, Node or Bun. */
export function dialWith(tls: TlsSettings): Dial {
  return async (endpoint, signal) => {
    const { scheme } = endpoint;
    const isDeno = "Deno" in globalThis;
    const dialers = isDeno || DENO_DIALERS[scheme] === dialWebSocket
      ? DENO_DIALERS
      : await nodeDialers();
    return await dialers[scheme](endpoint, signal, tls);
  };
}

/** A page in a browser does not come here, so that it needs no modules of Node. */
async function nodeDialers(): Promise<Dialers> {
  const { dialTcp, dialTls, dialUnix } = await import("./dial_node.ts");
  return { ...DENO_DIALERS, mqtt: dialTcp, mqtts: dialTls, unix: dialUnix };
}

async function dialTcp({ hostname, port }: Endpoint, signal: AbortSignal): Promise<Transport> {
  const conn = await Deno.connect({ hostname, port, signal });
  // The client gathers bytes itself, so the kernel must not wait for more.
  conn.setNoDelay(true);
  return conn;
}

async function dialTls(
  { hostname, port }: Endpoint,
  _signal: AbortSignal,
  { caCerts, cert, key, unsafelyDisableHostnameVerification = false }: TlsSettings,
): Promise<Transport> {
  const trust = {
    unsafelyDisableHostnameVerification,
    ...(caCerts === undefined ? {} : { caCerts }),
  };
  const identity = cert === undefined || key === undefined
    ? {}
    : { cert, key, keyFormat: "pem" as const };
  const conn = await Deno.connectTls({ hostname, port, ...trust, ...identity });
  try {
    // The handshake is done here, so that an untrusted certificate fails the attempt to connect.
    await conn.handshake();
  } catch (error) {
    conn.close();
    throw error;
  }
  return conn;
}

async function dialUnix({ path }: Endpoint): Promise<Transport> {
  return await Deno.connect({ transport: "unix", path });
}

async function dialWebSocket(
  { scheme, hostname, port, path }: Endpoint,
  signal: AbortSignal,
  { caCerts, cert }: TlsSettings,
): Promise<Transport> {
  if (caCerts !== undefined || cert !== undefined) {
    throw new TypeError(`Cannot connect over ${scheme} with certificates of its own`);
  }
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return await WebSocketTransport.open(`${scheme}://${host}:${port}${path}`, signal);
}
