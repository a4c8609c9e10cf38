/**
 * Frames that say themselves who they are and where they end, so that a test can tell whether one
 * was split, lost or put in the wrong place.
 *
 * @module
 */

/** What a frame costs beside its body: its length and its number, 4 bytes each. */
export const FRAME_HEAD_BYTES = 8;

/** A frame of `bytes` bytes, 8 or more; each byte behind the head depends on its number. */
export function frame(number: number, bytes: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(bytes).fill(number % 251);
  const view = new DataView(frame.buffer);
  view.setUint32(0, bytes);
  view.setUint32(4, number);
  return frame;
}

/**
 * The numbers of the frames in `bytes`.
 *
 * @throws {Error} If it does not begin and end with whole frames, or a frame was changed.
 */
export function frameNumbers(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const numbers: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + view.getUint32(at);
    const number = view.getUint32(at + 4);
    if (end > bytes.length) throw new Error(`Frame ${number} is split at byte ${at}`);
    for (let i = at + FRAME_HEAD_BYTES; i < end; i++) {
      if (bytes[i] !== number % 251) throw new Error(`Frame ${number} is changed at byte ${i}`);
    }
    numbers.push(number);
    at = end;
  }
  return numbers;
}
