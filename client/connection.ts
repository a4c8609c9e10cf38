/** One network connection of a client: reads and writes packets. */
import {
  type Packet,
  PacketError,
  PacketReader,
  packetSize,
  type ProtocolVersion,
  writePacket,
} from "../codec/mod.ts";
import { Receipt } from "../log/receipt.ts";
import type { Clock } from "../transport/clock.ts";
import type { Transport } from "../transport/transport.ts";
import { asError, DisconnectedError } from "./errors.ts";

/** Handles what a connection receives. */
export interface PacketHandler {
  /**
   * Takes a packet. Its binary fields are borrowed: they are valid until this returns.
   *
   * @throws {PacketError} To close the connection with its reason code.
   */
  onPacket(packet: Packet): void;
  /** Bytes were written, so there is room for more. */
  onDrained(): void;
}

/** Is told what happens to a packet. */
export interface Departure {
  /** Its bytes were written. */
  onLeft(): void;
  /** The connection was lost before they were written. */
  onLost(error: Error): void;
}

/** The settings of a connection. */
export interface ConnectionOptions {
  /** The protocol version. */
  readonly version: ProtocolVersion;
  /** The largest packet that is accepted, in bytes. */
  readonly packetBytesMax: number;
  /** How many bytes may wait to be written before reading stops. */
  readonly writeBytesMax: number;
  /** The clock. */
  readonly clock: Clock;
}

/** The read buffer starts small and doubles while reads fill it. */
const READ_BYTES_MIN = 4096;
const READ_BYTES_MAX = 65_536;
/** A write buffer that has grown beyond this many bytes is released after it was written. */
const WRITE_BYTES_KEPT = 65_536;
/** How long the DISCONNECT after an error of the server may take, in milliseconds. */
const DISCONNECT_MS = 1000;

/**
 * One network connection: it reads and writes packets, and keeps no state of the session.
 *
 * Packets gather while a write is in flight, and leave together in the next write. When no write is
 * in flight, they leave at the end of the turn.
 */
export class Connection {
  /** Handles the packets. Set by the session after the handshake, between two packets. */
  handler: PacketHandler;
  /** When bytes were last written, on the clock. */
  lastSentMs: number;
  /** When bytes were last received, on the clock. */
  lastReceivedMs: number;
  /** Closes when the connection has ended and everything of it is released. */
  readonly gone: Receipt = new Receipt();
  readonly #transport: Transport;
  readonly #options: ConnectionOptions;
  readonly #reader: PacketReader;
  /** Open while reading is paused. */
  #pause: Receipt | null = null;
  #out: Uint8Array = new Uint8Array(256);
  #outBytes = 0;
  /** The buffer that gathers while the other one is written. */
  #spare: Uint8Array = new Uint8Array(256);
  #departures: Departure[] = [];
  #leaving: Departure[] = [];
  #leavingBytes = 0;
  /** Open while a write is in flight. */
  #writing: Receipt = Receipt.closed();
  #error: Error | null = null;
  #isFinishing = false;
  #isShut = false;

