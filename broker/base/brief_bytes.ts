/** Memory for the bytes of messages that are soon forgotten: small ones share an array. */
import { copyBytes } from "../../log/byte_log.ts";

/**
 * The size of an array, in bytes. To make one costs 0.3 µs and more at the next garbage collection,
 * whatever its size, because its bytes are outside the heap. One message that stays holds all of it.
 */
const ARRAY_BYTES = 512;
/** Larger messages get arrays of their own. */
const SMALL_BYTES = 128;

/** What is filled now. A message holds its array; nobody writes what is before `end` again. */
let array: Uint8Array<ArrayBuffer> = new Uint8Array(0);
let end = 0;

/** Where bytes were copied to. One object for all calls; read it before the next one. */
const place = { buffer: array, start: 0 };

/** Copies `source[from, to)`, which must be kept for a short time. */
export function copyBriefly(
  source: Uint8Array,
  from: number,
  to: number,
): { readonly buffer: Uint8Array<ArrayBuffer>; readonly start: number } {
  const bytes = to - from;
  if (bytes > SMALL_BYTES) {
    place.buffer = source.slice(from, to) as Uint8Array<ArrayBuffer>;
    place.start = 0;
    return place;
  }
  if (end + bytes > array.length) {
    array = new Uint8Array(ARRAY_BYTES);
    end = 0;
  }
  copyBytes(source, from, to, array, end);
  place.buffer = array;
  place.start = end;
  end += bytes;
  return place;
}
