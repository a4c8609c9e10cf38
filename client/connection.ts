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

/** Takes what comes over a connection. */
export interface PacketHandler {
  /**
   * Takes a packet, whose binary fields are borrowed until this returns.
   *
   * @throws {PacketError} To close the connection with its reason code.
   */
  received(packet: Packet): void;
  /** Bytes have left: there is room for more. */
  drained(): void;
}

/** Told what became of a packet. */
export interface Departure {
  /** Its bytes have left. */
  left(): void;
  /** The connection was lost before they had. */
  lost(error: Error): void;
}

/** What a connection needs to know beside its transport. */
export interface ConnectionOptions {
  /** The version that is spoken. */
  readonly version: ProtocolVersion;
  /** The largest packet to take, in bytes. */
  readonly packetBytesMax: number;
  /** How many bytes may wait to be written before nothing more is read. */
  readonly writeBytesMax: number;
  /** Time. */
  readonly clock: Clock;
}

/** The read buffer starts small and doubles while reads fill it. */
const READ_BYTES_MIN = 4096;
const READ_BYTES_MAX = 65_536;
/** A write buffer that has grown beyond this is let go of once it has left. */
const WRITE_BYTES_KEPT = 65_536;
/** How long a goodbye after a fault of the server's may take, in milliseconds. */
const FAREWELL_MS = 1000;

/**
 * One network connection: packets in, packets out, and nothing remembered of
 * what they mean.
 *
 * What is sent gathers while a write is in flight, and leaves in one write
 * after it. The first byte leaves at the end of the turn.
 */
export class Connection {
  /** Takes what comes; may be replaced between two packets. */
  handler: PacketHandler;
  /** When bytes last left, on the clock. */
  lastSentMs: number;
  /** When bytes last came, on the clock. */
  lastReceivedMs: number;
  /** Closes when the connection is over and nothing of it is left behind. */
  readonly gone: Receipt = new Receipt();
  readonly #transport: Transport;
  readonly #options: ConnectionOptions;
  readonly #reader: PacketReader;
  /** Open while nothing is to be read. */
  #pause: Receipt | null = null;
  #out: Uint8Array = new Uint8Array(256);
  #outBytes = 0;
  /** The buffer that will gather while the other is written. */
  #spare: Uint8Array = new Uint8Array(256);
  #departures: Departure[] = [];
  #leaving: Departure[] = [];
  #leavingBytes = 0;
  /** Open while a write is in flight. */
  #writing: Receipt = Receipt.closed();
  #error: Error | null = null;
  #isFinishing = false;
  #isShut = false;

  /** Takes the transport over, and reads from it at once. */
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

  /** Why the connection is over, or `null`. */
  get error(): Error | null {
    return this.#error;
  }

  /** The version that is spoken. */
  get version(): ProtocolVersion {
    return this.#options.version;
  }

  /** Bytes that have not left. */
  get waitingBytes(): number {
    return this.#outBytes + this.#leavingBytes;
  }

  /** Whether nothing is read for the time being. */
  get isPaused(): boolean {
    return this.#pause !== null;
  }

  /** Stops or goes on reading; no packet is taken while it is stopped. */
  setPaused(isPaused: boolean): void {
    if (isPaused) {
      this.#pause ??= new Receipt();
    } else if (this.#pause !== null) {
      this.#pause.close();
      this.#pause = null;
      // The silence was ours, not the server's.
      this.lastReceivedMs = this.#options.clock.now();
    }
  }

  /**
   * Sends a packet.
   *
   * @param departure Told what becomes of it.
   * @throws {RangeError | TypeError} If the packet cannot be written; nothing is sent then.
   */
  send(packet: Packet, departure: Departure | null = null): void {
    if (this.#error !== null || this.#isFinishing) {
      departure?.lost(this.#error ?? new DisconnectedError("The connection is being closed"));
      return;
    }
    const size = packetSize(packet, this.version);
    this.#reserve(size);
    this.#outBytes = writePacket(packet, this.version, this.#out, this.#outBytes);
    if (departure !== null) this.#departures.push(departure);
    this.#wakeWriter();
  }

  /**
   * Says goodbye, waits until everything has left and the server has closed,
   * and closes.
   *
   * @param goodbye The last packet, if there is one to send.
   * @param graceMs How long that may take, in milliseconds.
   */
  async finish(goodbye: Packet | null, graceMs: number): Promise<void> {
    if (goodbye !== null) this.send(goodbye);
    this.#isFinishing = true;
    this.setPaused(false);
    const { clock } = this.#options;
    const cancel = clock.schedule(clock.now() + graceMs, () => this.#shut());
    await this.#writing;
    // With unread bytes of the server in it, a socket that closes takes back what it has sent.
    if (this.#isShut || this.#transport.closeWrite === undefined) this.#shut();
    else await this.#transport.closeWrite().catch(() => this.#shut());
    await this.gone;
    cancel();
  }

  /** Closes at once; if the server is at fault in 5.0, after telling it so. */
  fail(error: Error): void {
    if (this.#error !== null) return;
    const isFault = error instanceof PacketError && this.version === 5 && !this.#isFinishing;
    if (isFault) {
      const { reasonCode } = error;
      void this.finish({ type: "disconnect", reasonCode, properties: {} }, FAREWELL_MS);
    }
    this.#error = error;
    for (const departure of this.#leaving) departure.lost(error);
    for (const departure of this.#departures) departure.lost(error);
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
      // A connection that is being closed is read only so that its last bytes get through.
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
        this.handler.received(packet);
      } catch (error) {
        // Said before the next packet is looked at; the read loop goes on, to the server's end.
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
        }
        this.#noteLeft(bytes);
      }
    } catch (error) {
      this.fail(connectionError(error));
      // A goodbye that cannot leave is not waited for.
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
    this.lastSentMs = this.#options.clock.now();
    const leaving = this.#leaving;
    this.#leaving = [];
    for (const departure of leaving) departure.left();
    if (this.#error === null && !this.#isFinishing) this.handler.drained();
  }

  #shut(): void {
    if (this.#isShut) return;
    this.#isShut = true;
    this.setPaused(false);
    this.#transport.close();
  }
}

/** What the runtime says about a broken pipe says little: it becomes the cause. */
function connectionError(thrown: unknown): Error {
  if (thrown instanceof PacketError || thrown instanceof DisconnectedError) return thrown;
  return new DisconnectedError("The connection is lost", { cause: asError(thrown) });
}
