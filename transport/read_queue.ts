/** Holds the bytes of a transport that pushes them, until a caller reads them. */

/**
 * Pieces of bytes in their order, and the end of the stream. Bytes before the end can still be
 * read, also if the stream ends with an error. Only one caller may read at a time.
 */
export class ReadQueue {
  readonly #pieces: Uint8Array[] = [];
  readonly #onWaiting: () => void;
  #bytes = 0;
  #isEnded = false;
  #error: Error | null = null;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @param onWaiting Called when a caller starts to wait, so that more can be fetched. */
  constructor(onWaiting: () => void = () => {}) {
    this.#onWaiting = onWaiting;
  }

  /** How many bytes wait to be read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing more is added. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The error that the stream has ended with; `null` if it has not ended, or without an error. */
  get error(): Error | null {
    return this.#error;
  }

  /** Adds bytes, which must not change any more. Does nothing after the end. */
  push(piece: Uint8Array): void {
    if (this.#isEnded || piece.length === 0) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.notify();
  }

  /** Nothing more is added; only the first call counts. */
  end(error: Error | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    this.notify();
  }

  /** Discards what was not read. */
  clear(): void {
    this.#pieces.length = 0;
    this.#bytes = 0;
  }

  /** Resolves when something was added, at the end, or at the next {@linkcode notify}. */
  wait(): Promise<void> {
    // Before `onWaiting`, because more bytes may arrive during that call.
    const { promise } = this.#changed;
    this.#onWaiting();
    return promise;
  }

  /** Wakes the caller that waits, which checks again. */
  notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /**
   * Reads into `target` at most as many bytes as it holds; waits until there are some.
   *
   * @returns How many bytes were read; `null` at the end.
   * @throws The error that the stream has ended with.
   */
  async read(target: Uint8Array): Promise<number | null> {
    while (this.#pieces.length === 0) {
      if (this.#error !== null) throw this.#error;
      if (this.#isEnded) return null;
      await this.wait();
    }
    const piece = this.#pieces[0]!;
    const count = Math.min(piece.length, target.length);
    target.set(piece.subarray(0, count));
    if (count < piece.length) this.#pieces[0] = piece.subarray(count);
    else this.#pieces.shift();
    this.#bytes -= count;
    return count;
  }
}
