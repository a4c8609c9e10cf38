import { Receipt } from "../log/receipt.ts";

/** Told of somebody who waits for what only reading on can bring. */
export interface Attention {
  /** Somebody began to wait. */
  awaited(): void;
  /** What somebody waited for has come. */
  settled(): void;
}

/**
 * A receipt that brings something back: a value, or why there is none. Like a
 * receipt it makes no promise before somebody waits, so an error that nobody
 * asks for disturbs nobody.
 */
export class Answer<T> implements PromiseLike<T> {
  readonly #receipt = new Receipt();
  readonly #attention: Attention | null;
  #isAwaited = false;
  #value: T | undefined;
  #error: unknown = null;
  #hasFailed = false;

  /** @param attention Told while somebody waits, if given. */
  constructor(attention: Attention | null = null) {
    this.#attention = attention;
  }

  /** Whether it was resolved or rejected. */
  get isSettled(): boolean {
    return this.#receipt.isClosed;
  }

  /** Brings the value. Settling again does nothing. */
  resolve(value: T): void {
    if (this.isSettled) return;
    this.#value = value;
    this.#settle();
  }

  /** Brings an error. Settling again does nothing. */
  reject(error: unknown): void {
    if (this.isSettled) return;
    this.#error = error;
    this.#hasFailed = true;
    this.#settle();
  }

  /**
   * Waits for the value.
   *
   * @param signal Ends the wait, not what is waited for.
   * @throws What it was rejected with, or the reason of `signal`.
   */
  async wait(signal?: AbortSignal): Promise<T> {
    if (!this.isSettled && !this.#isAwaited) {
      this.#isAwaited = true;
      this.#attention?.awaited();
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
    if (this.#isAwaited) this.#attention?.settled();
  }
}
