/**
 * Reads packets from a stream of bytes, in pieces of any size.
 *
 * @module
 */
import { ProtocolError } from "./errors.ts";
import { FixedHeader } from "./fixed_header.ts";
import { decodePacket, type Packet } from "./packet.ts";
import type { ProtocolVersion } from "./protocol.ts";
import { ReasonCode } from "./reason_code.ts";
import { MAX_VARINT } from "./varint.ts";

/** Settings of a {@linkcode PacketReader}. */
export interface PacketReaderOptions {
  /** The protocol version of the packets; 5 by default. A CONNECT changes it. */
  readonly version?: ProtocolVersion;
  /** The largest packet to accept, in bytes; the largest possible packet by default. */
  readonly maximumPacketSize?: number;
  /** The initial size of the buffer, in bytes; 256 by default. */
  readonly initialBytes?: number;
}

const LARGEST_PACKET_BYTES = MAX_VARINT + 5;
const NO_BYTES = new Uint8Array(0);

/**
 * Collects bytes and reads packets from them. The buffer grows with the bytes that arrive, never by
 * the value of a length field.
 *
 * After an error, the reader stays at the faulty packet.
 */
export class PacketReader {
  /** The protocol version of the next packets. */
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

  /** Adds a copy of `bytes`. The binary fields of earlier packets become invalid. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#end + bytes.length > this.#buffer.length) this.#makeRoom(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * Reads the next packet. Its binary fields are valid until the next `push`; copy them to keep
   * them.
   *
   * @returns Null if the packet is not complete yet.
   * @throws {MalformedPacketError} If the bytes are not a packet.
   * @throws {ProtocolError} If the packet has content that the protocol forbids. A packet that is
   * too large is refused as soon as its length is known.
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

  /** Everything is read: starts again at the front, and releases a buffer that has grown. */
  #rest(): void {
    this.#start = 0;
    this.#end = 0;
    if (this.#buffer.length > this.#initialBytes) this.#buffer = NO_BYTES;
  }

  /** Moves the unread bytes to the front of a buffer with room for `more` bytes. */
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