  /** Takes over the transport, and reads from it at once. */
  constructor(transport: Transport, options: ConnectionOptions, handler: PacketHandler) {
    this.#transport = transport;
    this.#options = options;
    this.handler = handler;
    this.lastSentMs = this.lastReceivedMs = options.clock.now();
    this.#reader = new PacketReader({
      version: options.version,
      maximumPacketSize: options.packetBytesMax,
    });
    void this.#run();
  }

  /** Why the connection has ended, or `null`. */
  get error(): Error | null {
    return this.#error;
  }

  /** The protocol version. */
  get version(): ProtocolVersion {
    return this.#options.version;
  }

  /** Bytes that were not written yet. */
  get waitingBytes(): number {
    return this.#outBytes + this.#leavingBytes;
  }

  /** Whether reading is paused. */
  get isPaused(): boolean {
    return this.#pause !== null;
  }

  /** Pauses or resumes reading. No packet is handled while it is paused. */
  setPaused(isPaused: boolean): void {
    if (isPaused) {
      this.#pause ??= new Receipt();
    } else if (this.#pause !== null) {
      this.#pause.close();
      this.#pause = null;
      // The server could not be heard, so the time of the pause does not count as its silence.
      this.lastReceivedMs = this.#options.clock.now();
    }
  }

  /**
   * Sends a packet.
   *
   * @param departure Is told what happens to it.
   * @throws {RangeError | TypeError} If the packet cannot be written; nothing is sent then.
   */
  send(packet: Packet, departure: Departure | null = null): void {
    if (this.#error !== null || this.#isFinishing) {
      departure?.onLost(this.#error ?? new DisconnectedError("The connection is being closed"));
      return;
    }
    const size = packetSize(packet, this.version);
    this.#reserve(size);
    this.#outBytes = writePacket(packet, this.version, this.#out, this.#outBytes);
    if (departure !== null) this.#departures.push(departure);
    this.#wakeWriter();
  }

  /**
   * Sends a last packet, waits until everything is written and the server has closed, and closes.
   *
   * @param last The last packet, if there is one to send.
   * @param graceMs How long that may take, in milliseconds.
   */
  async finish(last: Packet | null, graceMs: number): Promise<void> {
    if (last !== null) this.send(last);
    this.#isFinishing = true;
    this.setPaused(false);
    const { clock } = this.#options;
    const cancel = clock.schedule(clock.now() + graceMs, () => this.#shut());
    await this.#writing;
    // If a socket is closed with unread bytes, the system resets the connection, and sent bytes are
    // lost.
    if (this.#isShut || this.#transport.closeWrite === undefined) this.#shut();
    else await this.#transport.closeWrite().catch(() => this.#shut());
    await this.gone;
    cancel();
  }

  /**
   * Closes at once. If the error is the server's and the version is 5.0, it sends DISCONNECT first.
   */
  fail(error: Error): void {
    if (this.#error !== null) return;
    const isFault = error instanceof PacketError && this.version === 5 && !this.#isFinishing;
    if (isFault) {
      const { reasonCode } = error;
      void this.finish({ type: "disconnect", reasonCode, properties: {} }, DISCONNECT_MS);
    }
    this.#error = error;
    for (const departure of this.#leaving) departure.onLost(error);
    for (const departure of this.#departures) departure.onLost(error);
    this.#leaving = [];
    this.#departures = [];
    if (!isFault) this.#shut();
  }

  async #run(): Promise<void> {
    try {
      await this.#read();
      this.fail(new DisconnectedError("The server closed the connection"));
    } catch (error) {
      this.fail(connectionError(error));
    }
    if (this.#isFinishing) this.#shut();
    await this.#writing;
    this.gone.close();
  }

  async #read(): Promise<void> {
    let buffer = new Uint8Array(READ_BYTES_MIN);
    for (;;) {
      if (this.waitingBytes > this.#options.writeBytesMax * 2) await this.#writing;
      const count = await this.#transport.read(buffer);
      if (count === null) return;
      this.lastReceivedMs = this.#options.clock.now();
      // A connection that is closing is read only so that its last bytes arrive.
      if (this.#isFinishing) continue;
      this.#reader.push(buffer.subarray(0, count));
      await this.#dispatch();
      const isFilled = count === buffer.length && count < READ_BYTES_MAX;
      if (isFilled) buffer = new Uint8Array(buffer.length * 2);
    }
  }

  async #dispatch(): Promise<void> {
    for (;;) {
      while (this.#pause !== null) await this.#pause;
      if (this.#isFinishing || this.#isShut) return;
      const packet = this.#reader.read();
      if (packet === null) return;
      try {
        this.handler.onPacket(packet);
      } catch (error) {
        // Sent before the next packet is handled. The read loop continues until the server closes.
        if (!(error instanceof PacketError)) throw error;
        this.fail(error);
      }
    }
  }

  #reserve(size: number): void {
    const needed = this.#outBytes + size;
    if (needed <= this.#out.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#out.length * 2));
    grown.set(this.#out.subarray(0, this.#outBytes));
    this.#out = grown;
  }

  #wakeWriter(): void {
    if (!this.#writing.isClosed) return;
    this.#writing = new Receipt();
    queueMicrotask(() => void this.#write());
  }

  async #write(): Promise<void> {
    try {
      while (this.#outBytes > 0 && !this.#isShut) {
        const bytes = this.#takeOut();
        for (let sent = 0; sent < bytes.length;) {
          sent += await this.#transport.write(bytes.subarray(sent));
          this.lastSentMs = this.#options.clock.now();
        }
        this.#noteLeft(bytes);
      }
    } catch (error) {
      this.fail(connectionError(error));
      // If the last packet cannot be written, do not wait.
      this.#shut();
    }
    this.#writing.close();
  }

  #takeOut(): Uint8Array {
    const bytes = this.#out.subarray(0, this.#outBytes);
    this.#leaving = this.#departures;
    this.#departures = [];
    this.#leavingBytes = this.#outBytes;
    this.#out = this.#spare;
    this.#outBytes = 0;
    return bytes;
  }

  #noteLeft(bytes: Uint8Array): void {
    const isLarge = bytes.buffer.byteLength > WRITE_BYTES_KEPT;
    this.#spare = isLarge ? new Uint8Array(256) : new Uint8Array(bytes.buffer);
    this.#leavingBytes = 0;
    const leaving = this.#leaving;
    this.#leaving = [];
    for (const departure of leaving) departure.onLeft();
    if (this.#error === null && !this.#isFinishing) this.handler.onDrained();
  }

  #shut(): void {
    if (this.#isShut) return;
    this.#isShut = true;
    this.setPaused(false);
    this.#transport.close();
  }
}

/** The runtime's message about a broken pipe says little, so it becomes the cause. */
function connectionError(thrown: unknown): Error {
  if (thrown instanceof PacketError || thrown instanceof DisconnectedError) return thrown;
  return new DisconnectedError("The connection is lost", { cause: asError(thrown) });
}
