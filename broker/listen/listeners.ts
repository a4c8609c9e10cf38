/** Opens listeners, and brings their connections through TLS and WebSocket handshakes. */
import { AddressList, hostOf } from "../../transport/cidr.ts";
import type { Opening } from "../../transport/opening.ts";
import { proxyOpening, type ProxyOptions } from "../../transport/proxy_protocol.ts";
import type { NativeSockets } from "../../transport/native/native_sockets.ts";
import { type BindTcp, TcpListener } from "../../transport/tcp.ts";
import { TlsListener } from "../../transport/tls.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import { UnixListener } from "../../transport/unix.ts";
import { webSocketOpening } from "../../transport/websocket_server.ts";
import { connectOpening, HANDED_OVER } from "./connect_opening.ts";
import { PendingHandshakes } from "./pending_handshakes.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Acceptor } from "./acceptor.ts";
import { TokenBucket } from "../limits/token_bucket.ts";
import { ListenerPolicy } from "../base/listener_policy.ts";
import {
  type AnyListenOptions,
  checkListenOptions,
  type ListenerOptions,
  type ListenOptions,
  nativeOf,
  type TlsListenOptions,
  type UnixListenOptions,
  webSocketOf,
} from "./listen_options.ts";

/** The default ports; that of TLS is in `TlsListener`. */
const MQTT_PORT = 1883;
const WEBSOCKET_PORT = 8080;
/**
 * The application protocol of TLS. It must be negotiated, so that a web server is not mistaken for
 * a broker.
 */
const ALPN_MQTT = ["mqtt"];
const ALPN_WEBSOCKET = ["http/1.1"];

/** All listeners, and the handshakes before a connection reaches the acceptor. */
export class Listeners {
  readonly #context: BrokerContext;
  readonly #acceptor: Acceptor;
  readonly #handshakes: PendingHandshakes;
  readonly #all = new Set<{ close(): Promise<void> }>();
  #native: Promise<NativeSockets> | null = null;
  readonly #mayAccept = () => this.#acceptor.mayAccept();

  constructor(context: BrokerContext, acceptor: Acceptor) {
    this.#context = context;
    this.#acceptor = acceptor;
    this.#handshakes = new PendingHandshakes(context, acceptor);
  }

  /**
   * Listens on the transport that the options select.
   *
   * @throws {TypeError} If an option cannot be used, or the broker is closed.
   * @throws If the address cannot be bound.
   */
  async open(options: AnyListenOptions): Promise<TcpListener | TlsListener | UnixListener> {
    checkListenOptions(options);
    const { path, tls } = options;
    if (path !== undefined) return await this.#unix({ ...options, path });
    return tls === undefined ? await this.#tcp(options) : await this.#tls({ ...options, tls });
  }

