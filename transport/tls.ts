import { AcceptLoop, type MayAccept } from "./accept_loop.ts";
import type { Opened, Opening } from "./opening.ts";
import { addressText, type TcpOptions } from "./tcp.ts";
import { TlsContext, type TlsServerOptions } from "./tls_options.ts";
import { TlsTransport } from "./tls_transport.ts";
import type { PeerInfo, Transport } from "./transport.ts";

/** What a listener for TLS needs beside the options of TLS itself. */
export interface TlsListenerSettings extends TcpOptions {
  /** What may be spoken inside if the options of TLS do not say. */
  readonly alpnProtocols: readonly string[];
  /** Whether something comes before the handshake, as a PROXY header does. */
  readonly hasPrelude: boolean;
}

/** How often a listener that was closed is tried to be opened again, and how long between, in milliseconds. */
const REBIND_TRIES = 50;
const REBIND_MS = 10;

type Loop = AcceptLoop<Deno.TcpConn | Deno.TlsConn>;

/**
 * Accepts TCP connections for TLS. A handshake is not done here: each
 * connection is handed over with what does it.
 *
 * The runtime's own listener costs half as much per message as node:tls or
 * less, but knows nothing beyond a certificate and its key. It is used where
 * that is enough.
 */
export class TlsListener {
  readonly #settings: TlsListenerSettings;
  readonly #mayAccept: MayAccept;
  readonly #accepted: (pipe: Transport, peer: PeerInfo, handshake: Opening) => void;
  #context: TlsContext;
  #addr: Deno.NetAddr;
  #loop: Loop;
  #isClosed = false;
  /** The reload under way, after which the next one comes. */
  #reloading: Promise<void> = Promise.resolve();

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
    this.#settings = settings;
    this.#mayAccept = mayAccept;
    this.#accepted = accepted;
    this.#context = new TlsContext(options, settings.alpnProtocols);
    const { hostname = "127.0.0.1", port = 8883 } = settings;
    [this.#loop, this.#addr] = this.#listen(this.#context, hostname, port);
  }

  /** The address that was bound. */
  get hostname(): string {
    return this.#addr.hostname;
  }

  /** The port that was bound. */
  get port(): number {
    return this.#addr.port;
  }

  /**
   * Takes other certificates, keys, authorities and lists of revoked ones. All
   * handshakes that begin when this is done use these; connections that are
   * open stay.
   *
   * Where the runtime's own listener is used and its certificate has changed,
   * it is closed and opened again: a client that connects in that millisecond
   * is turned away, and has to come again.
   *
   * @throws {TypeError} If one cannot be used; nothing has changed then.
   */
  async reload(options: TlsServerOptions): Promise<void> {
    const context = new TlsContext(options, this.#settings.alpnProtocols);
    const reloading = this.#reloading.then(() => this.#replace(context));
    this.#reloading = reloading.catch(() => {
      // Told to whoever has asked for it.
    });
    await reloading;
  }

  /** Stops listening; connections go on. Closing again does nothing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#loop.close();
    await this.#reloading;
    await this.#loop.close();
  }

  async #replace(context: TlsContext): Promise<void> {
    if (this.#isClosed) throw new TypeError("Cannot reload: listener is closed");
    const before = this.#context;
    const usedRuntime = this.#usesRuntime(before);
    const stays = usedRuntime === this.#usesRuntime(context) &&
      (!usedRuntime || before.isSameAs(context));
    this.#context = context;
    if (stays) return;
    await this.#loop.close();
    for (let tries = 1; !this.#isClosed; tries++) {
      try {
        [this.#loop, this.#addr] = this.#listen(context, this.hostname, this.port);
        return;
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse) || tries === REBIND_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, REBIND_MS));
      }
    }
  }

  #usesRuntime(context: TlsContext): boolean {
    return context.isPlain && !this.#settings.hasPrelude;
  }

  #listen(context: TlsContext, hostname: string, port: number): [Loop, Deno.NetAddr] {
    if (!this.#usesRuntime(context)) {
      const listener = Deno.listen({ hostname, port });
      const loop: Loop = new AcceptLoop(listener, this.#mayAccept, (conn) => {
        // Bytes are gathered before they are written: the kernel must not wait for more.
        (conn as Deno.TcpConn).setNoDelay(true);
        // The context of the moment: it may have been replaced.
        this.#take(conn, (pipe, peer) => handshake(pipe, peer, this.#context));
      });
      return [loop, listener.addr];
    }
    const alpnProtocols = [...context.alpnProtocols];
    const listener = Deno.listenTls({ hostname, port, ...context.identity, alpnProtocols });
    const loop: Loop = new AcceptLoop(listener, this.#mayAccept, (conn) => {
      this.#take(conn, async (transport, peer) => {
        await (conn as Deno.TlsConn).handshake();
        return { transport, peer };
      });
    });
    return [loop, listener.addr as Deno.NetAddr];
  }

  #take(conn: Deno.TcpConn | Deno.TlsConn, handshake: Opening): void {
    this.#accepted(conn, { address: addressText(conn.remoteAddr as Deno.NetAddr) }, handshake);
  }
}

async function handshake(pipe: Transport, peer: PeerInfo, context: TlsContext): Promise<Opened> {
  const { transport, certificate, serverName } = await TlsTransport.accept(pipe, context);
  // What a proxy has told of a certificate that it was shown is of no use here.
  return { transport, peer: { ...peer, certificate, serverName } };
}
