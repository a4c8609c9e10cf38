/** Opens a byte pipe to the other broker of a bridge. */
import { dialWith } from "../client/dial.ts";
import type { Endpoint } from "../client/endpoint.ts";
import type { TlsSettings } from "../client/tls_settings.ts";
import { Receipt } from "../log/receipt.ts";
import type { Transport } from "../transport/transport.ts";
import { dialProxy } from "./dial_proxy.ts";
import type { BridgeSettings, BridgeTls } from "./options.ts";

/** Opens a byte pipe to the other broker, with what the options say of TCP, TLS and a proxy. */
export async function dialBridge(
  endpoint: Endpoint,
  settings: BridgeSettings,
  signal: AbortSignal,
): Promise<Transport> {
  const { tls, proxy, bindAddress, tcpKeepAliveSeconds } = settings;
  const isPlain = proxy === null && bindAddress === null && tcpKeepAliveSeconds === null &&
    tls?.alpn === undefined;
  const isWeb = endpoint.scheme === "ws" || endpoint.scheme === "wss";
  // These take Deno's own sockets, which Node and Bun do not have.
  if (isPlain || isWeb || !("Deno" in globalThis)) {
    return await dialWith(tlsOf(tls))(endpoint, signal);
  }
  const isTls = endpoint.scheme === "mqtts";
  if (bindAddress !== null) {
    const { dialFrom } = await import("./dial_from.ts");
    return await dialFrom(bindAddress, endpoint, isTls ? tls ?? {} : null, signal);
  }
  if (proxy !== null) {
    const conn = await dialProxy(new URL(proxy), endpoint, signal);
    return isTls ? await startTls(conn, endpoint, tls ?? {}) : conn;
  }
  const { hostname, port } = endpoint;
  const conn = isTls
    ? await Deno.connectTls({ hostname, port, ...tlsOptions(tls ?? {}) })
    : await Deno.connect({ hostname, port, signal });
  if (tcpKeepAliveSeconds !== null && "setKeepAlive" in conn) conn.setKeepAlive(true);
  if ("handshake" in conn) return await shaken(conn);
  conn.setNoDelay(true);
  return conn;
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

function tlsOptions(tls: BridgeTls) {
  const { cert, key, ...rest } = tlsOf(tls);
  return {
    ...rest,
    ...(cert === undefined || key === undefined ? {} : { cert, key, keyFormat: "pem" as const }),
    ...(tls.alpn === undefined ? {} : { alpnProtocols: [tls.alpn] }),
  };
}

async function startTls(
  conn: Deno.TcpConn,
  { hostname }: Endpoint,
  tls: BridgeTls,
): Promise<Transport> {
  if (tls.cert !== undefined) {
    conn.close();
    throw new TypeError("Cannot use a certificate of the bridge through a proxy: Deno has no way");
  }
  return await shaken(await Deno.startTls(conn, { hostname, ...tlsOptions(tls) }));
}

/** Does the handshake, so that an untrusted certificate fails the attempt to connect. */
async function shaken(conn: Deno.TlsConn): Promise<Transport> {
  try {
    await conn.handshake();
    return conn;
  } catch (error) {
    conn.close();
    throw error;
  }
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
