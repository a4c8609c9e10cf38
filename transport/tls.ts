/** Listens on TCP for TLS. */
import type { MayAccept } from "./accept_loop.ts";
import type { Opening } from "./opening.ts";
import { type BindTcp, TcpListener, type TcpOptions } from "./tcp.ts";
import { TlsContext, type TlsServerOptions } from "./tls_options.ts";
import { TlsTransport } from "./tls_transport.ts";
import type { PeerInfo, Transport } from "./transport.ts";

/** The address of a TLS listener, and its default ALPN protocols. */
export interface TlsListenerSettings extends TcpOptions {
  /** The ALPN protocols, unless the TLS options set them. */
  readonly alpnProtocols: readonly string[];
}

/**
 * Accepts TCP connections for TLS. It does not do the handshake: it passes each connection on with
 * the step that does.
 *
 * The runtime's own TLS listener would cost less. It is not used for two reasons: it does not ask
 * for client certificates, and it keeps the file descriptor of a closed connection until the peer
 * finishes the handshake, or reads. Peers that do neither could use up all descriptors.
 */
export class TlsListener {
  readonly #alpnProtocols: readonly string[];
  readonly #listener: TcpListener;
  #context: TlsContext;

  /**
   * Listens.
   *
   * @param mayAccept Called before each accept, which waits for the promise.
   * @param onAccepted Receives each connection, with the step that does its handshake.
   * @param bind As for a TCP listener.
   * @throws {TypeError} If an option of TLS cannot be used.
   * @throws If the address cannot be bound.
   */
  constructor(
    options: TlsServerOptions,
    settings: TlsListenerSettings,
    mayAccept: MayAccept,
    onAccepted: (pipe: Transport, peer: PeerInfo, handshake: Opening) => void,
    bind?: BindTcp,
  ) {
    const { alpnProtocols, port = 8883 } = settings;
    this.#alpnProtocols = alpnProtocols;
    this.#context = new TlsContext(options, alpnProtocols);
    const take = (pipe: Transport, peer: PeerInfo) => onAccepted(pipe, peer, this.#handshake);
    this.#listener = new TcpListener({ ...settings, port }, mayAccept, take, bind);
  }

  /** The address that was bound. */
  get hostname(): string {
    return this.#listener.hostname;
  }

  /** The port that was bound. */
  get port(): number {
    return this.#listener.port;
  }

  /**
   * Replaces the certificates, keys, authorities and lists of revoked certificates. Later
   * handshakes use the new ones. Open connections stay.
   *
   * @throws {TypeError} If one cannot be used; nothing has changed then.
   */
  reload(options: TlsServerOptions): void {
    this.#context = new TlsContext(options, this.#alpnProtocols);
  }

  /** Stops listening. Open connections stay. Closing again does nothing. */
  close(): Promise<void> {
    return this.#listener.close();
  }

  readonly #handshake: Opening = async (pipe, peer) => {
    const accepted = await TlsTransport.accept(pipe, this.#context);
    const { transport, certificate, serverName } = accepted;
    // The client's certificate replaces the one that a proxy has named.
    return { transport, peer: { ...peer, certificate, serverName } };
  };
}
