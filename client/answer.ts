/** A result that arrives later, and that the program may wait for or ignore. */
import { Receipt } from "../log/receipt.ts";

/** Is told when the program waits for something that only the server can send. */
export interface Attention {
  /** The program begins to wait. */
  onAwaited(): void;
  /** What the program waited for has arrived. */
  onSettled(): void;
}

/**
 * A receipt with a result: a value or an error. Like a receipt, it makes a promise only when the
 * program waits. So an error that the program does not await causes no unhandled rejection.
 */
export class Answer<T> implements PromiseLike<T> {
  readonly #receipt = new Receipt();
  readonly #attention: Attention | null;
  #isAwaited = false;
  #value: T | undefined;
  #error: unknown = null;
  #hasFailed = false;

  /** @param attention Is told when the program begins and ends to wait. */
  constructor(attention: Attention | null = null) {
    this.#attention = attention;
  }

  /** Whether it was resolved or rejected. */
  get isSettled(): boolean {
    return this.#receipt.isClosed;
  }

  /** Settles it with a value. Settling again does nothing. */
  resolve(value: T): void {
    if (this.isSettled) return;
    this.#value = value;
    this.#settle();
  }

  /** Settles it with an error. Settling again does nothing. */
  reject(error: unknown): void {
    if (this.isSettled) return;
    this.#error = error;
    this.#hasFailed = true;
    this.#settle();
  }

  /**
   * Waits for the value.
   *
   * @param signal Ends the wait, but does not cancel the operation.
   * @throws The error that it was rejected with, or the reason of `signal`.
   */
  async wait(signal?: AbortSignal): Promise<T> {
    if (!this.isSettled && !this.#isAwaited) {
      this.#isAwaited = true;
      this.#attention?.onAwaited();
    }
    await this.#receipt.wait(signal);
    if (this.#hasFailed) throw this.#error;
    return this.#value as T;
  }

  /** Makes `await answer` the same as `await answer.wait()`. */
  then<A = T, B = never>(
    onfulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.wait().then(onfulfilled, onrejected);
  }

  #settle(): void {
    this.#receipt.close();
    if (this.#isAwaited) this.#attention?.onSettled();
  }
}