  async #tcp(options: ListenOptions): Promise<TcpListener> {
    const { hostname, bind } = await this.#binding(options);
    const take = this.#taking(options);
    const { port = webSocketOf(options) === undefined ? MQTT_PORT : WEBSOCKET_PORT } = options;
    const endpoint = { ...hostname === undefined ? {} : { hostname }, port };
    return this.#keep(new TcpListener(endpoint, this.#mayAccept, take, bind));
  }

  async #tls(options: TlsListenOptions): Promise<TlsListener> {
    const { port, tls } = options;
    const { hostname, bind } = await this.#binding(options);
    const take = this.#taking(options);
    const settings = {
      ...hostname === undefined ? {} : { hostname },
      ...port === undefined ? {} : { port },
      alpnProtocols: webSocketOf(options) === undefined ? ALPN_MQTT : ALPN_WEBSOCKET,
    };
    return this.#keep(new TlsListener(tls, settings, this.#mayAccept, take, bind));
  }

  async #unix(options: UnixListenOptions): Promise<UnixListener> {
    const native = nativeOf(options);
    const bind = native === undefined ? undefined : (await this.#openNative()).unix(native);
    const take = this.#taking(options);
    const listener = await UnixListener.listen(options, this.#mayAccept, take, bind);
    if (!this.#context.isClosing) return this.#keep(listener);
    await listener.close();
    throw closed();
  }

  /** Uses native sockets that are already open. Releasing the listeners closes them. */
  useNative(sockets: NativeSockets): void {
    this.#native = Promise.resolve(sockets);
  }

  /** Stops listening, and closes connections with unfinished handshakes. */
  async close(): Promise<void> {
    this.#handshakes.close();
    await Promise.all([...this.#all].map((listener) => listener.close()));
  }

  /** Gives back what all listeners share, once no connection is left. */
  async release(): Promise<void> {
    await this.#native?.then((sockets) => sockets.close(), () => {
      // They could not be opened, and their caller has got the error.
    });
  }

  /** What binds the sockets of a listener, and the address to bind, as an IP address if it must be. */
  async #binding(options: ListenOptions): Promise<{ hostname?: string; bind?: BindTcp }> {
    const native = nativeOf(options);
    const { hostname } = options;
    if (native === undefined) return hostname === undefined ? {} : { hostname };
    const sockets = await this.#openNative();
    const bind = sockets.tcp(native);
    return hostname === undefined ? { bind } : { bind, hostname: await sockets.resolve(hostname) };
  }

  /** The native sockets: loaded for the first listener that has them, one for all. */
  #openNative(): Promise<NativeSockets> {
    const reportError = (error: unknown) => this.#context.reportError(error);
    return this.#native ??= import("../../transport/native/native_sockets.ts").then((module) => {
      return new module.NativeSockets({ reportError });
    });
  }

  #keep<T extends { close(): Promise<void> }>(listener: T): T {
    this.#all.add(listener);
    return listener;
  }

  /**
   * The function that takes over the connections of a listener, with a TLS handshake if necessary.
   */
  #taking(
    options: ListenerOptions & { proxy?: ProxyOptions },
  ): (pipe: Transport, peer: PeerInfo, handshake?: Opening) => void {
    if (this.#context.isClosing) throw closed();
    const acceptor = this.#acceptor;
    const policy = this.#policyOf(options);
    const { proxy } = options;
    const webSocket = webSocketOf(options);
    const proxies = new AddressList([...proxy?.from ?? [], ...webSocket?.forwardedFor ?? []]);
    const before = proxy === undefined ? [] : [proxyOpening(proxy), this.#admission(proxies)];
    const after: Opening[] = webSocket === undefined
      ? []
      : [webSocketOpening(webSocket, (address) => this.#idlingOf(address))];
    const { home } = this.#context;
    if (home !== null) after.push(connectOpening(home, this.#context, policy));
    const enter = (pipe: Transport, peer: PeerInfo) => {
      if (pipe !== HANDED_OVER) acceptor.accept(pipe, peer, policy);
    };
    const isPlain = before.length + after.length === 0;
    return (pipe, peer, handshake) => {
      // The address behind a proxy is known later.
      const isAdmitted = proxies.isEmpty || !proxies.has(hostOf(peer.address));
      if (isAdmitted && !acceptor.mayConnect(peer.address)) return pipe.close();
      const admitted = { ...peer, isAdmitted };
      if (isPlain && handshake === undefined) return enter(pipe, admitted);
      const between = handshake === undefined ? [] : [handshake];
      this.#handshakes.open(pipe, admitted, [...before, ...between, ...after], enter);
    };
  }

  /** Limits the frames without data that a client may send over its WebSocket. */
  #idlingOf(address: string): () => boolean {
    const context = this.#context;
    let max = -1;
    let bucket: TokenBucket;
    return () => {
      const { idleFramesPerSecondMax } = context.limits;
      if (idleFramesPerSecondMax !== max) {
        max = idleFramesPerSecondMax;
        bucket = new TokenBucket(max, max, context.clock.now());
      }
      if (max === 0 || bucket.take(context.clock.now())) return true;
      context.reportLimit("websocket-frames", address, null);
      return false;
    };
  }

  /** Checks the address from a proxy with the acceptor, before the next handshake. */
  #admission(proxies: AddressList): Opening {
    return (transport, peer) => {
      const isKnown = peer.isAdmitted || proxies.has(hostOf(peer.address));
      if (isKnown) return Promise.resolve({ transport, peer });
      if (!this.#acceptor.mayConnect(peer.address)) {
        return Promise.reject(new Error("Too many come from this address"));
      }
      return Promise.resolve({ transport, peer: { ...peer, isAdmitted: true } });
    };
  }

  #policyOf({ policy = {}, lenient }: ListenerOptions): ListenerPolicy {
    if (policy instanceof ListenerPolicy) return policy;
    const { settings, stats } = this.#context;
    const rules = lenient === undefined ? policy : { ...policy, lenient };
    return new ListenerPolicy(settings, stats, rules);
  }
}

function closed(): TypeError {
  return new TypeError("Cannot listen: broker is closed");
}
