/** Opens a byte pipe to the other broker of a bridge. */
import { dialWith } from "../client/dial.ts";
import type { Endpoint } from "../client/endpoint.ts";
import type { TlsSettings } from "../client/tls_settings.ts";
import { Receipt } from "../log/receipt.ts";
import type { Transport } from "../transport/transport.ts";
import { WebSocketClientTransport } from "../transport/websocket_client.ts";
import type { BridgeSettings, BridgeTls } from "./options.ts";

/** Opens a byte pipe to the other broker, with what the options say of TCP, TLS and a proxy. */
export async function dialBridge(
  endpoint: Endpoint,
  settings: BridgeSettings,
  signal: AbortSignal,
): Promise<Transport> {
  const { hostname, port, path } = endpoint;
  const isWeb = endpoint.scheme === "ws" || endpoint.scheme === "wss";
  const isTls = endpoint.scheme === "mqtts" || endpoint.scheme === "wss";
  const pipe = await dialPipe({ ...endpoint, scheme: isTls ? "mqtts" : "mqtt" }, settings, signal);
  if (!isWeb) return pipe;
  const host = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  return await WebSocketClientTransport.open(pipe, { host, path }, signal);
}

/** Opens a pipe of TCP or TLS. */
async function dialPipe(
  endpoint: Endpoint,
  settings: BridgeSettings,
  signal: AbortSignal,
): Promise<Transport> {
  const { tls, proxy, bindAddress, tcpKeepAliveSeconds } = settings;
  const isTls = endpoint.scheme === "mqtts";
  const isPlain = proxy === null && bindAddress === null && tcpKeepAliveSeconds === null &&
    (!isTls || tls?.alpn === undefined && tls?.minVersion === undefined);
  if (isPlain) return await dialWith(tlsOf(tls))(endpoint, signal);
  // The sockets of the runtime are faster, and so they are used where they can do what is asked.
  const { dialSocket } = await import("./dial_socket.ts");
  return await dialSocket(endpoint, settings, isTls ? tls ?? {} : null, signal);
}

function tlsOf(tls: BridgeTls | null): TlsSettings {
  if (tls === null) return {};
  const { caCerts, cert, key, insecure = false } = tls;
  return {
    ...(caCerts === undefined ? {} : { caCerts: [...caCerts] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    unsafelyDisableHostnameVerification: insecure,
  };
}

/** Waits for a pipe, but not longer than the signal allows; a pipe that comes later is closed. */
export async function orAborted(
  dialed: Promise<Transport>,
  signal: AbortSignal,
): Promise<Transport> {
  const aborted = new Receipt();
  const abort = () => aborted.close();
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    const transport = await Promise.race([dialed, aborted.wait()]);
    if (transport) return transport;
    dialed.then((late) => late.close(), () => {});
    throw signal.reason;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
