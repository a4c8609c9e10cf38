/**
 * UTF-8 by the rules of MQTT (§1.5.4): well-formed, no surrogates, no U+0000. A leading U+FEFF is a
 * normal character.
 *
 * @module
 */
import { MalformedPacketError } from "./errors.ts";

/** The most bytes a string or binary field can have: its length is two bytes. */
export const MAX_FIELD_BYTES = 65_535;

/** Up to this many bytes, a loop makes a string faster than the decoder does. */
const SHORT_BYTES_MAX = 32;

// The bytes were validated before, so the decoder need not be fatal.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Checks that the bytes are UTF-8 that MQTT accepts. Allocates nothing.
 *
 * @returns -1, or the offset of the first byte of the first bad sequence.
 */
export function validateUtf8(bytes: Uint8Array, start: number, end: number): number {
  let offset = start;
  while ((offset = asciiEnd(bytes, offset, end)) < end) {
    const size = sequenceSize(bytes, offset, end);
    if (size === 0) return offset;
    offset += size;
  }
  return -1;
}

/** The offset of the first byte that is not U+0001 to U+007F, or `end`. */
function asciiEnd(bytes: Uint8Array, offset: number, end: number): number {
  // Checks four bytes at a time: both 0 minus 1 and a byte of 0x80 or more set bits above the low
  // seven.
  for (; offset + 4 <= end; offset += 4) {
    const a = bytes[offset]!;
    const b = bytes[offset + 1]!;
    const c = bytes[offset + 2]!;
    const d = bytes[offset + 3]!;
    if (((a | b | c | d | a - 1 | b - 1 | c - 1 | d - 1) & ~0x7f) !== 0) break;
  }
  while (offset < end && bytes[offset]! - 1 >>> 0 < 0x7f) offset++;
  return offset;
}

/** Size in bytes of the sequence of a byte that is not ASCII; 0 if it is ill-formed. */
function sequenceSize(bytes: Uint8Array, offset: number, end: number): number {
  const lead = bytes[offset]!;
  const size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size === 0 || offset + size > end) return 0;
  const second = bytes[offset + 1]!;
  // The second byte reveals overlong forms, surrogates and code points above U+10FFFF: after these
  // four lead bytes, only a part of its range is legal.
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let index = 2; index < size; index++) {
    if ((bytes[offset + index]! & 0xc0) !== 0x80) return 0;
  }
  return size;
}

/**
 * Decodes bytes to a string.
 *
 * @param origin The offset of the body, which is subtracted from offsets in errors.
 * @throws {MalformedPacketError} If the bytes are not UTF-8 that MQTT accepts.
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number, origin = 0): string {
  const plain = asciiEnd(bytes, start, end);
  if (plain === end && end - start <= SHORT_BYTES_MAX) return shortAscii(bytes, start, end);
  const bad = validateUtf8(bytes, plain, end);
  if (bad >= 0) throw illFormed(bytes, bad, origin);
  return decoder.decode(bytes.subarray(start, end));
}

/** Makes a string from a few bytes below 0x80. */
function shortAscii(bytes: Uint8Array, offset: number, end: number): string {
  const { fromCharCode } = String;
  let text = "";
  // One call with several characters avoids concatenations.
  for (; offset + 16 <= end; offset += 16) {
    text += fromCharCode(
      bytes[offset]!,
      bytes[offset + 1]!,
      bytes[offset + 2]!,
      bytes[offset + 3]!,
      bytes[offset + 4]!,
      bytes[offset + 5]!,
      bytes[offset + 6]!,
      bytes[offset + 7]!,
      bytes[offset + 8]!,
      bytes[offset + 9]!,
      bytes[offset + 10]!,
      bytes[offset + 11]!,
      bytes[offset + 12]!,
      bytes[offset + 13]!,
      bytes[offset + 14]!,
      bytes[offset + 15]!,
    );
  }
  for (; offset + 4 <= end; offset += 4) {
    text += fromCharCode(
      bytes[offset]!,
      bytes[offset + 1]!,
      bytes[offset + 2]!,
      bytes[offset + 3]!,
    );
  }
  for (; offset < end; offset++) text += fromCharCode(bytes[offset]!);
  return text;
}

/** The error for the ill-formed sequence at `offset`. */
export function illFormed(bytes: Uint8Array, offset: number, origin: number): MalformedPacketError {
  return bytes[offset] === 0
    ? new MalformedPacketError("A string contains U+0000", offset - origin, "MQTT-1.5.4-2")
    : new MalformedPacketError("A string is not UTF-8", offset - origin, "MQTT-1.5.4-1");
}

/**
 * Counts the bytes `text` takes in UTF-8.
 *
 * @throws {TypeError} If MQTT does not allow it: a lone surrogate, or U+0000.
 */
export function utf8Size(text: string): number {
  let size = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      if (unit === 0) throw new TypeError("Cannot write a string with U+0000");
    } else if (unit < 0x800) {
      size += 1;
    } else if (unit < 0xd800 || unit > 0xdfff) {
      size += 2;
    } else {
      const pair = text.codePointAt(index)!;
      if (pair < 0x10000) throw new TypeError("Cannot write a string with a lone surrogate");
      // Two units of UTF-16 become four bytes.
      size += 2;
      index++;
    }
  }
  return size;
}

/** Writes a string that {@linkcode utf8Size} has accepted; returns the offset after it. */
export function writeUtf8(text: string, target: Uint8Array, offset: number): number {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      target[offset++] = unit;
    } else if (unit < 0x800) {
      target[offset++] = 0xc0 | unit >> 6;
      target[offset++] = 0x80 | unit & 0x3f;
    } else if (unit < 0xd800 || unit > 0xdfff) {
      target[offset++] = 0xe0 | unit >> 12;
      target[offset++] = 0x80 | unit >> 6 & 0x3f;
      target[offset++] = 0x80 | unit & 0x3f;
    } else {
      const point = text.codePointAt(index++)!;
      target[offset++] = 0xf0 | point >> 18;
      target[offset++] = 0x80 | point >> 12 & 0x3f;
      target[offset++] = 0x80 | point >> 6 & 0x3f;
      target[offset++] = 0x80 | point & 0x3f;
    }
  }
  return offset;
}
