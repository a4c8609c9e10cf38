/** A native socket as a transport: the handshake reads and writes it by promises. */
import type { Pipe, PipeReceiver } from "../pipe.ts";
import type { Transport } from "../transport.ts";
import type { EventLoop } from "./event_loop.ts";
import { type DetachedSocket, NativeSocket } from "./native_socket.ts";

/**
 * A native socket as a transport. During a handshake it is read and written by promises. After that
 * it is a pipe.
 */
export class NativeTransport implements Transport, PipeReceiver {
  readonly #socket: NativeSocket;
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

  /**
   * @param fd The descriptor, which must not block.
   * @param unread The bytes that were received before; none by default.
   */
  constructor(loop: EventLoop, fd: number, unread?: Uint8Array<ArrayBuffer>) {
    this.#socket = new NativeSocket(loop, fd, this, unread);
  }

  /**
   * Gives the socket up, so that another thread can adopt it. The transport must not be used any more.
   *
   * @param received Bytes that were read here and that the other thread handles; none by default.
   * @throws {Error} If it is closed, or a read or a write is pending.
   */
  detach(received: Uint8Array = new Uint8Array(0)): DetachedSocket {
    if (this.#reading !== null || this.#writing !== null) {
      throw new Error("Cannot detach a socket while a read or a write waits");
    }
    if (received.length > 0) this.#socket.unread(received);
    this.#isClosed = true;
    return this.#socket.detach();
  }

  unread(bytes: Uint8Array<ArrayBuffer>): void {
    this.#socket.unread(bytes);
  }

  pipe(receiver: PipeReceiver): Pipe {
    this.#socket.handOver(receiver);
    return this.#socket;
  }

  read(target: Uint8Array): Promise<number | null> {
    if (this.#reading !== null) return Promise.reject(new Error("Cannot read: another read waits"));
    if (this.#isClosed) return Promise.reject(closedError());
    if (this.#isEnded) {
      return this.#error === null ? Promise.resolve(null) : Promise.reject(this.#error);
    }
    this.#reading = Promise.withResolvers();
    this.#target = target as Uint8Array<ArrayBuffer>;
    this.#socket.resume();
    return this.#reading.promise;
  }

  write(source: Uint8Array): Promise<number> {
    if (this.#writing !== null) {
      return Promise.reject(new Error("Cannot write: another write waits"));
    }
    let taken: number;
    try {
      taken = this.#socket.write(source);
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
    this.#socket.closeWrite();
    return Promise.resolve();
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
    this.#failReading(closedError());
    this.onWriteFailed(closedError());
  }

  target(): Uint8Array<ArrayBuffer> {
    return this.#target!;
  }

  onReceived(bytes: number): void {
    if (bytes === 0) return;
    // No caller reads until the next call.
    this.#socket.pause();
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
}

function closedError(): Error {
  return new Error("The socket is closed");
}
