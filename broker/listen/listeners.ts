import { AddressList, hostOf } from "../../transport/cidr.ts";
import type { Opening } from "../../transport/opening.ts";
import { proxyOpening, type ProxyOptions } from "../../transport/proxy_protocol.ts";
import { TcpListener, type TcpOptions } from "../../transport/tcp.ts";
import { TlsListener } from "../../transport/tls.ts";
import type { TlsServerOptions } from "../../transport/tls_options.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import { UnixListener, type UnixOptions } from "../../transport/unix.ts";
import type { WebSocketOptions } from "../../transport/websocket_handshake.ts";
import { webSocketOpening } from "../../transport/websocket_server.ts";
import { PendingHandshakes } from "./pending_handshakes.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Acceptor } from "./acceptor.ts";
import { TokenBucket } from "../limits/token_bucket.ts";
import { ListenerPolicy } from "../base/listener_policy.ts";
import type { ListenerRules } from "../base/listener_options.ts";

/** Options of every kind of listener. */
export interface ListenerOptions {
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
}

/** Options of a TCP listener. */
export interface ListenOptions extends TcpOptions, ListenerOptions {
  /** Proxies that send client addresses with the PROXY protocol; none by default. */
  proxy?: ProxyOptions;
  /** Whether clients use MQTT over WebSocket, and which ones may; false by default. */
  webSocket?: WebSocketOptions;
}

/** Options of a TLS listener. */
export interface TlsListenOptions extends ListenOptions, TlsServerOptions {
  /** The port, or 0 for any free port; 8883 by default. */
  port?: number;
}

/** Options of a listener for programs on the same machine. */
export interface UnixListenOptions extends UnixOptions, ListenerOptions {
  /** Whether clients use MQTT over WebSocket, and which ones may; false by default. */
  webSocket?: WebSocketOptions;
}

/** Options of a WebSocket listener. */
export interface WebSocketListenOptions extends TcpOptions, ListenerOptions, WebSocketOptions {
  /** The port, or 0 for any free port; 8080 by default. */
  port?: number;
  /** Proxies that send client addresses with the PROXY protocol; none by default. */
  proxy?: ProxyOptions;
}

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
  readonly #mayAccept = () => this.#acceptor.mayAccept();

  constructor(context: BrokerContext, connections: { readonly size: number }, acceptor: Acceptor) {
    this.#context = context;
    this.#acceptor = acceptor;
    this.#handshakes = new PendingHandshakes(context, connections);
  }

  /** Listens for TCP. */
  tcp(options: ListenOptions): TcpListener {
    const take = this.#taking(options);
    return this.#keep(new TcpListener(options, this.#mayAccept, take));
  }

  /** Listens for TLS. */
  tls(options: TlsListenOptions): TlsListener {
    const { hostname, port, webSocket } = options;
    const take = this.#taking(options);
    const settings = {
      ...hostname === undefined ? {} : { hostname },
      ...port === undefined ? {} : { port },
      alpnProtocols: webSocket === undefined ? ALPN_MQTT : ALPN_WEBSOCKET,
    };
    const listener = new TlsListener(
      options,
      settings,
      this.#mayAccept,
      take,
    );
    return this.#keep(listener);
  }

  /** Listens on a Unix socket. */
  async unix(options: UnixListenOptions): Promise<UnixListener> {
    const take = this.#taking(options);
    const listener = await UnixListener.listen(options, this.#mayAccept, take);
    if (!this.#context.isClosing) return this.#keep(listener);
    await listener.close();
    throw closed();
  }

  /** Stops listening, and closes connections with unfinished handshakes. */
  async close(): Promise<void> {
    this.#handshakes.close();
    await Promise.all([...this.#all].map((listener) => listener.close()));
  }

  #keep<T extends { close(): Promise<void> }>(listener: T): T {
    this.#all.add(listener);
    return listener;
  }

  /**
   * The function that takes over the connections of a listener, with a TLS handshake if necessary.
   */
  #taking(
    options: ListenerOptions & { proxy?: ProxyOptions; webSocket?: WebSocketOptions },
  ): (pipe: Transport, peer: PeerInfo, handshake?: Opening) => void {
    if (this.#context.isClosing) throw closed();
    const acceptor = this.#acceptor;
    const policy = this.#policyOf(options);
    const { proxy, webSocket } = options;
    const proxies = new AddressList([...proxy?.from ?? [], ...webSocket?.forwardedFor ?? []]);
    const before = proxy === undefined ? [] : [proxyOpening(proxy), this.#admission(proxies)];
    const after = webSocket === undefined
      ? []
      : [webSocketOpening(webSocket, (address) => this.#idlingOf(address))];
    const enter = (pipe: Transport, peer: PeerInfo) => acceptor.accept(pipe, peer, policy);
    return (pipe, peer, handshake) => {
      // The address behind a proxy is known later.
      const isAdmitted = !proxies.has(hostOf(peer.address));
      if (isAdmitted && !acceptor.mayConnect(peer.address)) return pipe.close();
      const between = handshake === undefined ? [] : [handshake];
      const openings = [...before, ...between, ...after];
      if (openings.length === 0) enter(pipe, { ...peer, isAdmitted });
      else this.#handshakes.open(pipe, { ...peer, isAdmitted }, openings, enter);
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
      context.limited("websocket-frames", address, null);
      return false;
    };
  }

  /** Checks the address from a proxy with the acceptor, before the next handshake. */
  #admission(proxies: AddressList): Opening {
    // deno-lint-ignore require-await
    return async (transport, peer) => {
      if (peer.isAdmitted || proxies.has(hostOf(peer.address))) return { transport, peer };
      if (!this.#acceptor.mayConnect(peer.address)) {
        throw new Error("Too many come from this address");
      }
      return { transport, peer: { ...peer, isAdmitted: true } };
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
