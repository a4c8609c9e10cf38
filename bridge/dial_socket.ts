/** Opens a byte pipe with the sockets of Node, which take what those of Deno do not. */
import * as net from "node:net";
import * as tls from "node:tls";
import type { Endpoint } from "../client/endpoint.ts";
import { whenOpen } from "../transport/node_opened.ts";
import { NodeSocketTransport } from "../transport/node_socket.ts";
import type { Transport } from "../transport/transport.ts";
import { askProxy, proxyAddress } from "./ask_proxy.ts";
import type { BridgeSettings, BridgeTls } from "./options.ts";

/** What the options say of TCP and a proxy. */
type SocketSettings = Pick<BridgeSettings, "bindAddress" | "tcpKeepAliveSeconds" | "proxy">;

/**
 * Opens a byte pipe: from a given address, with probes of TCP, through a proxy, with a version of
 * TLS.
 *
 * @param secure The options of TLS; `null` for none.
 * @throws The reason of `signal`.
 */
export async function dialSocket(
  endpoint: Endpoint,
  { bindAddress, tcpKeepAliveSeconds, proxy }: SocketSettings,
  secure: BridgeTls | null,
  signal: AbortSignal,
): Promise<Transport> {
  const url = proxy === null ? null : new URL(proxy);
  const { hostname: host, port } = url === null ? endpoint : proxyAddress(url);
  const from = bindAddress === null ? {} : { localAddress: bindAddress };
  const to = { host, port, noDelay: true, ...from };
  const options = secure === null ? null : optionsOf(secure, endpoint.hostname);
  if (options !== null && url === null) {
    const socket = tls.connect({ ...to, ...options });
    await whenSecure(socket, signal);
    return piped(socket, tcpKeepAliveSeconds);
  }
  const socket = net.connect(to);
  await whenOpen(socket, "connect", signal);
  if (url !== null) await askProxy(socket, url, endpoint, signal);
  if (options === null) return piped(socket, tcpKeepAliveSeconds);
  const over = tls.connect({ socket, ...options });
  await whenSecure(over, signal);
  return piped(over, tcpKeepAliveSeconds);
}

/** Waits for the handshake. Node may say no more of a server that is too old than that it has left. */
async function whenSecure(socket: tls.TLSSocket, signal: AbortSignal): Promise<void> {
  try {
    await whenOpen(socket, "secureConnect", signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof Error)) throw error;
    throw new Error(`The TLS handshake has failed: ${error.message}`, { cause: error });
  }
}

function piped(socket: net.Socket, keepAliveSeconds: number | null): Transport {
  if (keepAliveSeconds !== null) socket.setKeepAlive(true, keepAliveSeconds * 1000);
  return new NodeSocketTransport(socket);
}

function optionsOf(
  { caCerts, cert, key, insecure = false, alpn, minVersion }: BridgeTls,
  hostname: string,
): tls.ConnectionOptions {
  return {
    // An address is not a server name.
    ...net.isIP(hostname) === 0 ? { servername: hostname } : {},
    // Those of the runtime beside them would need a permission (--allow-sys=ca).
    ...caCerts === undefined ? {} : { ca: [...caCerts] },
    ...cert === undefined || key === undefined ? {} : { cert, key },
    ...insecure ? { checkServerIdentity: () => undefined } : {},
    ...alpn === undefined ? {} : { ALPNProtocols: [alpn] },
    ...minVersion === undefined ? {} : { minVersion: `TLSv${minVersion}` },
  };
}
