/** How long to wait after a failed accept, in milliseconds; doubles up to the last. */
const RETRY_MS_MIN = 5;
const RETRY_MS_MAX = 1000;

/** What accepts connections: a listener of the runtime. */
export interface Acceptor<C> {
  /** Waits for the next connection. */
  accept(): Promise<C>;
  /** Stops listening. */
  close(): void;
}

/**
 * Asked before each accept, which waits for the promise: running out of file
 * descriptors in accept ends the whole process.
 */
export type MayAccept = () => PromiseLike<void> | null;

/** Accepts connections, one after the other, until it is closed. */
export class AcceptLoop<C extends { close(): void }> {
  readonly #acceptor: Acceptor<C>;
  readonly #accepting: Promise<void>;
  #isClosed = false;

  /** Begins to accept; each connection is handed over at once. */
  constructor(acceptor: Acceptor<C>, mayAccept: MayAccept, accepted: (conn: C) => void) {
    this.#acceptor = acceptor;
    this.#accepting = this.#accept(mayAccept, accepted);
  }

  /** Stops listening; connections go on. Closing again does nothing. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#acceptor.close();
    }
    await this.#accepting;
  }

  async #accept(mayAccept: MayAccept, accepted: (conn: C) => void): Promise<void> {
    let retryMs = RETRY_MS_MIN;
    while (!this.#isClosed) {
      const wait = mayAccept();
      if (wait !== null) {
        await wait;
        continue;
      }
      try {
        const conn = await this.#acceptor.accept();
        retryMs = RETRY_MS_MIN;
        // One accepted in the very turn in which the listener was closed.
        if (this.#isClosed) conn.close();
        else accepted(conn);
      } catch {
        // The listener was closed, or the peer was gone before it was accepted.
        if (this.#isClosed) return;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
      }
    }
  }
}
