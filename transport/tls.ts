import type { MayAccept } from "./accept_loop.ts";
import type { Opening } from "./opening.ts";
import { TcpListener, type TcpOptions } from "./tcp.ts";
import { TlsContext, type TlsServerOptions } from "./tls_options.ts";
import { TlsTransport } from "./tls_transport.ts";
import type { PeerInfo, Transport } from "./transport.ts";

/** Where a listener for TLS listens, and what is spoken inside. */
export interface TlsListenerSettings extends TcpOptions {
  /** What may be spoken inside if the options of TLS do not say. */
  readonly alpnProtocols: readonly string[];
}

/**
 * Accepts TCP connections for TLS. A handshake is not done here: each
 * connection is handed over with what does it.
 *
 * The runtime's own listener for TLS takes less work, and is not used: it asks
 * for no client certificate, and a connection of it that is closed keeps its
 * file descriptor for as long as a peer likes that says nothing, or reads
 * nothing. Whoever runs out of those is dead.
 */
export class TlsListener {
  readonly #alpnProtocols: readonly string[];
  readonly #listener: TcpListener;
  #context: TlsContext;

  /**
   * Listens.
   *
   * @param mayAccept Asked before each accept, which waits for the promise.
   * @param accepted Takes the connection over, with what does its handshake.
   * @throws {TypeError} If an option of TLS cannot be used.
   * @throws If the address cannot be bound.
   */
  constructor(
    options: TlsServerOptions,
    settings: TlsListenerSettings,
    mayAccept: MayAccept,
    accepted: (pipe: Transport, peer: PeerInfo, handshake: Opening) => void,
  ) {
    const { alpnProtocols, port = 8883 } = settings;
    this.#alpnProtocols = alpnProtocols;
    this.#context = new TlsContext(options, alpnProtocols);
    this.#listener = new TcpListener({ ...settings, port }, mayAccept, (pipe, peer) => {
      accepted(pipe, peer, this.#handshake);
    });
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
   * Takes other certificates, keys, authorities and lists of revoked ones. All
   * handshakes that begin from now on use these; connections that are open stay.
   *
   * @throws {TypeError} If one cannot be used; nothing has changed then.
   */
  reload(options: TlsServerOptions): void {
    this.#context = new TlsContext(options, this.#alpnProtocols);
  }

  /** Stops listening; connections go on. Closing again does nothing. */
  close(): Promise<void> {
    return this.#listener.close();
  }

  readonly #handshake: Opening = async (pipe, peer) => {
    const accepted = await TlsTransport.accept(pipe, this.#context);
    const { transport, certificate, serverName } = accepted;
    // What a proxy has told of a certificate that it was shown is of no use here.
    return { transport, peer: { ...peer, certificate, serverName } };
  };
}
