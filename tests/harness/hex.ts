/** Bytes, or the same bytes as hex digits; blanks between the digits are free. */
export type Bytes = Uint8Array | string;

/**
 * Reads hex digits, as in `hex("c0 00")`.
 *
 * @throws {SyntaxError} If a digit is no hex digit, or one is left over.
 */
export function hex(digits: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(digits.replaceAll(/\s+/g, ""));
}

/** Writes bytes as a person reads them: `c0 00`. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex().replaceAll(/..(?=.)/g, "$& ");
}

/** Takes bytes as they are, and hex digits as the bytes they name. */
export function toBytes(bytes: Bytes): Uint8Array {
  return typeof bytes === "string" ? hex(bytes) : bytes;
}
