/**
 * Packets out of a stream of bytes, however the bytes are cut.
 *
 * @module
 */
import { ProtocolError } from "./errors.ts";
import { FixedHeader } from "./fixed_header.ts";
import { decodePacket, type Packet } from "./packet.ts";
import type { ProtocolVersion } from "./protocol.ts";
import { ReasonCode } from "./reason_code.ts";
import { MAX_VARINT } from "./varint.ts";

/** What a {@linkcode PacketReader} can be told. */
export interface PacketReaderOptions {
  /** The version to decode; a CONNECT changes it. 5 by default. */
  readonly version?: ProtocolVersion;
  /** The largest packet to accept, in bytes. As large as packets get by default. */
  readonly maximumPacketSize?: number;
  /** The size of the buffer while little comes, in bytes. 256 by default. */
  readonly initialBytes?: number;
}

const LARGEST_PACKET_BYTES = MAX_VARINT + 5;
const NO_BYTES = new Uint8Array(0);

/**
 * Collects bytes and takes packets off the front. The buffer has room for what
 * has arrived, never for what a length field promises.
 *
 * A reader that has thrown stays at the packet it threw for.
 */
export class PacketReader {
  /** The version to decode what follows. */
  version: ProtocolVersion;
  readonly #maximumPacketSize: number;
  readonly #initialBytes: number;
  readonly #header = new FixedHeader();
  #buffer: Uint8Array = NO_BYTES;
  #start = 0;
  #end = 0;

  /** Makes an empty reader. */
  constructor(options: PacketReaderOptions = {}) {
    this.version = options.version ?? 5;
    this.#maximumPacketSize = options.maximumPacketSize ?? LARGEST_PACKET_BYTES;
    this.#initialBytes = options.initialBytes ?? 256;
  }

  /** How many bytes wait for the rest of their packet. */
  get bufferedBytes(): number {
    return this.#end - this.#start;
  }

  /** Takes a copy of `bytes`. Ends the loan of all that was read before. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#end + bytes.length > this.#buffer.length) this.#makeRoom(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * Takes the next packet. Its binary fields are borrowed until the next `push`.
   *
   * @returns Null if the packet is not complete yet.
   * @throws {MalformedPacketError} If the bytes are not a packet.
   * @throws {ProtocolError} If the packet says what no packet may say. A packet
   * that is too large is refused as soon as its length is known.
   */
  read(): Packet | null {
    const header = this.#header;
    const buffer = this.#buffer;
    if (!header.read(buffer, this.#start, this.#end)) return null;
    const size = header.end - this.#start;
    if (size > this.#maximumPacketSize) {
      const message = `A packet of ${size} bytes is too large`;
      throw new ProtocolError(message, 0, "MQTT-3.2.2-15", ReasonCode.PacketTooLarge);
    }
    if (header.end > this.#end) return null;
    const body = buffer.subarray(header.bodyStart, header.end);
    const packet = decodePacket(this.version, header.first, body);
    if (packet.type === "connect") this.version = packet.protocolVersion;
    this.#start = header.end;
    if (this.#start === this.#end) this.#rest();
    return packet;
  }

  /** All is read: starts over at the front, and lets go of a buffer that has grown. */
  #rest(): void {
    this.#start = 0;
    this.#end = 0;
    if (this.#buffer.length > this.#initialBytes) this.#buffer = NO_BYTES;
  }

  /** Moves what is unread to the front of a buffer with room for `more` bytes. */
  #makeRoom(more: number): void {
    const unread = this.#end - this.#start;
    const needed = unread + more;
    if (needed > this.#buffer.length) {
      // Doubling keeps the copying of a packet in many pieces linear.
      const grown = new Uint8Array(Math.max(needed, unread * 2, this.#initialBytes));
      grown.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = grown;
    } else {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    }
    this.#start = 0;
    this.#end = unread;
  }
}
