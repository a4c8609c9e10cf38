/** A transport whose first bytes were read before, and are read again. */
import type { Pipe, PipeReceiver } from "./pipe.ts";
import { pipeOf } from "./pulled_pipe.ts";
import type { Transport } from "./transport.ts";

/**
 * Puts bytes back that were read from a transport, so that whoever reads next gets them first.
 *
 * @param bytes They belong to the transport from now on.
 * @returns The transport to use from now on.
 */
export function unread(transport: Transport, bytes: Uint8Array<ArrayBuffer>): Transport {
  if (bytes.length === 0) return transport;
  if (transport.unread === undefined) return new UnreadTransport(transport, bytes);
  transport.unread(bytes);
  return transport;
}

/** A transport that cannot take bytes back itself. */
class UnreadTransport implements Transport {
  readonly #transport: Transport;
  #bytes: Uint8Array;

  constructor(transport: Transport, bytes: Uint8Array) {
    this.#transport = transport;
    this.#bytes = bytes;
  }

  read(target: Uint8Array): Promise<number | null> {
    if (this.#bytes.length === 0) return this.#transport.read(target);
    return Promise.resolve(this.#take(target));
  }

  write(source: Uint8Array): Promise<number> {
    return this.#transport.write(source);
  }

  async closeWrite(): Promise<void> {
    await this.#transport.closeWrite?.();
  }

  close(): void {
    this.#bytes = this.#bytes.subarray(0, 0);
    this.#transport.close();
  }

  pipe(receiver: PipeReceiver): Pipe {
    return new UnreadPipe(pipeOf(this.#transport, receiver), receiver, this.#bytes);
  }

  #take(target: Uint8Array): number {
    const bytes = Math.min(target.length, this.#bytes.length);
    target.set(this.#bytes.subarray(0, bytes));
    this.#bytes = this.#bytes.subarray(bytes);
    return bytes;
  }
}

/** Pushes the bytes that were read before, and starts the pipe itself after that. */
class UnreadPipe implements Pipe {
  readonly #pipe: Pipe;
  readonly #receiver: PipeReceiver;
  #bytes: Uint8Array;
  #isPaused = true;
  #isStarted = false;

  constructor(pipe: Pipe, receiver: PipeReceiver, bytes: Uint8Array) {
    this.#pipe = pipe;
    this.#receiver = receiver;
    this.#bytes = bytes;
  }

  start(): void {
    this.resume();
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#isStarted) this.#pipe.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#isStarted) this.#pipe.resume();
    else queueMicrotask(() => this.#push());
  }

  write(source: Uint8Array): number {
    return this.#pipe.write(source);
  }

  closeWrite(): void {
    this.#pipe.closeWrite();
  }

  close(): void {
    this.#pipe.close();
    // Without a start the pipe would never tell that it has ended.
    if (!this.#isStarted) this.#start();
  }

  #push(): void {
    if (this.#isPaused || this.#isStarted) return;
    if (this.#bytes.length === 0) return this.#start();
    const target = this.#receiver.target(null);
    const bytes = Math.min(target.length, this.#bytes.length);
    target.set(this.#bytes.subarray(0, bytes));
    this.#bytes = this.#bytes.subarray(bytes);
    this.#receiver.onReceived(bytes);
    if (!this.#isPaused) this.resume();
  }

  #start(): void {
    this.#isStarted = true;
    this.#bytes = this.#bytes.subarray(0, 0);
    this.#pipe.start();
  }
}
