/**
 * One connection of a load generator. At most one write is in progress. Received frames are found
 * by their fixed header and not decoded.
 *
 * @module
 */
import { decodePacket, encodePacket, FixedHeader, type Packet } from "../../codec/mod.ts";
import type { Target } from "./target.ts";

/** The behaviour of a connection after CONNACK. */
export interface Role {
  /** Handles a frame: `buffer[header.bodyStart, header.end)` is its body, borrowed. */
  frame(buffer: Uint8Array, header: FixedHeader): void;
  /** Returns the next bytes to write, or null. They must not change until the next call. */
  take(): Uint8Array | null;
  /** The connection was lost without a call of `close`. */
  lost(error: Error): void;
}

const IDLE: Role = { frame() {}, take: () => null, lost() {} };

/** A connection to a broker. */
export class Link {
  /** The broker's Receive Maximum for QoS 1 and 2 messages. */
  receiveMaximum = 65_535;
  readonly #conn: Deno.TcpConn;
  readonly #target: Target;
  readonly #header = new FixedHeader();
  #buffer: Uint8Array<ArrayBuffer>;
  #start = 0;
  #end = 0;
  #role: Role = IDLE;
  #isWriting = false;
  #isClosed = false;

  private constructor(conn: Deno.TcpConn, target: Target, readBytes: number) {
    this.#conn = conn;
    this.#target = target;
    this.#buffer = new Uint8Array(readBytes);
  }

  /**
   * Connects, with a clean session.
   *
   * @throws If the broker refuses.
   */
  static async open(target: Target, clientId: string, readBytes: number): Promise<Link> {
    const { hostname, port } = target;
    const conn = await Deno.connect({ hostname, port });
    conn.setNoDelay(true);
    const link = new Link(conn, target, readBytes);
    try {
      await link.#introduce(clientId);
      return link;
    } catch (error) {
      link.close();
      throw error;
    }
  }

  async #introduce(clientId: string): Promise<void> {
    const { protocol, username, password } = this.#target;
    const answer = await this.ask({
      type: "connect",
      protocolVersion: protocol,
      cleanStart: true,
      keepAlive: 0,
      clientId,
      properties: {},
      will: null,
      username,
      password: password === null ? null : new TextEncoder().encode(password),
    });
    if (answer.type !== "connack") throw new Error(`The broker answered with ${answer.type}`);
    if (answer.reasonCode !== 0) {
      throw new Error(`The broker refused the connection: reason code ${answer.reasonCode}`);
    }
    this.receiveMaximum = answer.properties.receiveMaximum ?? 65_535;
  }

  /**
   * Subscribes to filters. Only before the connection has a role.
   *
   * @throws If the broker refuses one of them.
   */
  async subscribe(filters: readonly string[], qos: 0 | 1 | 2): Promise<void> {
    const answer = await this.ask(subscribePacket(filters, qos));
    if (answer.type !== "suback") throw new Error(`The broker answered with ${answer.type}`);
    const refused = answer.reasonCodes.findIndex((code) => code >= 0x80);
    if (refused >= 0) {
      const code = answer.reasonCodes[refused];
      throw new Error(`The broker refused ${filters[refused]}: reason code ${code}`);
    }
  }

  /** Sends a packet and waits for the next one. Only before the connection has a role. */
  async ask(packet: Packet): Promise<Packet> {
    await this.tell(packet);
    const header = this.#header;
    while (!header.read(this.#buffer, this.#start, this.#end) || header.end > this.#end) {
      await this.#fill();
    }
    const body = this.#buffer.subarray(header.bodyStart, header.end);
    this.#start = header.end;
    return decodePacket(this.#target.protocol, header.first, body);
  }

  /** Sends a packet without waiting. Only before the connection has a role. */
  async tell(packet: Packet): Promise<void> {
    await this.#writeAll(encodePacket(packet, this.#target.protocol));
  }

  /** Sets the role of the connection, and starts to read. */
  start(role: Role): void {
    this.#role = role;
    void this.#read();
  }

  /** Writes the bytes of the role, unless a write is in progress: its end calls this again. */
  wake(): void {
    if (this.#isWriting || this.#isClosed) return;
    const bytes = this.#role.take();
    if (bytes !== null) void this.#write(bytes);
  }

  /** Closes the connection. Closing again does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#conn.close();
  }

  async #read(): Promise<void> {
    try {
      while (!this.#isClosed) {
        this.#scan();
        this.wake();
        await this.#fill();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #scan(): void {
    const header = this.#header;
    const buffer = this.#buffer;
    while (header.read(buffer, this.#start, this.#end) && header.end <= this.#end) {
      this.#start = header.end;
      this.#role.frame(buffer, header);
    }
  }

  /** Reads once, after the rest of the last frame. */
  async #fill(): Promise<void> {
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
    } else if (this.#end === this.#buffer.length) {
      this.#makeRoom();
    }
    const count = await this.#conn.read(this.#buffer.subarray(this.#end));
    if (count === null) throw new Error("The broker has closed the connection");
    this.#end += count;
  }

  #makeRoom(): void {
    const unread = this.#end - this.#start;
    const larger = unread > this.#buffer.length / 2;
    const buffer = larger ? new Uint8Array(this.#buffer.length * 2) : this.#buffer;
    buffer.set(this.#buffer.subarray(this.#start, this.#end));
    this.#buffer = buffer;
    this.#start = 0;
    this.#end = unread;
  }

  async #write(first: Uint8Array): Promise<void> {
    this.#isWriting = true;
    try {
      for (let bytes: Uint8Array | null = first; bytes !== null; bytes = this.#role.take()) {
        await this.#writeAll(bytes);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isWriting = false;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      written += await this.#conn.write(written === 0 ? bytes : bytes.subarray(written));
    }
  }

  #fail(error: unknown): void {
    // A write in progress fails when the connection is closed.
    if (this.#isClosed) return;
    this.close();
    this.#role.lost(error instanceof Error ? error : new Error(String(error)));
  }
}

/** A SUBSCRIBE with all `filters`. */
export function subscribePacket(filters: readonly string[], qos: 0 | 1 | 2): Packet {
  return {
    type: "subscribe",
    packetId: 1,
    properties: {},
    subscriptions: filters.map((filter) => ({
      filter,
      qos,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    })),
  };
}
