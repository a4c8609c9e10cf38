/**
 * What `Broker.listen` takes: which transport, and who comes by it.
 *
 * @module
 */
import type { ProxyOptions } from "../../transport/proxy_protocol.ts";
import type { TcpOptions } from "../../transport/tcp.ts";
import type { TlsServerOptions } from "../../transport/tls_options.ts";
import type { UnixOptions } from "../../transport/unix.ts";
import type { WebSocketOptions } from "../../transport/websocket_handshake.ts";
import type { ListenerRules } from "../base/listener_options.ts";
import type { ListenerPolicy } from "../base/listener_policy.ts";

/** What holds for the clients of any listener. */
export interface ListenerOptions {
  /**
   * Whether clients speak MQTT over WebSocket: `true`, or which ones may. They speak plain MQTT by
   * default.
   */
  webSocket?: boolean | WebSocketOptions;
  /**
   * Whether small faults of clients are overlooked, and counted in
   * `stats.tolerated`, instead of ending their connections; false by default.
   */
  lenient?: boolean;
  /**
   * What else holds for its clients: rules, or a policy that several listeners
   * share. As for the whole broker by default.
   */
  policy?: ListenerRules | ListenerPolicy;
}

/** Where a broker listens for TCP, and who comes by it. */
export interface ListenOptions extends TcpOptions, ListenerOptions {
  /** The port, or 0 for any that is free; 1883 by default, 8080 with `webSocket`, 8883 with `tls`. */
  port?: number;
  /** Proxies that tell where clients come from, with the PROXY protocol; none by default. */
  proxy?: ProxyOptions;
}

/** The same for TLS: `mqtts:`, and `wss:` with `webSocket`. */
export interface TlsListenOptions extends ListenOptions {
  /** The certificate and its key, and what clients have to show. */
  tls: TlsServerOptions;
}

/** The same for programs on this machine: the path of a Unix socket, and its permissions. */
export interface UnixListenOptions extends UnixOptions, ListenerOptions {}

/** Any of them, as far as a caller without types keeps to them. */
export type AnyListenOptions =
  & ListenOptions
  & Partial<TlsListenOptions>
  & Partial<UnixListenOptions>;

/** The names of all options. */
const NAMES: ReadonlySet<string> = new Set<keyof AnyListenOptions>([
  "hostname",
  "port",
  "path",
  "mode",
  "tls",
  "webSocket",
  "proxy",
  "lenient",
  "policy",
]);
/** Those of TCP, which a Unix socket has nothing of. */
const NOT_UNIX = ["hostname", "port", "tls", "proxy"] as const;
/** Where an option belongs that somebody would look for among those of a listener. */
const HOMES: Readonly<Record<string, string>> = {
  cert: "tls",
  key: "tls",
  serverNames: "tls",
  clientCertificate: "tls",
  clientAuthorities: "tls",
  revoked: "tls",
  minVersion: "tls",
  alpnProtocols: "tls",
  origins: "webSocket",
  forwardedFor: "webSocket",
};

/**
 * Refuses options that would have no effect: a certificate that is overlooked would leave the
 * listener without TLS.
 *
 * @throws {TypeError} If there is one.
 */
export function checkListenOptions(options: AnyListenOptions): void {
  for (const name of Object.keys(options)) {
    if (NAMES.has(name)) continue;
    const home = HOMES[name];
    const hint = home === undefined ? "there is no such option" : `it belongs into ${home}`;
    throw new TypeError(`Cannot listen with ${name}: ${hint}`);
  }
  if (options.path === undefined) {
    if (options.mode === undefined) return;
    throw new TypeError("Cannot listen with mode: it is for a Unix socket, which has a path");
  }
  for (const name of NOT_UNIX) {
    if (options[name] === undefined) continue;
    throw new TypeError(
      `Cannot listen with path and ${name}: path is that of a Unix socket; ` +
        "the path of WebSockets is webSocket.path",
    );
  }
}

/** Which WebSockets are taken; `undefined` for plain MQTT. */
export function webSocketOf({ webSocket }: ListenerOptions): WebSocketOptions | undefined {
  if (webSocket === true) return {};
  return webSocket === false ? undefined : webSocket;
}
