/** What has arrived at a transport that cannot be asked for bytes, until somebody reads it. */

/**
 * Pieces of bytes in their order, and how the stream ends. Bytes that came before the end are still
 * read, whether it is an error or not. One caller reads at a time.
 */
export class ReadQueue {
  readonly #pieces: Uint8Array[] = [];
  readonly #onWaiting: () => void;
  #bytes = 0;
  #isEnded = false;
  #error: Error | null = null;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @param onWaiting Called whenever somebody starts to wait: more may be fetched now. */
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

  /** Why the stream has ended; `null` if it has not, or as it should. */
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
    // Taken first: what is fetched may be there at once.
    const { promise } = this.#changed;
    this.#onWaiting();
    return promise;
  }

  /** Wakes whoever waits, to look again. */
  notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /**
   * Reads into `target` at most as many bytes as it holds; waits until there are some.
   *
   * @returns How many bytes were read; `null` at the end.
   * @throws What the stream has ended with.
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
