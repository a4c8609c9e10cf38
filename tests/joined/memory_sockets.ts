/** Sockets in memory, so that what a test connects goes the way of a listener's connections. */
import type { BindTcp, Endpoint } from "../../transport/tcp.ts";
import type { Transport } from "../../transport/transport.ts";

/** Stands for the native sockets of a broker. */
export class MemorySockets {
  readonly #listeners: ((transport: Transport, from: Endpoint) => void)[] = [];

  /** Binds sockets, whose ports are numbers from 0 on. */
  tcp(): BindTcp {
    return ({ hostname }, mayAccept, onAccepted) => {
      let last: Promise<void> = Promise.resolve();
      let isClosed = false;
      const port = this.#listeners.push((transport, from) => {
        last = last.then(async () => {
          await mayAccept();
          if (isClosed) transport.close();
          else onAccepted(transport, from);
        });
      }) - 1;
      // deno-lint-ignore require-await
      return { hostname, port, close: async () => void (isClosed = true) };
    };
  }

  /** Connects to the socket with a port. */
  connect(port: number, transport: Transport, address: string): void {
    const colon = address.lastIndexOf(":");
    const from = colon < 0
      ? { hostname: address, port: 0 }
      : { hostname: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    this.#listeners[port]!(transport, from);
  }

  /** Nothing is left to close. */
  close(): void {}
}
