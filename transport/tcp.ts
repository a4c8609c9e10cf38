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

/** Accepts TCP connections. */
export class TcpListener {
  readonly #listener: Deno.TcpListener;
  readonly #loop: AcceptLoop<Deno.TcpConn>;

  /**
   * Listens.
   *
   * @param mayAccept Called before each accept, which waits for the promise. If accept runs out of
   * file descriptors, the whole process ends.
   * @param accepted Receives each connection.
   * @throws If the address cannot be bound.
   */
  constructor(
    options: TcpOptions,
    mayAccept: MayAccept,
    accepted: (transport: Transport, peer: PeerInfo) => void,
  ) {
    const { hostname = "127.0.0.1", port = 1883 } = options;
    this.#listener = Deno.listen({ hostname, port, transport: "tcp" });
    this.#loop = new AcceptLoop(this.#listener, mayAccept, (conn) => {
      // The broker gathers bytes itself, so the kernel must not wait for more.
      conn.setNoDelay(true);
      accepted(conn, { address: addressText(conn.remoteAddr) });
    });
  }

  /** The address that was bound. */
  get hostname(): string {
    return this.#listener.addr.hostname;
  }

  /** The port that was bound. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Stops listening. Open connections stay. Closing again does nothing. */
  close(): Promise<void> {
    return this.#loop.close();
  }
}

/** An address and a port as text. */
export function addressText(
  { hostname: full, port }: { hostname: string; port: number },
): string {
  // An IPv4 client of an IPv6 listener is shown with its IPv4 address.
  const hostname = full.replace(/^::ffff:(?=[\d.]+$)/i, "");
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
