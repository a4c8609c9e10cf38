/**
 * Base64 for SCRAM, with what every runtime has: Node 24 knows no `Uint8Array.fromBase64`.
 *
 * @module
 */

/** Bytes as Base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** The bytes of a Base64 text; `null` unless it is exactly what {@linkcode toBase64} writes. */
export function fromBase64(text: string): Uint8Array | null {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    // `atob` reports errors only by throwing.
    return null;
  }
  // `atob` overlooks missing padding and spare bits.
  if (btoa(binary) !== text) return null;
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
