/** Opens a byte pipe from a given address of this machine, which only the sockets of Node can. */
import * as net from "node:net";
import * as tls from "node:tls";
import type { Endpoint } from "../client/endpoint.ts";
import { whenOpen } from "../transport/node_opened.ts";
import { NodeSocketTransport } from "../transport/node_socket.ts";
import type { Transport } from "../transport/transport.ts";
import type { BridgeTls } from "./options.ts";

/**
 * Opens a byte pipe from a given address.
 *
 * @param secure The options of TLS; `null` for none.
 * @throws The reason of `signal`.
 */
export async function dialFrom(
  localAddress: string,
  { hostname: host, port }: Endpoint,
  secure: BridgeTls | null,
  signal: AbortSignal,
): Promise<Transport> {
  const socket = net.connect({ host, port, localAddress, noDelay: true });
  await whenOpen(socket, "connect", signal);
  if (secure === null) return new NodeSocketTransport(socket);
  const { caCerts, cert, key, insecure = false, alpn } = secure;
  const over = tls.connect({
    socket,
    // An address is not a server name.
    ...net.isIP(host) === 0 ? { servername: host } : {},
    ...caCerts === undefined ? {} : { ca: [...tls.rootCertificates, ...caCerts] },
    ...cert === undefined || key === undefined ? {} : { cert, key },
    ...insecure ? { checkServerIdentity: () => undefined } : {},
    ...alpn === undefined ? {} : { ALPNProtocols: [alpn] },
  });
  await whenOpen(over, "secureConnect", signal);
  return new NodeSocketTransport(over);
}
