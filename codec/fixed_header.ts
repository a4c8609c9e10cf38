/**
 * The fixed header, two to five bytes at the start of every packet (§2.1): type, flags, and the
 * length of the body.
 *
 * @module
 */
import { MalformedPacketError } from "./errors.ts";
import type { ProtocolVersion } from "./protocol.ts";
import {
  readVarint,
  VARINT_INCOMPLETE,
  VARINT_MALFORMED,
  varintSize,
  writeVarint,
} from "./varint.ts";

/** The last header that was read. A connection uses one object for its whole life. */
export class FixedHeader {
  /** First byte: packet type in the high four bits, flags in the low four. */
  first = 0;
  /** Offset of the first byte of the body. */
  bodyStart = 0;
  /** Offset after the last byte of the body; past `limit` while bytes are missing. */
  end = 0;

  /**
   * Reads the header of the packet at `start`, of which the bytes up to `limit`
   * have arrived. The fields change only if this returns true.
   *
   * @returns False if the header itself is incomplete.
   * @throws {MalformedPacketError} If the length takes more than four bytes, or
   * more bytes than it needs.
   */
  read(buffer: Uint8Array, start: number, limit: number): boolean {
    if (start + 1 >= limit) return false;
    const length = readVarint(buffer, start + 1, limit);
    if (length === VARINT_INCOMPLETE) return false;
    if (length === VARINT_MALFORMED) {
      throw new MalformedPacketError("Remaining Length is malformed", 0, "§2.1.4");
    }
    this.first = buffer[start]!;
    this.bodyStart = start + 1 + (length < 0x80 ? 1 : varintSize(length));
    this.end = this.bodyStart + length;
    return true;
  }
}

/**
 * Counts the bytes of a whole packet whose body has `remaining` bytes.
 *
 * @throws {RangeError} If the body is larger than a packet can be.
 */
export function frameSize(remaining: number): number {
  return 1 + varintSize(remaining) + remaining;
}

/**
 * Writes the header of a packet whose body has `remaining` bytes.
 *
 * @param elsewhere How many bytes at the end of the body are not written to `target`.
 * @returns The offset of the body.
 * @throws {RangeError} If the rest of the packet does not fit into `target`; nothing
 * is written then.
 */
export function writeFixedHeader(
  first: number,
  remaining: number,
  target: Uint8Array,
  offset: number,
  elsewhere = 0,
): number {
  const size = frameSize(remaining) - elsewhere;
  if (offset + size > target.length) {
    throw new RangeError(`Cannot write ${size} bytes at ${offset} of ${target.length}`);
  }
  target[offset] = first;
  return writeVarint(remaining, target, offset + 1);
}

/**
 * Checks the low four bits of the first byte of a packet other than PUBLISH.
 *
 * @throws {MalformedPacketError} If they are not what the packet type prescribes.
 */
export function expectFlags(first: number, expected: number, clause: string): void {
  if ((first & 0x0f) !== expected) {
    throw new MalformedPacketError(`Fixed header flags are ${first & 0x0f}`, 0, clause);
  }
}

/**
 * Checks the flags of a packet for which they are 0010 (PUBREL, SUBSCRIBE and
 * UNSUBSCRIBE). In MQTT 3.1 this was a QoS of 1, and DUP marked a repetition.
 */
export function expectRequestFlags(version: ProtocolVersion, first: number, clause: string): void {
  expectFlags(version === 3 ? first & ~0x08 : first, 0b0010, clause);
}
