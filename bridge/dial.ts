/** Opens a byte pipe to the other broker of a bridge. */
import { dialWith } from "../client/dial.ts";
import type { Endpoint } from "../client/endpoint.ts";
import type { TlsSettings } from "../client/tls_settings.ts";
import type { Transport } from "../transport/transport.ts";
import type { BridgeSettings, BridgeTls } from "./options.ts";

/** Opens a byte pipe to the other broker, with what the options say of TCP and TLS. */
export async function dialBridge(
  endpoint: Endpoint,
  settings: BridgeSettings,
  signal: AbortSignal,
): Promise<Transport> {
  const { tls } = settings;
  return await dialWith(tls === null ? {} : tlsOf(tls))(endpoint, signal);
}

function tlsOf({ caCerts, cert, key, insecure = false }: BridgeTls): TlsSettings {
  return {
    ...(caCerts === undefined ? {} : { caCerts: [...caCerts] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    unsafelyDisableHostnameVerification: insecure,
  };
}
