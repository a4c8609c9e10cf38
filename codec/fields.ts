/**
 * Sizes and writers of the fields of a body: integers, strings and binary data (§1.5). The size
 * functions validate the values. The writers do not.
 *
 * @module
 */
import { MAX_FIELD_BYTES, utf8Size, writeUtf8 } from "./utf8.ts";

/** Up to this many bytes, a loop is faster than `set` with a new subarray. */
const LOOP_BYTES_MAX = 32;

/** Throws unless `value` is an integer from `low` to `high`. */
export function checkInteger(name: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high) || !Number.isInteger(value)) {
    throw new RangeError(`Cannot write ${name}, which is ${low} to ${high}: ${value}`);
  }
}

/** Throws unless `value` is a packet identifier: 1 to 65_535 [MQTT-2.2.1-3]. */
export function checkPacketId(value: number): void {
  checkInteger("a packet identifier", value, 1, 0xffff);
}

/**
 * Counts the bytes of a string field, its two-byte length included.
 *
 * @throws {RangeError} If the string is longer than 65_535 bytes.
 * @throws {TypeError} If MQTT cannot carry it.
 */
export function stringSize(text: string): number {
  const size = utf8Size(text);
  if (size > MAX_FIELD_BYTES) throw new RangeError(`Cannot write a string of ${size} bytes`);
  return 2 + size;
}

/**
 * Counts the bytes of a binary field, its two-byte length included.
 *
 * @throws {RangeError} If there are more than 65_535 bytes.
 */
export function binarySize(bytes: Uint8Array): number {
  if (bytes.length > MAX_FIELD_BYTES) {
    throw new RangeError(`Cannot write binary data of ${bytes.length} bytes`);
  }
  return 2 + bytes.length;
}

/** Writes a two-byte integer; returns the offset after it. */
export function writeUint16(value: number, target: Uint8Array, offset: number): number {
  target[offset] = value >> 8;
  target[offset + 1] = value;
  return offset + 2;
}

/** Writes a four-byte integer; returns the offset after it. */
export function writeUint32(value: number, target: Uint8Array, offset: number): number {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
  return offset + 4;
}

/** Writes a string field; returns the offset after it. */
export function writeString(text: string, target: Uint8Array, offset: number): number {
  const end = writeUtf8(text, target, offset + 2);
  writeUint16(end - offset - 2, target, offset);
  return end;
}

/** Writes a binary field; returns the offset after it. */
export function writeBinary(bytes: Uint8Array, target: Uint8Array, offset: number): number {
  return copyBytes(bytes, 0, bytes.length, target, writeUint16(bytes.length, target, offset));
}

/** Copies `source[start, end)` to `target` at `offset`; returns the offset after it. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
): number {
  const size = end - start;
  if (size > LOOP_BYTES_MAX) {
    target.set(source.subarray(start, end), offset);
  } else {
    for (let index = 0; index < size; index++) target[offset + index] = source[start + index]!;
  }
  return offset + size;
}
