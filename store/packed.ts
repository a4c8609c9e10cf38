/** Packs pieces of bytes into one buffer, for another thread. */

/** Stands for `null`, in place of a length. */
const NULL_LENGTH = 0xffff_ffff;

/**
 * Packs pieces of bytes into one buffer, to pass it to another thread. Each piece follows its
 * length in four bytes, little-endian.
 */
export function pack(pieces: readonly (Uint8Array | null)[]): Uint8Array<ArrayBuffer> {
  const length = pieces.reduce((sum, piece) => sum + 4 + (piece?.length ?? 0), 0);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const piece of pieces) {
    view.setUint32(at, piece?.length ?? NULL_LENGTH, true);
    if (piece !== null) bytes.set(piece, at + 4);
    at += 4 + (piece?.length ?? 0);
  }
  return bytes;
}

/** Unpacks the pieces, as views of `bytes`. */
export function unpack(bytes: Uint8Array<ArrayBuffer>): (Uint8Array<ArrayBuffer> | null)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const pieces = [];
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at, true);
    at += 4;
    if (length === NULL_LENGTH) pieces.push(null);
    else pieces.push(bytes.subarray(at, at += length));
  }
  return pieces;
}
