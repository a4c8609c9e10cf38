import { BufferPool } from "../../log/buffer_pool.ts";

/** What a connection reads into at first and while it is idle, in bytes. */
const IDLE_BYTES = 128;

/**
 * The buffer a connection reads into: tiny while the peer says little, since an
 * idle connection must cost next to nothing, and large under load, since every
 * read is a kernel call. It grows when a read fills it and shrinks when one
 * leaves most of it empty.
 */
export class InputBuffer {
  /** The bytes; what has arrived and is not consumed is `[start, end)`. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(IDLE_BYTES);
  /** Where the first byte that is not consumed is. */
  start = 0;
  /** Where the last one ends. */
  end = 0;
  readonly #pool: BufferPool;
  /** How large a buffer the last read has shown to be right, in bytes. */
  #wanted = IDLE_BYTES;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /**
   * Where the next read goes.
   *
   * @param frameBytes Size of the frame that is incomplete, as far as it is
   * known. The buffer grows towards it as bytes arrive, not on its word alone.
   */
  target(frameBytes: number): Uint8Array<ArrayBuffer> {
    const held = this.end - this.start;
    const size = Math.max(this.#wanted, Math.min(frameBytes, held * 4), held + IDLE_BYTES);
    if (size > this.bytes.length || (held === 0 && size * 4 <= this.bytes.length)) {
      this.#replace(size, held);
    } else if (this.start > 0) {
      this.bytes.copyWithin(0, this.start, this.end);
      this.start = 0;
      this.end = held;
    }
    return this.end === 0 ? this.bytes : this.bytes.subarray(this.end);
  }

  /** Takes note that `bytes` bytes were read to the target. */
  filled(bytes: number): void {
    const room = this.bytes.length - this.end;
    this.end += bytes;
    if (bytes === room) this.#wanted = Math.min(this.bytes.length * 4, BufferPool.bytesMax);
    else this.#wanted = Math.max(IDLE_BYTES, Math.min(this.#wanted, bytes * 2));
  }

  /** Passes the bytes up to `offset`. */
  consume(offset: number): void {
    this.start = offset;
    if (this.start === this.end) this.start = this.end = 0;
  }

  /** Gives the buffer back; nothing may be read to it any more. */
  release(): void {
    this.#pool.give(this.bytes);
    this.bytes = new Uint8Array(0);
    this.start = this.end = 0;
  }

  #replace(size: number, held: number): void {
    const larger = size <= IDLE_BYTES ? new Uint8Array(IDLE_BYTES) : this.#pool.take(size);
    larger.set(this.bytes.subarray(this.start, this.end));
    this.#pool.give(this.bytes);
    this.bytes = larger;
    this.start = 0;
    this.end = held;
  }
}
