import type { Transport } from "../transport/transport.ts";
import { WebSocketTransport } from "../transport/websocket.ts";
import type { Endpoint } from "./endpoint.ts";

/** Settings of TLS, all in PEM. */
export interface TlsSettings {
  /** Certificates of additional authorities to trust. */
  caCerts?: string[];
  /** The client's certificate and its chain. */
  cert?: string;
  /** The private key of that certificate. */
  key?: string;
  /**
   * Whether to accept a certificate for another host name. This gives no protection from an
   * impostor.
   */
  unsafelyDisableHostnameVerification?: boolean;
}

/**
 * Opens a byte pipe to a server.
 *
 * @param signal Aborts when the attempt is abandoned. The caller closes a pipe that is opened
 * later.
 */
export type Dial = (endpoint: Endpoint, signal: AbortSignal) => Promise<Transport>;

type Dialer = (endpoint: Endpoint, signal: AbortSignal, tls: TlsSettings) => Promise<Transport>;

/** The function that opens a pipe, for each scheme. */
const DIALERS: Readonly<Record<Endpoint["scheme"], Dialer>> = {
  mqtt: dialTcp,
  mqtts: dialTls,
  ws: dialWebSocket,
  wss: dialWebSocket,
  unix: dialUnix,
};

/** Makes a {@linkcode Dial} that uses the runtime's sockets. */
export function dialWith(tls: TlsSettings): Dial {
  return (endpoint, signal) => DIALERS[endpoint.scheme](endpoint, signal, tls);
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
