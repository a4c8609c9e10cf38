/**
 * Reads the fields of a packet's body one after the other, and checks that each field ends within
 * the body.
 *
 * @module
 */
import { MalformedPacketError } from "./errors.ts";
import type { PacketTypeName } from "./protocol.ts";
import { isReasonCodeAllowed, REASON_CLAUSE } from "./reason_code.ts";
import type { Tolerance } from "./tolerance.ts";
import { decodeUtf8, illFormed, validateUtf8 } from "./utf8.ts";
import { readVarint, VARINT_INCOMPLETE, VARINT_MALFORMED, varintSize } from "./varint.ts";

const NO_BYTES = new Uint8Array(0);

/**
 * A position in the body of one packet. The bytes are borrowed. Its fields are public for speed:
 * property readers and PublishView move the offset.
 */
export class BodyReader {
  /** The bytes that hold the body, and maybe others around it. */
  bytes: Uint8Array = NO_BYTES;
  /** The next byte to read. */
  offset = 0;
  /** The end of the readable bytes. */
  end = 0;
  /** Where the body starts: offsets in errors count from here. */
  origin = 0;
  /** The faults to tolerate, or `null` for none. */
  tolerance: Tolerance | null;

  /** Starts to read `bytes`, all of which are the body, unless it is reset. */
  constructor(bytes: Uint8Array = NO_BYTES, tolerance: Tolerance | null = null) {
    this.tolerance = tolerance;
    this.reset(bytes, 0, bytes.length);
  }

  /** Starts to read the body `bytes[start, end)`. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.offset = start;
    this.end = end;
    this.origin = start;
  }

  /** How far into the body the reader is, in bytes. */
  get position(): number {
    return this.offset - this.origin;
  }

  /** Takes `size` bytes; returns the offset of the first. */
  take(size: number): number {
    const start = this.offset;
    if (start + size > this.end) {
      const message = `The packet ends ${start + size - this.end} bytes too soon`;
      throw new MalformedPacketError(message, this.end - this.origin, "§1.5");
    }
    this.offset = start + size;
    return start;
  }

  /** Reads one byte. */
  uint8(): number {
    return this.bytes[this.take(1)]!;
  }

  /** Reads a two-byte integer. */
  uint16(): number {
    const start = this.take(2);
    return this.bytes[start]! << 8 | this.bytes[start + 1]!;
  }

  /** Reads a four-byte integer. */
  uint32(): number {
    const start = this.take(4);
    const { bytes } = this;
    return (bytes[start]! << 24 | bytes[start + 1]! << 16 | bytes[start + 2]! << 8 |
      bytes[start + 3]!) >>> 0;
  }

  /** Reads a packet identifier, which is never 0 [MQTT-2.2.1-3]. */
  packetId(): number {
    const id = this.uint16();
    if (id === 0) {
      throw new MalformedPacketError("Packet identifier is 0", this.position - 2, "MQTT-2.2.1-3");
    }
    return id;
  }

  /** Reads a reason code, which must be one that this type of packet can have. */
  reasonCode(type: PacketTypeName): number {
    const code = this.uint8();
    if (!isReasonCodeAllowed(type, code)) {
      const message = `Reason code ${code} is not allowed`;
      throw new MalformedPacketError(message, this.position - 1, REASON_CLAUSE[type] ?? "§2.4");
    }
    return code;
  }

  /** Reads a Variable Byte Integer. */
  varint(): number {
    const value = readVarint(this.bytes, this.offset, this.end);
    if (value === VARINT_INCOMPLETE) this.take(this.end - this.offset + 1);
    if (value === VARINT_MALFORMED) {
      throw new MalformedPacketError("A length is malformed", this.position, "MQTT-1.5.5-1");
    }
    this.offset += varintSize(value);
    return value;
  }

  /** Reads a string field. */
  string(): string {
    const size = this.uint16();
    const start = this.take(size);
    return decodeUtf8(this.bytes, start, start + size, this.origin);
  }

  /** Skips a string field. Its bytes must still be well-formed. */
  skipString(): void {
    const size = this.uint16();
    const start = this.take(size);
    const bad = validateUtf8(this.bytes, start, start + size);
    if (bad >= 0) throw illFormed(this.bytes, bad, this.origin);
  }

  /** Reads a binary field. The result shares memory with the body. */
  binary(): Uint8Array {
    const size = this.uint16();
    const start = this.take(size);
    return this.bytes.subarray(start, start + size);
  }

  /** Reads the remaining bytes. The result shares memory with the body. */
  rest(): Uint8Array {
    const start = this.offset;
    this.offset = this.end;
    return this.bytes.subarray(start, this.end);
  }

  /** Throws unless everything has been read. */
  finish(): void {
    if (this.offset !== this.end) {
      const message = `The packet has ${this.end - this.offset} bytes too many`;
      throw new MalformedPacketError(message, this.position, "§2.1.4");
    }
  }
}
