import type { PeerInfo, Transport } from "./transport.ts";

/** Where a listener listens. */
export interface TcpOptions {
  /** The address to bind to; 127.0.0.1 by default. */
  hostname?: string;
  /** The port, or 0 for any that is free; 1883 by default. */
  port?: number;
}

/** How long to wait after a failed accept, in milliseconds; doubles up to the last. */
const RETRY_MS_MIN = 5;
const RETRY_MS_MAX = 1000;

/** Accepts TCP connections and hands each over. */
export class TcpListener {
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  #isClosed = false;

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
    mayAccept: () => PromiseLike<void> | null,
    accepted: (transport: Transport, peer: PeerInfo) => void,
  ) {
    const { hostname = "127.0.0.1", port = 1883 } = options;
    this.#listener = Deno.listen({ hostname, port, transport: "tcp" });
    this.#accepting = this.#accept(mayAccept, accepted);
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
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#listener.close();
    }
    await this.#accepting;
  }

  async #accept(
    mayAccept: () => PromiseLike<void> | null,
    accepted: (transport: Transport, peer: PeerInfo) => void,
  ): Promise<void> {
    let retryMs = RETRY_MS_MIN;
    while (!this.#isClosed) {
      const wait = mayAccept();
      if (wait !== null) {
        await wait;
        continue;
      }
      try {
        const conn = await this.#listener.accept();
        retryMs = RETRY_MS_MIN;
        this.#take(conn, accepted);
      } catch {
        // The listener was closed, or the peer was gone before it was accepted.
        if (this.#isClosed) return;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
      }
    }
  }

  #take(conn: Deno.TcpConn, accepted: (transport: Transport, peer: PeerInfo) => void): void {
    // One accepted in the very turn in which the listener was closed.
    if (this.#isClosed) return conn.close();
    const { hostname, port } = conn.remoteAddr;
    // Bytes are gathered before they are written: the kernel must not wait for more.
    conn.setNoDelay(true);
    accepted(conn, {
      address: hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`,
    });
  }
}
