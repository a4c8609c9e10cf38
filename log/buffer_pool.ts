/** Buffers that are used again. */

/** Sizes of pooled buffers, in bytes: each is four times the one before. */
const CLASS_BYTES = [256, 1024, 4096, 16_384, 65_536] as const;
/** How many bytes of free buffers a size class keeps. */
const FREE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Buffers that are reused. A broker under load fills and drains the same few buffers many thousand
 * times a second. New buffers each time would keep the garbage collector busy.
 *
 * A buffer belongs to its taker until it is given back. It may be given back only once, and must
 * not be read or written afterwards.
 */
export class BufferPool {
  readonly #free: Uint8Array<ArrayBuffer>[][] = CLASS_BYTES.map(() => []);

  /** The largest buffer that is pooled, in bytes. */
  static readonly bytesMax: number = CLASS_BYTES[CLASS_BYTES.length - 1]!;

  /** Takes a buffer of at least `bytes` bytes, with its old content. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    const index = classOf(bytes);
    if (index < 0) return new Uint8Array(bytes);
    return this.#free[index]!.pop() ?? new Uint8Array(CLASS_BYTES[index]!);
  }

  /** Gives a buffer back. A buffer of another size is left to the garbage collector. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    const index = classOf(buffer.length);
    if (index < 0 || CLASS_BYTES[index] !== buffer.length) return;
    const free = this.#free[index]!;
    if ((free.length + 1) * buffer.length <= FREE_BYTES_MAX) free.push(buffer);
  }
}

function classOf(bytes: number): number {
  for (let i = 0; i < CLASS_BYTES.length; i++) if (bytes <= CLASS_BYTES[i]!) return i;
  return -1;
}
