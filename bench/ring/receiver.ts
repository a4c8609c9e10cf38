/** A receiver of a pipe that passes bytes on to a function. */
import type { Pipe, PipeReceiver } from "../../transport/pipe.ts";
import { pipeOf } from "../../transport/pulled_pipe.ts";
import type { Transport } from "../../transport/transport.ts";

/** A receiver that calls back. Nothing is written while a write waits: the benchmarks see to it. */
export class BenchReceiver implements PipeReceiver {
  readonly pipe: Pipe;
  bytes = 0;
  readonly #own = new Uint8Array(64 * 1024);
  #target: Uint8Array<ArrayBuffer> = this.#own;
  readonly #onBytes: (bytes: Uint8Array, receiver: BenchReceiver) => void;
  #onWritten: () => void = () => {};
  #leftBytes = 0;
  #isClosed = false;

  constructor(transport: Transport, onBytes: (bytes: Uint8Array, receiver: BenchReceiver) => void) {
    this.#onBytes = onBytes;
    this.pipe = pipeOf(transport, this);
    this.pipe.start();
  }

  /** Writes all of it. Resolves when the pipe has taken all. */
  write(source: Uint8Array): Promise<void> | null {
    const taken = this.pipe.write(source);
    if (taken === source.length) return null;
    this.#leftBytes = source.length - taken;
    return new Promise((resolve) => this.#onWritten = resolve);
  }

  target(shared: Uint8Array<ArrayBuffer> | null): Uint8Array<ArrayBuffer> {
    return this.#target = shared ?? this.#own;
  }

  onReceived(bytes: number): void {
    this.bytes += bytes;
    this.#onBytes(this.#target.subarray(0, bytes), this);
  }

  /** Closes the pipe, once. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.pipe.close();
  }

  onEnded(): void {
    this.close();
  }

  onWritten(bytes: number): void {
    this.#leftBytes -= bytes;
    if (this.#leftBytes === 0) this.#onWritten();
  }

  onWriteFailed(error: unknown): void {
    throw error;
  }
}
