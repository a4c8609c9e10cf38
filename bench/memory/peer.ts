import * as packets from "../../tests/harness/packets.ts";

/** The wait of a disconnected client before it reconnects, in milliseconds. */
const AWAY_MS = 50;

/** A client without rules: it sends any bytes, and need not read. */
export class Peer {
  readonly #connection: Deno.TcpConn;
  /** Whether the broker has closed the connection. */
  isOver = false;
  /** Called with received bytes. */
  onBytes: (bytes: Uint8Array) => void = () => {};

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects, sends CONNECT, and reads unless it is deaf. */
  static async join(
    port: number,
    fields: packets.ConnectFields,
    isDeaf = false,
  ): Promise<Peer> {
    const peer = new Peer(await Deno.connect({ hostname: "127.0.0.1", port }));
    if (!isDeaf) peer.#drain();
    await peer.send(packets.connect(fields));
    return peer;
  }

  /** Sends bytes; does nothing after the connection has ended. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length && !this.isOver;) {
      try {
        sent += await this.#connection.write(bytes.subarray(sent));
      } catch {
        this.close();
      }
    }
  }

  /** Closes the connection. */
  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    try {
      this.#connection.close();
    } catch {
      // It is already closed.
    }
  }

  async #drain(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    while (!this.isOver) {
      const count = await this.#connection.read(buffer).catch(() => null);
      if (count === null) return this.close();
      this.onBytes(buffer.subarray(0, count));
    }
  }
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Repeats an action until it is over, with a pause after each failure. */
export async function again(isOver: () => boolean, act: () => Promise<void>): Promise<void> {
  while (!isOver()) {
    try {
      await act();
    } catch {
      await pause(AWAY_MS);
    }
  }
}
