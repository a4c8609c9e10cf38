/**
 * Opens byte pipes with `node:net` and `node:tls`, in Node and Bun. It is loaded only where there is
 * no `Deno`.
 *
 * @module
 */
import * as net from "node:net";
import * as tls from "node:tls";
import { whenOpen } from "../transport/node_opened.ts";
import { NodeSocketTransport } from "../transport/node_socket.ts";
import type { Transport } from "../transport/transport.ts";
import type { Endpoint } from "./endpoint.ts";
import type { TlsSettings } from "./tls_settings.ts";

/** Opens a TCP connection. */
export function dialTcp(endpoint: Endpoint, signal: AbortSignal): Promise<Transport> {
  const { hostname: host, port } = endpoint;
  return opened(net.connect({ host, port, noDelay: true, allowHalfOpen: true }), "connect", signal);
}

/** Opens a Unix socket. */
export function dialUnix({ path }: Endpoint, signal: AbortSignal): Promise<Transport> {
  return opened(net.connect({ path, allowHalfOpen: true }), "connect", signal);
}

/** Opens a TLS connection, and waits for the end of the handshake. */
export function dialTls(
  { hostname: host, port }: Endpoint,
  signal: AbortSignal,
  { caCerts, cert, key, unsafelyDisableHostnameVerification = false }: TlsSettings,
): Promise<Transport> {
  const socket = tls.connect({
    host,
    port,
    // An address is not a server name.
    ...net.isIP(host) === 0 ? { servername: host } : {},
    ...caCerts === undefined ? {} : { ca: [...tls.rootCertificates, ...caCerts] },
    ...cert === undefined || key === undefined ? {} : { cert, key },
    ...unsafelyDisableHostnameVerification ? { checkServerIdentity: () => undefined } : {},
  });
  socket.setNoDelay(true);
  return opened(socket, "secureConnect", signal);
}

async function opened(
  socket: net.Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<Transport> {
  await whenOpen(socket, event, signal);
  return new NodeSocketTransport(socket);
}
