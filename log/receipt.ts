/** A promise with its resolver. */

/**
 * A promise with its resolver. Code can make a receipt and close it. Closing wakes everyone who
 * waits.
 *
 * Receipts say that bytes were written, that a log has grown, or that a connection has ended. The
 * promise is made at the first wait, so a receipt without a wait costs one small object.
 *
 * @example Wait until something has happened
 * ```ts
 * import { Receipt } from "@fairway/mqtt/log";
 *
 * const left = new Receipt();
 * setTimeout(() => left.close(), 1);
 * await left.wait();
 * ```
 */
export class Receipt implements PromiseLike<void> {
  #closed = false;
  #promise: PromiseWithResolvers<void> | null = null;

  /** Makes a closed receipt. */
  static closed(): Receipt {
    const receipt = new Receipt();
    receipt.close();
    return receipt;
  }

  /** Whether {@linkcode close} was called. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Wakes everyone who waits, now and later. Closing again does nothing. */
  close(): void {
    this.#closed = true;
    this.#promise?.resolve();
  }

  /**
   * Resolves once the receipt is closed.
   *
   * @param signal Ends the wait. It does not close the receipt.
   * @throws The reason of `signal`, if it aborts first.
   */
  wait(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.resolve();
    this.#promise ??= Promise.withResolvers<void>();
    return signal === undefined ? this.#promise.promise : this.#waitWith(signal);
  }

  /** Makes `await receipt` the same as `await receipt.wait()`. */
  then<A = void, B = never>(
    onfulfilled?: ((value: void) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.wait().then(onfulfilled, onrejected);
  }

  async #waitWith(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.wait(), aborted.promise]);
    } finally {
      // The signal may live as long as the program, so the listener must be removed.
      signal.removeEventListener("abort", abort);
    }
  }
}
