import { concat } from "@std/bytes";

/** A packet as it came. */
export interface Frame {
  /** The packet type, 1 to 15. */
  readonly type: number;
  /** The low four bits of the first byte. */
  readonly flags: number;
  /** What follows the Remaining Length. */
  readonly body: Uint8Array;
}

/** Packets over TCP, to a broker that may be gone at any moment, which is no error here. */
export class Wire {
  readonly #conn: Deno.TcpConn;
  readonly #chunk = new Uint8Array(65_536);
  #pending: Uint8Array = new Uint8Array();
  #toWrite: Uint8Array[] = [];
  #isWriting = false;
  #isClosed = false;

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /** Connects; `null` if nobody is there any more. */
  static async dial(port: number): Promise<Wire | null> {
    try {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      conn.setNoDelay(true);
      return new Wire(conn);
    } catch {
      // The broker was killed just now.
      return null;
    }
  }

  /** Whether the connection is over, as far as is known. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends a packet when those before it have left. */
  send(packet: Uint8Array): void {
    this.#toWrite.push(packet);
    if (!this.#isWriting) this.#write();
  }

  /** The next packet; `null` when the connection is over. */
  async next(): Promise<Frame | null> {
    for (;;) {
      const frame = this.#take();
      if (frame !== null) return frame;
      if (!await this.#more()) return null;
    }
  }

  /** Drops the connection; what was sent may or may not arrive. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#conn.close();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#toWrite.length > 0 && !this.#isClosed) {
        const bytes = concat(this.#toWrite);
        this.#toWrite = [];
        for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
      }
    } catch {
      this.close();
    }
    this.#isWriting = false;
  }

  async #more(): Promise<boolean> {
    if (this.#isClosed) return false;
    try {
      const count = await this.#conn.read(this.#chunk);
      if (count !== null) {
        this.#pending = concat([this.#pending, this.#chunk.subarray(0, count)]);
        return true;
      }
    } catch {
      // Reset, or closed meanwhile: over in either case.
    }
    this.close();
    return false;
  }

  #take(): Frame | null {
    const bytes = this.#pending;
    let length = 0;
    for (let digit = 0; digit < 4; digit++) {
      const byte = bytes[1 + digit];
      if (byte === undefined) return null;
      length += (byte & 0x7f) * 128 ** digit;
      if (byte >= 0x80) continue;
      const start = 2 + digit;
      if (bytes.length < start + length) return null;
      this.#pending = bytes.subarray(start + length);
      const body = bytes.slice(start, start + length);
      return { type: bytes[0]! >> 4, flags: bytes[0]! & 15, body };
    }
    throw new Error("The broker sent a Remaining Length of five bytes");
  }
}

/** The 16-bit number at a place of a packet. */
export function uint16At(body: Uint8Array, at: number): number {
  return body[at]! << 8 | body[at + 1]!;
}
