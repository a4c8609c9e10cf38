/**
 * Options of `Broker.listen`: they select the transport.
 *
 * @module
 */
import type { NativeOptions } from "../../transport/native/native_listener.ts";
import type { ProxyOptions } from "../../transport/proxy_protocol.ts";
import type { TcpOptions } from "../../transport/tcp.ts";
import type { TlsServerOptions } from "../../transport/tls_options.ts";
import type { UnixOptions } from "../../transport/unix.ts";
import type { WebSocketOptions } from "../../transport/websocket_handshake.ts";
import type { ListenerRules } from "../base/listener_options.ts";
import type { ListenerPolicy } from "../base/listener_policy.ts";

/** Options of every kind of listener. */
export interface ListenerOptions {
  /**
   * Whether clients use MQTT over WebSocket: `true`, or which ones may; false by default.
   */
  webSocket?: boolean | WebSocketOptions;
  /**
   * Whether small protocol faults of clients are tolerated, and counted in `stats.tolerated`,
   * instead of ending their connections; false by default.
   */
  lenient?: boolean;
  /**
   * Other rules for its clients, or a policy that several listeners share. The rules of the whole
   * broker by default.
   */
  policy?: ListenerRules | ListenerPolicy;
  /**
   * Whether to use sockets of the C library by FFI: `true`, or with which options; false by default,
   * for those of the runtime. They cost less, need Linux on x86-64 or arm64, and the permission
   * `--allow-ffi`, with which this code is trusted like native code.
   */
  native?: boolean | NativeOptions;
}

/** Options of a TCP listener. */
export interface ListenOptions extends TcpOptions, ListenerOptions {
  /** The port, or 0 for any free port; 1883 by default, 8080 with `webSocket`, 8883 with `tls`. */
  port?: number;
  /** Proxies that send client addresses with the PROXY protocol; none by default. */
  proxy?: ProxyOptions;
}

/** Options of a TLS listener: `mqtts:`, and `wss:` with `webSocket`. */
export interface TlsListenOptions extends ListenOptions {
  /** The certificate and its key, and whether clients need certificates. */
  tls: TlsServerOptions;
}

/** Options of a listener for programs on the same machine: a Unix socket. */
export interface UnixListenOptions extends UnixOptions, ListenerOptions {}

/** Options of any listener. */
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
  "native",
]);
/** Options that a Unix socket does not have. */
const NOT_UNIX = ["hostname", "port", "tls", "proxy"] as const;
/** The object to which an option belongs that is not one of a listener itself. */
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
  backlog: "native",
  reusePort: "native",
  userTimeoutMs: "native",
};

/**
 * Refuses options that would have no effect: if a certificate were ignored, the listener would not
 * use TLS.
 *
 * @throws {TypeError} If there is one.
 */
export function checkListenOptions(options: AnyListenOptions): void {
  for (const name of Object.keys(options)) {
    if (NAMES.has(name)) continue;
    const home = HOMES[name];
    const hint = home === undefined ? "there is no such option" : `it belongs to ${home}`;
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

/** The options of native sockets; `undefined` for the sockets of the runtime. */
export function nativeOf({ native }: ListenerOptions): NativeOptions | undefined {
  if (native === true) return {};
  return native === false ? undefined : native;
}

/** The options of WebSockets; `undefined` for plain MQTT. */
export function webSocketOf({ webSocket }: ListenerOptions): WebSocketOptions | undefined {
  if (webSocket === true) return {};
  return webSocket === false ? undefined : webSocket;
}
