/** A socket of `node:net` or `node:tls` as a transport. */
import type { Socket } from "node:net";
import type { Transport } from "./transport.ts";

/** A socket of `node:net` or `node:tls` as a byte pipe, for runtimes that have no other. */
export class NodeSocketTransport implements Transport {
  readonly #socket: Socket;
  #error: Error | null = null;
  #isClosed = false;
  #wake: () => void = () => {};

  /** Takes over a socket that is open, and that nobody has read from. */
  constructor(socket: Socket) {
    this.#socket = socket;
    const wake = () => this.#wake();
    // The socket is paused: it reads no more than its own small buffer holds, until it is read from.
    socket.on("readable", wake);
    socket.on("end", wake);
    socket.on("error", (error) => this.#error = error);
    socket.on("close", () => {
      this.#isClosed = true;
      wake();
    });
  }

  /** Reads bytes that have arrived. */
  async read(target: Uint8Array): Promise<number | null> {
    const socket = this.#socket;
    for (;;) {
      const count = Math.min(target.length, socket.readableLength);
      const bytes: Uint8Array | null = count === 0 ? null : socket.read(count);
      if (bytes !== null) {
        target.set(bytes);
        return bytes.length;
      }
      if (socket.readableEnded) return null;
      if (this.#isClosed) throw this.#failure;
      const woken = Promise.withResolvers<void>();
      this.#wake = woken.resolve;
      // Only a read finds the end of the stream.
      if (socket.readableLength === 0) socket.read(0);
      await woken.promise;
    }
  }

  /** Writes everything. Waits until the system has taken it, so that a slow peer slows down. */
  write(source: Uint8Array): Promise<number> {
    if (this.#isClosed) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#socket.write(source, (error) => {
        if (error) reject(this.#error ?? error);
        else resolve(source.length);
      });
    });
  }

  /** Tells the peer that no more will be written. Reading continues. */
  closeWrite(): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#failure);
    return new Promise((resolve) => this.#socket.end(() => resolve()));
  }

  /** Closes both directions at once. */
  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
    this.#wake();
  }

  get #failure(): Error {
    return this.#error ?? new Error("The connection is closed");
  }
}
