/**
 * Transports: byte pipes to peers, what is known about a peer, and listeners. `Broker.listen` makes
 * listeners. `Broker.accept` takes any {@linkcode Transport}.
 *
 * @example A connection that the program itself has accepted
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { connect } from "@fairway/mqtt/client";
 * import type { Transport } from "@fairway/mqtt/transport";
 *
 * await using broker = new Broker();
 * using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const accepted = listener.accept().then((pipe: Transport) => {
 *   broker.accept(pipe, { address: "127.0.0.1" });
 * });
 * await using client = await connect(`mqtt://127.0.0.1:${listener.addr.port}`);
 * await accepted;
 * ```
 *
 * @module
 */
export type { NativeOptions } from "./native/native_listener.ts";
export type { Pipe, PipeReceiver } from "./pipe.ts";
export type { ProxyOptions } from "./proxy_protocol.ts";
export type { TcpListener, TcpOptions } from "./tcp.ts";
export type { TlsListener } from "./tls.ts";
export type { TlsIdentity, TlsServerOptions } from "./tls_options.ts";
export type { PeerCertificate, PeerInfo, Transport } from "./transport.ts";
export type { UnixListener, UnixOptions } from "./unix.ts";
export type { WebSocketOptions } from "./websocket_handshake.ts";
