/**
 * The Variable Byte Integer: seven bits per byte, low bits first, at most four bytes (§1.5.5). It
 * is used for lengths and Subscription Identifiers.
 *
 * @module
 */

/** The largest value of a Variable Byte Integer, and so of a packet's body in bytes. */
export const MAX_VARINT = 268_435_455;

/** Returned by {@linkcode readVarint} when the bytes end too soon. */
export const VARINT_INCOMPLETE: number = -1;

/** Returned by {@linkcode readVarint} for more than four bytes, or more than are needed. */
export const VARINT_MALFORMED: number = -2;

/**
 * Reads the integer that starts at `offset`. Only the shortest form is accepted, so {@linkcode
 * varintSize} of the result is the number of bytes that were read.
 *
 * @returns The value, {@linkcode VARINT_INCOMPLETE} or {@linkcode VARINT_MALFORMED}. It does not
 * throw, because missing bytes are normal in a stream.
 */
export function readVarint(bytes: Uint8Array, offset: number, end: number): number {
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    if (offset >= end) return VARINT_INCOMPLETE;
    const byte = bytes[offset++]!;
    value |= (byte & 0x7f) << shift;
    // A last byte of zero adds nothing: the sender could have stopped earlier.
    if (byte < 0x80) return byte === 0 && shift > 0 ? VARINT_MALFORMED : value;
  }
  return VARINT_MALFORMED;
}

/**
 * Counts the bytes that `value` takes: 1 to 4.
 *
 * @throws {RangeError} If the value is not an integer from 0 to 268_435_455.
 */
export function varintSize(value: number): number {
  if (!(value >= 0 && value <= MAX_VARINT) || !Number.isInteger(value)) {
    throw new RangeError(`Cannot write a Variable Byte Integer: ${value}`);
  }
  return value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4;
}

/** Writes a value that {@linkcode varintSize} has accepted; returns the offset after it. */
export function writeVarint(value: number, target: Uint8Array, offset: number): number {
  while (value > 0x7f) {
    target[offset++] = value & 0x7f | 0x80;
    value >>>= 7;
  }
  target[offset++] = value;
  return offset;
}
