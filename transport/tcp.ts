/** Listens on TCP. */
import { AcceptLoop, type MayAccept } from "./accept_loop.ts";
import type { PeerInfo, Transport } from "./transport.ts";

/** The address of a listener. */
export interface TcpOptions {
  /** The address to bind to; 127.0.0.1 by default. */
  hostname?: string;
  /** The port, or 0 for any free port; 1883 by default. */
  port?: number;
}

/** An address and a port. */
export interface Endpoint {
  readonly hostname: string;
  readonly port: number;
}

/** A socket that was bound, and accepts connections. */
export interface BoundSocket extends Endpoint {
  /** Stops listening. Open connections stay. Closing again does nothing. */
  close(): Promise<void>;
}

/**
 * Binds a socket.
 *
 * @throws If the address cannot be bound.
 */
export type BindTcp = (
  endpoint: Endpoint,
  mayAccept: MayAccept,
  onAccepted: (transport: Transport, from: Endpoint) => void,
) => BoundSocket;

/** Accepts TCP connections. */
export class TcpListener {
  readonly #socket: BoundSocket;

  /**
   * Listens.
   *
   * @param mayAccept Called before each accept, which waits for the promise. If accept runs out of
   * file descriptors, the whole process ends.
   * @param onAccepted Receives each connection.
   * @param bind The sockets of the runtime by default.
   * @throws If the address cannot be bound.
   */
  constructor(
    options: TcpOptions,
    mayAccept: MayAccept,
    onAccepted: (transport: Transport, peer: PeerInfo) => void,
    bind: BindTcp = bindRuntime,
  ) {
    const { hostname = "127.0.0.1", port = 1883 } = options;
    this.#socket = bind({ hostname, port }, mayAccept, (transport, from) => {
      // With a field for what is decided next: a copy with one more field is two objects.
      onAccepted(transport, { address: addressText(from), isAdmitted: false });
    });
  }

  /** The address that was bound. */
  get hostname(): string {
    return this.#socket.hostname;
  }

  /** The port that was bound. */
  get port(): number {
    return this.#socket.port;
  }

  /** Stops listening. Open connections stay. Closing again does nothing. */
  close(): Promise<void> {
    return this.#socket.close();
  }
}

/** A socket of the runtime. */
const bindRuntime: BindTcp = ({ hostname, port }, mayAccept, onAccepted) => {
  const listener = Deno.listen({ hostname, port, transport: "tcp" });
  const loop = new AcceptLoop(listener, mayAccept, (conn) => {
    // The broker gathers bytes itself, so the kernel must not wait for more.
    conn.setNoDelay(true);
    onAccepted(conn, conn.remoteAddr);
  });
  const { addr } = listener;
  return { hostname: addr.hostname, port: addr.port, close: () => loop.close() };
};

/** An address and a port as text. */
export function addressText({ hostname: full, port }: Endpoint): string {
  if (!full.includes(":")) return `${full}:${port}`;
  // An IPv4 client of an IPv6 listener is shown with its IPv4 address.
  const hostname = full.replace(/^::ffff:(?=[\d.]+$)/i, "");
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
