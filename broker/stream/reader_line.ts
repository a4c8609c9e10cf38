/** The connection to the node that has the streams: whole MQTT packets, without a copy of each. */
import { FixedHeader } from "../../codec/mod.ts";
import type { Transport } from "../../transport/transport.ts";

/** The first buffer of what arrives, and the largest that is kept when it is empty, in bytes. */
const BUFFER_BYTES = 4096;
const KEPT_BYTES_MAX = 64 * 1024;
/** The most bytes that may wait to be written: past them the line ends. */
const WAITING_BYTES_MAX = 256 * 1024;

/** DISCONNECT without a reason: the session stays, if it lasts. */
const DISCONNECT = Uint8Array.of(0xe0, 0);

/** Who has the line. */
export interface ReaderLineOwner {
  /** There is a packet. */
  onPacket(): void;
  /** Nothing more comes. */
  onEnded(): void;
}

/**
 * A line to the node of the streams. It reads only when its owner has taken what came before: so
 * the other node sends no faster than the client takes.
 */
export class ReaderLine {
  readonly #transport: Transport;
  readonly #owner: ReaderLineOwner;
  readonly #header = new FixedHeader();
  /** What has arrived: `[start, end)` was not taken. */
  buffer: Uint8Array<ArrayBuffer> = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #isReading = false;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  /** Whether the owner wants no more: the line closes when the other node has. */
  #isFinished = false;
  #isClosed = false;

  constructor(transport: Transport, owner: ReaderLineOwner) {
    this.#transport = transport;
    this.#owner = owner;
  }

  /** Where the next packet begins in `buffer`. */
  get start(): number {
    return this.#start;
  }

  /**
   * The header of the next packet, which is complete in `buffer`; `null` if it has not arrived.
   * Then the owner is called when it has.
   */
  next(): FixedHeader | null {
    if (this.#isThere) return this.#header;
    void this.#read();
    return null;
  }

  /** The next packet is handled. */
  shift(): void {
    this.#start = this.#header.end;
    if (this.#start < this.#end) return;
    this.#start = this.#end = 0;
    if (this.buffer.length > KEPT_BYTES_MAX) this.buffer = new Uint8Array(BUFFER_BYTES);
  }

  /** Writes a packet, which must not change any more. */
  write(packet: Uint8Array): void {
    if (this.#isClosed || this.#isFinished) return;
    this.#waiting.push(packet);
    this.#waitingBytes += packet.length;
    if (this.#waitingBytes > WAITING_BYTES_MAX) return this.#fail();
    if (!this.#isWriting) void this.#write();
  }

  /**
   * Writes what waits and DISCONNECT, and closes when the other node has closed: it would not handle
   * what it reads after it has seen the end. The owner hears nothing any more.
   */
  finish(): void {
    if (this.#isFinished) return;
    this.write(DISCONNECT);
    this.#isFinished = true;
    void this.#read();
  }

  /** Closes at once. The owner hears nothing any more. */
  close(): void {
    this.#isFinished = true;
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transport.close();
  }

  get #isThere(): boolean {
    const { buffer } = this;
    const header = this.#header;
    return header.read(buffer, this.#start, this.#end) && header.end <= this.#end;
  }

  async #read(): Promise<void> {
    if (this.#isReading || this.#isClosed) return;
    this.#isReading = true;
    try {
      while (this.#isFinished || !this.#isThere) {
        if (this.#isFinished) this.#start = this.#end = 0;
        this.#makeRoom();
        const count = await this.#transport.read(this.buffer.subarray(this.#end));
        if (count === null) throw new Error("The node of the streams has ended the line");
        this.#end += count;
      }
    } catch {
      // Whatever the reason, the client hears that its stream has ended.
      return this.#fail();
    }
    this.#isReading = false;
    this.#owner.onPacket();
  }

  /** Makes room for more of the packet that has not arrived. */
  #makeRoom(): void {
    const { buffer } = this;
    if (this.#start > 0) {
      buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#end < buffer.length) return;
    this.buffer = new Uint8Array(2 * buffer.length);
    this.buffer.set(buffer);
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      for (let packet; (packet = this.#waiting.shift()) !== undefined;) {
        for (let at = 0; at < packet.length;) {
          at += await this.#transport.write(packet.subarray(at));
        }
        this.#waitingBytes -= packet.length;
      }
    } catch {
      return this.#fail();
    }
    this.#isWriting = false;
  }

  #fail(): void {
    const isTold = !this.#isFinished;
    this.close();
    if (isTold) this.#owner.onEnded();
  }
}
