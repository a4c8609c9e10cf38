/** Accepts connections one after the other, and waits after errors. */

/** How long to wait after a failed accept, in milliseconds. The wait doubles up to the maximum. */
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
 * Called before each accept, which waits for the promise. If accept runs out of file descriptors,
 * the whole process ends.
 */
export type MayAccept = () => PromiseLike<void> | null;

/** Accepts connections one after the other, until it is closed. */
export class AcceptLoop<C extends { close(): void }> {
  readonly #acceptor: Acceptor<C>;
  readonly #accepting: Promise<void>;
  #isClosed = false;

  /** Begins to accept. It passes each connection to `onAccepted` at once. */
  constructor(acceptor: Acceptor<C>, mayAccept: MayAccept, onAccepted: (conn: C) => void) {
    this.#acceptor = acceptor;
    this.#accepting = this.#accept(mayAccept, onAccepted);
  }

  /** Stops listening. Open connections stay. Closing again does nothing. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#acceptor.close();
    }
    await this.#accepting;
  }

  async #accept(mayAccept: MayAccept, onAccepted: (conn: C) => void): Promise<void> {
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
        // It was accepted in the same turn in which the listener was closed.
        if (this.#isClosed) conn.close();
        else onAccepted(conn);
      } catch {
        // The listener was closed, or the peer disconnected before it was accepted.
        if (this.#isClosed) return;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
      }
    }
  }
}
