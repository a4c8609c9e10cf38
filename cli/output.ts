import { concat } from "@std/bytes";
import { Receipt } from "../log/receipt.ts";

/** Bytes that may wait before whoever writes has to. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** Where the bytes go in the end, such as `Deno.stdout`. */
export interface Sink {
  /** Writes some of the bytes and tells how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * Writes many small pieces: they gather while a write is under way, and leave
 * together.
 */
export class Output {
  readonly #sink: Sink;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #turn = new Receipt();
  #isWriting = false;
  #error: unknown = null;

  /** Makes one that writes to `sink`. */
  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /**
   * Writes a piece.
   *
   * @returns Settles at once, unless too much waits already.
   * @throws What the sink has thrown.
   */
  async write(piece: Uint8Array): Promise<void> {
    this.#waiting.push(piece);
    this.#waitingBytes += piece.length;
    if (!this.#isWriting) this.#run();
    while (this.#waitingBytes > WAITING_BYTES_MAX) await this.#next();
    if (this.#error !== null) throw this.#error;
  }

  /**
   * Waits until everything is written.
   *
   * @throws What the sink has thrown.
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
