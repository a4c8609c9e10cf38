import type { Transport } from "../../transport/transport.ts";

/**
 * The broker's end of a connection in memory that needs no time: what is fed is there to be read
 * at once, in the very pieces in which it was fed.
 */
export class InstantPipe implements Transport {
  /** Bytes that the broker has written and that are not past the stall. */
  takenBytes = 0;
  /** Whether the broker has closed its end. */
  isClosed = false;
  /** Whether the broker has said that it will write no more. */
  isFinished = false;
  onCut: (() => void) | null = null;
  readonly #sink: (bytes: Uint8Array) => void;
  /** The most bytes that one write takes. */
  readonly #writeBytesMax: number;
  readonly #pieces: Uint8Array[] = [];
  #isEnded = false;
  #isStalled = false;
  #broken: Error | null = null;
  #reader: PromiseWithResolvers<number | null> | null = null;
  #target: Uint8Array | null = null;
  #unstalled: PromiseWithResolvers<void> | null = null;

  /**
   * @param writeBytesMax How many bytes a write takes at most: fewer make for partial writes.
   * @param sink Gets what the broker has written.
   */
  constructor(writeBytesMax: number, sink: (bytes: Uint8Array) => void) {
    this.#writeBytesMax = writeBytesMax;
    this.#sink = sink;
  }

  /** The peer sends something. */
  feed(bytes: Uint8Array): void {
    if (this.isClosed || this.#isEnded || this.#broken !== null || bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#serve();
  }

  /** The peer sends no more. */
  end(): void {
    this.#isEnded = true;
    this.#serve();
  }

  /** The network is gone. */
  cut(): void {
    if (this.#broken !== null) return;
    this.#broken = new Error("The connection was cut");
    this.#serve();
    this.#unstalled?.resolve();
    this.onCut?.();
  }

  /** The peer takes nothing more, or goes on. */
  stall(isStalled: boolean): void {
    this.#isStalled = isStalled;
    if (!isStalled) this.#unstalled?.resolve();
  }

  read(target: Uint8Array): Promise<number | null> {
    if (this.#reader !== null) throw new Error("Two reads at once");
    if (target.length === 0) throw new Error("A read of nothing");
    if (this.isClosed) return Promise.reject(new Error("Read after close"));
    this.#reader = Promise.withResolvers();
    this.#target = target;
    const { promise } = this.#reader;
    this.#serve();
    return promise;
  }

  async write(source: Uint8Array): Promise<number> {
    if (source.length === 0) throw new Error("A write of nothing");
    while (this.#isStalled && this.#broken === null && !this.isClosed) {
      this.#unstalled = Promise.withResolvers();
      await this.#unstalled.promise;
    }
    if (this.#broken !== null) throw this.#broken;
    if (this.isClosed) throw new Error("Closed meanwhile");
    const count = Math.min(source.length, this.#writeBytesMax);
    this.takenBytes += count;
    this.#sink(source.subarray(0, count));
    return count;
  }

  // deno-lint-ignore require-await
  async closeWrite(): Promise<void> {
    this.isFinished = true;
  }

  close(): void {
    if (this.isClosed) throw new Error("Closed twice");
    this.isClosed = true;
    this.#serve();
    this.#unstalled?.resolve();
  }

  #serve(): void {
    const reader = this.#reader;
    if (reader === null) return;
    if (this.isClosed) this.#answer((one) => one.reject(new Error("Closed meanwhile")));
    else if (this.#broken !== null) this.#answer((one) => one.reject(this.#broken));
    else if (this.#pieces.length > 0) {
      const piece = this.#pieces[0]!;
      const count = Math.min(piece.length, this.#target!.length);
      this.#target!.set(piece.subarray(0, count));
      if (count === piece.length) this.#pieces.shift();
      else this.#pieces[0] = piece.subarray(count);
      this.#answer((one) => one.resolve(count));
    } else if (this.#isEnded) this.#answer((one) => one.resolve(null));
  }

  #answer(settle: (reader: PromiseWithResolvers<number | null>) => void): void {
    const reader = this.#reader!;
    this.#reader = this.#target = null;
    settle(reader);
  }
}
