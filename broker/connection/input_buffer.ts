/** The buffer that a connection reads into, which grows and shrinks with the traffic. */
import { BufferPool } from "../../log/buffer_pool.ts";

/** The size of the buffer of a new or idle connection, in bytes. */
const IDLE_BYTES = 128;
/**
 * Up to this size, the rest of a packet is copied to the start of the shared buffer, and the next
 * read goes behind it. The copy is cheaper than another system call.
 */
const COPY_BYTES_MAX = 16 * 1024;

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/**
 * The buffer that a connection reads into. It is tiny while the peer sends little, because an idle
 * connection must be cheap, and large under load, because every read is a system call. It grows
 * when a read fills it, and shrinks when a read leaves most of it empty.
 *
 * If the pipe has a large buffer that connections share, reads go there. Before it serves other
 * connections, the bytes that were not consumed are copied to a buffer of this connection.
 */
export class InputBuffer {
  /** The bytes; what has arrived and is not consumed is `[start, end)`. */
  bytes: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** The position of the first byte that is not consumed. */
  start = 0;
  /** The end of the last one. */
  end = 0;
  /** Whether `bytes` is the shared buffer. */
  isBorrowing = false;
  readonly #pool: BufferPool;
  /** The right size of the buffer, by the last read, in bytes. */
  #wanted = IDLE_BYTES;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** The memory of the buffer, in bytes; a shared one does not count. */
  get ownBytes(): number {
    return this.isBorrowing ? 0 : this.bytes.length;
  }

  /**
   * The buffer for the next read.
   *
   * @param frameBytes Size of the incomplete frame, if known. The buffer grows towards it as bytes
   * arrive, because a peer can announce any size.
   * @param shared A buffer to read into until {@linkcode settle}; `null` for none.
   * @param mayBorrow Whether that buffer may be used. If not, a buffer of the pool is used.
   */
  target(
    frameBytes: number,
    shared: Uint8Array<ArrayBuffer> | null,
    mayBorrow = true,
  ): Uint8Array<ArrayBuffer> {
    const held = this.end - this.start;
    if (shared !== null && mayBorrow && held <= COPY_BYTES_MAX) return this.#borrow(shared, held);
    if (shared !== null && this.bytes.length === 0) return this.bytes = this.#pool.take(IDLE_BYTES);
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

  /**
   * The last read has put `bytes` bytes into the target.
   *
   * @param isFull Whether a larger target could have taken more, though these do not fill it.
   */
  onFilled(bytes: number, isFull = false): void {
    const room = this.bytes.length - this.end;
    this.end += bytes;
    if (this.isBorrowing) return;
    if (isFull || bytes === room) {
      this.#wanted = Math.min(this.bytes.length * 4, BufferPool.bytesMax);
    } else this.#wanted = Math.max(IDLE_BYTES, Math.min(this.#wanted, bytes * 2));
  }

  /** Passes the bytes up to `offset`. */
  consume(offset: number): void {
    this.start = offset;
    if (this.start === this.end) this.start = this.end = 0;
  }

  /** The shared buffer will serve others: copies the bytes that were not consumed. */
  settle(): void {
    if (!this.isBorrowing) return;
    const { bytes, start, end } = this;
    const held = end - start;
    this.isBorrowing = false;
    this.bytes = held === 0 ? NO_BYTES : this.#pool.take(held);
    if (held > 0) this.bytes.set(bytes.subarray(start, end));
    this.start = 0;
    this.end = held;
  }

  /** Gives the buffer back if nothing is in it. */
  releaseEmpty(): void {
    if (this.start === this.end && this.bytes.length > 0) this.release();
  }

  /** Gives the buffer back; nothing may be read to it any more. */
  release(): void {
    if (!this.isBorrowing) this.#pool.give(this.bytes);
    this.isBorrowing = false;
    this.bytes = NO_BYTES;
    this.start = this.end = 0;
  }

  #borrow(shared: Uint8Array<ArrayBuffer>, held: number): Uint8Array<ArrayBuffer> {
    if (held > 0) shared.set(this.bytes.subarray(this.start, this.end));
    if (this.bytes.length > 0) this.#pool.give(this.bytes);
    this.bytes = shared;
    this.isBorrowing = true;
    this.start = 0;
    this.end = held;
    return held === 0 ? shared : shared.subarray(held);
  }

  #replace(size: number, held: number): void {
    const larger = size <= IDLE_BYTES ? new Uint8Array(IDLE_BYTES) : this.#pool.take(size);
    if (held > 0) larger.set(this.bytes.subarray(this.start, this.end));
    this.#pool.give(this.bytes);
    this.bytes = larger;
    this.start = 0;
    this.end = held;
  }
}
