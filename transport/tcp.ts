import { AcceptLoop, type MayAccept } from "./accept_loop.ts";
import type { PeerInfo, Transport } from "./transport.ts";

/** Where a listener listens. */
export interface TcpOptions {
  /** The address to bind to; 127.0.0.1 by default. */
  hostname?: string;
  /** The port, or 0 for any that is free; 1883 by default. */
  port?: number;
}

/** Accepts TCP connections and hands each over. */
export class TcpListener {
  readonly #listener: Deno.TcpListener;
  readonly #loop: AcceptLoop<Deno.TcpConn>;

  /**
   * Listens.
   *
   * @param mayAccept Asked before each accept, which waits for the promise:
   * running out of file descriptors in accept ends the whole process.
   * @param accepted Takes the connection over.
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
      // Bytes are gathered before they are written: the kernel must not wait for more.
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

  /** Stops listening; connections go on. Closing again does nothing. */
  close(): Promise<void> {
    return this.#loop.close();
  }
}

/** An address and a port as people write them. */
export function addressText(
  { hostname: full, port }: { hostname: string; port: number },
): string {
  // Where a listener for IPv6 takes IPv4 too, that is nobody's business.
  const hostname = full.replace(/^::ffff:(?=[\d.]+$)/i, "");
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
