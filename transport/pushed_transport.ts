/** A pipe that pushes as a transport: the handshake reads and writes it by promises. */
import type { Pipe, PipeReceiver } from "./pipe.ts";
import type { Transport } from "./transport.ts";

/** A pipe whose receiver can be replaced. */
export interface HandedPipe extends Pipe {
  /** Replaces the receiver. No write may be in progress. */
  handOver(receiver: PipeReceiver): void;
}

/**
 * A pipe that pushes as a transport. During a handshake it is read and written by promises. After
 * that it is a pipe.
 */
export abstract class PushedTransport<Pushed extends HandedPipe>
  implements Transport, PipeReceiver {
  /** The pipe. It pushes to this transport until it is handed over. */
  protected readonly pushed: Pushed;
  #isEnded = false;
  #isClosed = false;
  #error: unknown = null;
  /** The pending read. */
  #reading: PromiseWithResolvers<number | null> | null = null;
  #target: Uint8Array<ArrayBuffer> | null = null;
  /** The pending write. */
  #writing: PromiseWithResolvers<number> | null = null;
  #writingBytes = 0;
  /** The bytes of it that were not taken yet. */
  #leftBytes = 0;

  /** @param open Makes the pipe of a receiver. */
  constructor(open: (receiver: PipeReceiver) => Pushed) {
    this.pushed = open(this);
  }

  /** Whether a read or a write waits. */
  protected get isPending(): boolean {
    return this.#reading !== null || this.#writing !== null;
  }

  /** Reads fail from now on. */
  protected setClosed(): void {
    this.#isClosed = true;
  }

  pipe(receiver: PipeReceiver): Pipe {
    this.pushed.handOver(receiver);
    return this.pushed;
  }

  read(target: Uint8Array): Promise<number | null> {
    if (this.#reading !== null) return Promise.reject(new Error("Cannot read: another read waits"));
    if (this.#isClosed) return Promise.reject(this.closedError());
    if (this.#isEnded) {
      return this.#error === null ? Promise.resolve(null) : Promise.reject(this.#error);
    }
    this.#reading = Promise.withResolvers();
    this.#target = target as Uint8Array<ArrayBuffer>;
    this.pushed.resume();
    return this.#reading.promise;
  }

  write(source: Uint8Array): Promise<number> {
    if (this.#writing !== null) {
      return Promise.reject(new Error("Cannot write: another write waits"));
    }
    let taken: number;
    try {
      taken = this.pushed.write(source);
    } catch (error) {
      return Promise.reject(error);
    }
    if (taken === source.length) return Promise.resolve(taken);
    this.#writingBytes = source.length;
    this.#leftBytes = source.length - taken;
    this.#writing = Promise.withResolvers();
    return this.#writing.promise;
  }

  closeWrite(): Promise<void> {
    this.pushed.closeWrite();
    return Promise.resolve();
  }

  close(): void {
    this.#isClosed = true;
    this.pushed.close();
    this.#failReading(this.closedError());
    this.onWriteFailed(this.closedError());
  }

  target(): Uint8Array<ArrayBuffer> {
    return this.#target!;
  }

  onReceived(bytes: number): void {
    if (bytes === 0) return;
    // No caller reads until the next call.
    this.pushed.pause();
    const reading = this.#reading!;
    this.#reading = this.#target = null;
    reading.resolve(bytes);
  }

  onEnded(error: unknown): void {
    this.#isEnded = true;
    this.#error = error;
    if (error !== null) return this.#failReading(error);
    this.#reading?.resolve(null);
    this.#reading = this.#target = null;
  }

  onWritten(bytes: number): void {
    this.#leftBytes -= bytes;
    if (this.#leftBytes > 0) return;
    const writing = this.#writing!;
    this.#writing = null;
    writing.resolve(this.#writingBytes);
  }

  onWriteFailed(error: unknown): void {
    this.#writing?.reject(error);
    this.#writing = null;
  }

  #failReading(error: unknown): void {
    this.#reading?.reject(error);
    this.#reading = this.#target = null;
  }

  /** The error of a pending read or write when the transport is closed. */
  protected abstract closedError(): Error;
}
