/** Makes a pipe of a transport whose reads and writes return promises. */
import type { Pipe, PipeReceiver } from "./pipe.ts";
import type { Transport } from "./transport.ts";

/** A pipe over a transport whose reads and writes return promises. */
export class PulledPipe implements Pipe {
  readonly #transport: Transport;
  readonly #receiver: PipeReceiver;
  #isReading = false;
  #isPaused = false;
  #isClosed = false;
  /** What is being written; `null` for nothing. */
  #source: Uint8Array | null = null;
  readonly #onWritten = (bytes: number) => this.#written(bytes);
  readonly #onFailed = (error: unknown) => this.#receiver.onWriteFailed(error);

  constructor(transport: Transport, receiver: PipeReceiver) {
    this.#transport = transport;
    this.#receiver = receiver;
  }

  start(): void {
    this.#read();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isReading) this.#read();
  }

  write(source: Uint8Array): number {
    this.#source = source;
    this.#transport.write(source).then(this.#onWritten, this.#onFailed);
    return 0;
  }

  closeWrite(): void {
    this.#transport.closeWrite?.().catch(() => {
      // The pipe has broken. The pending read reports it.
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#transport.close();
  }

  #written(bytes: number): void {
    if (this.#isClosed) return;
    const source = this.#source!;
    this.#source = null;
    this.#receiver.onWritten(bytes);
    if (this.#isClosed || this.#source !== null || bytes >= source.length) return;
    this.write(source.subarray(bytes));
  }

  /** Reads until it is paused, or the transport ends. Never rejects. */
  async #read(): Promise<void> {
    const receiver = this.#receiver;
    this.#isReading = true;
    let failure: unknown = null;
    try {
      while (!this.#isClosed) {
        const bytes = await this.#transport.read(receiver.target(null));
        if (bytes === null) break;
        receiver.onReceived(bytes);
        if (!this.#isPaused) continue;
        this.#isReading = false;
        return;
      }
    } catch (error) {
      failure = error;
    }
    receiver.onEnded(failure);
  }
}

/** The pipe of a transport: its own if it has one, otherwise a {@linkcode PulledPipe}. */
export function pipeOf(transport: Transport, receiver: PipeReceiver): Pipe {
  return transport.pipe?.(receiver) ?? new PulledPipe(transport, receiver);
}
