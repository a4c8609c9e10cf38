/** Writes to a stream such as stdout, several pieces at a time. */
import { concat } from "@std/bytes";
import { Receipt } from "../log/receipt.ts";

/** The maximum number of bytes that wait before `write()` waits too. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** The destination of the bytes, such as `Deno.stdout`. */
export interface Sink {
  /** Writes some of the bytes and returns their number. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Combines many small writes: pieces that arrive during a write are written together. */
export class Output {
  readonly #sink: Sink;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #turn = new Receipt();
  #isWriting = false;
  #error: unknown = null;

  /** Creates an output to `sink`. */
  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /**
   * Writes a piece.
   *
   * @returns Resolves at once, unless too many bytes wait.
   * @throws The error of the sink.
   */
  async write(piece: Uint8Array): Promise<void> {
    this.#waiting.push(piece);
    this.#waitingBytes += piece.length;
    if (!this.#isWriting) this.#run();
    while (this.#waitingBytes > WAITING_BYTES_MAX) await this.#next();
    if (this.#error !== null) throw this.#error;
  }

  /**
   * Waits until all bytes are written.
   *
   * @throws The error of the sink.
   */
  async drained(): Promise<void> {
    while (this.#isWriting) await this.#next();
    if (this.#error !== null) throw this.#error;
  }

  async #next(): Promise<void> {
    if (this.#error !== null) throw this.#error;
    await this.#turn.wait();
  }

  async #run(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#waiting.length > 0 && this.#error === null) await this.#writeAll(this.#take());
    } catch (error) {
      this.#error = error;
    }
    this.#isWriting = false;
    this.#turn.close();
  }

  #take(): Uint8Array {
    const bytes = concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#turn.close();
    this.#turn = new Receipt();
    return bytes;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#sink.write(bytes.subarray(at));
  }
}
