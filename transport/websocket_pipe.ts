/** The pipe of an open WebSocket: frames over another pipe, without promises. */
import type { Pipe, PipeReceiver } from "./pipe.ts";
import { pipeOf } from "./pulled_pipe.ts";
import type { Transport } from "./transport.ts";
import {
  CloseCode,
  closeFrame,
  type ControlFrame,
  frameHeader,
  FrameReader,
  Opcode,
  WebSocketError,
} from "./websocket_frame.ts";

/** The longest payload of a frame. */
const FRAME_BYTES_MAX = 0xffff;
/** Up to this size, a payload is copied behind its header and written with it. */
const COPY_BYTES_MAX = 16 * 1024;

/**
 * The server's end of an open WebSocket as a pipe, over the pipe of its transport. One write of that
 * pipe is in progress at most: a frame, or a part of one. Pongs and the close frame go between
 * frames.
 */
export class WebSocketPipe implements Pipe, PipeReceiver {
  readonly #pipe: Pipe;
  readonly #receiver: PipeReceiver;
  readonly #frames: FrameReader;
  #target: Uint8Array<ArrayBuffer> | null = null;
  /** The source of the write in progress that is not in a frame yet; `null` for none. */
  #source: Uint8Array | null = null;
  /** The bytes of the source in the current frame, and whether its payload is still to be written. */
  #frameBytes = 0;
  #payload: Uint8Array | null = null;
  /** The bytes that the pipe has not taken of the current write. */
  #leftBytes = 0;
  /** The payload of the latest ping that was not answered. */
  #ping: Uint8Array | null = null;
  #isPaused = false;
  /** Whether the peer has sent a close frame, or the pipe has ended, and why. */
  #isEnded = false;
  #failure: unknown = null;
  /** Whether the receiver was told. */
  #isEndReported = false;
  /** Whether a close frame waits, and whether it was written. Nothing may follow it. */
  #isFinishing = false;
  #isFinished = false;
  #closeCode: number = CloseCode.normal;
  /** Whether the pipe closes its direction after the close frame. */
  #isClosingWrite = false;

  /**
   * @param transport The transport, after the handshake. Nothing else may use it.
   * @param mayIdle Called for each frame without data. If it returns false, the WebSocket is closed.
   */
  constructor(transport: Transport, receiver: PipeReceiver, mayIdle?: () => boolean) {
    this.#receiver = receiver;
    this.#frames = new FrameReader((frame) => this.#onControl(frame), mayIdle);
    this.#pipe = pipeOf(transport, this);
  }

  start(): void {
    this.#pipe.start();
  }

  pause(): void {
    this.#isPaused = true;
    this.#pipe.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isEnded) this.#pipe.resume();
    else queueMicrotask(() => this.#reportEnd());
  }

  write(source: Uint8Array): number {
    if (this.#isFinishing) throw new Error("The WebSocket is closed");
    this.#source = source;
    try {
      return this.#pump();
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  closeWrite(): void {
    this.#isClosingWrite = true;
    this.#finish();
    this.#tryToPump();
    this.#closeWriteIfDone();
  }

  close(): void {
    // Not if it would have to wait.
    if (this.#leftBytes === 0 && this.#payload === null) {
      this.#source = null;
      this.#finish();
      this.#tryToPump();
    }
    this.#pipe.close();
  }

  target(shared: Uint8Array<ArrayBuffer> | null): Uint8Array<ArrayBuffer> {
    return this.#target = this.#receiver.target(shared);
  }

  onReceived(bytes: number): void {
    const target = this.#target!;
    this.#target = null;
    if (this.#isEnded) return this.#receiver.onReceived(0);
    let filled = 0;
    try {
      // [MQTT-6.0.0-2]
      filled = bytes === 0 ? 0 : this.#frames.take(target.subarray(0, bytes));
    } catch (error) {
      this.#failure = error;
      this.#isEnded = true;
    }
    // Data before the end are still handled, which may take until the receiver resumes.
    this.#receiver.onReceived(filled, bytes === target.length);
    if (!this.#isEnded) return;
    this.#pipe.pause();
    if (this.#source === null) {
      this.#finish(this.#failure instanceof WebSocketError ? this.#failure.code : undefined);
      this.#tryToPump();
    }
    this.#reportEnd();
  }

  onEnded(error: unknown): void {
    if (!this.#isEnded) this.#failure = error;
    this.#isEnded = true;
    this.#isPaused = false;
    this.#reportEnd();
  }

  onWritten(bytes: number): void {
    this.#leftBytes -= bytes;
    if (this.#leftBytes > 0) return;
    let taken: number;
    try {
      taken = this.#pump();
    } catch (error) {
      return this.onWriteFailed(error);
    }
    this.#closeWriteIfDone();
    if (taken > 0) this.#receiver.onWritten(taken);
  }

  onWriteFailed(error: unknown): void {
    const isSourceLost = this.#source !== null;
    this.#forget();
    // That a pong or a close frame was not written is found out by reading.
    if (isSourceLost) this.#receiver.onWriteFailed(error);
  }

  /** The pipe has broken: nothing of the write in progress is written any more. */
  #forget(): void {
    this.#source = this.#payload = null;
    this.#leftBytes = this.#frameBytes = 0;
  }

  #onControl({ opcode, payload }: ControlFrame): void {
    if (opcode === Opcode.close) this.#isEnded = true;
    else if (opcode === Opcode.ping) {
      // The latest one is answered: at most one pong waits.
      this.#ping = payload;
      this.#tryToPump();
    }
  }

  #finish(code: number = CloseCode.normal): void {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    this.#closeCode = code;
  }

  #closeWriteIfDone(): void {
    if (!this.#isClosingWrite || !this.#isFinished || this.#leftBytes > 0) return;
    this.#isClosingWrite = false;
    this.#pipe.closeWrite();
  }

  #reportEnd(): void {
    if (this.#isEndReported || this.#isPaused) return;
    this.#isEndReported = true;
    this.#receiver.onEnded(this.#failure);
  }

  /** Writes what waits beside the source. */
  #tryToPump(): void {
    if (this.#source !== null) return;
    try {
      this.#pump();
    } catch {
      // The pipe has broken. It reports that itself.
    }
  }

  /**
   * Writes until the pipe takes no more.
   *
   * @returns How many bytes of the source are in frames that were taken since the last call.
   */
  #pump(): number {
    let taken = 0;
    while (this.#leftBytes === 0) {
      if (this.#payload !== null) {
        const payload = this.#payload;
        this.#payload = null;
        this.#put(payload);
        continue;
      }
      taken += this.#frameBytes;
      this.#frameBytes = 0;
      if (this.#source?.length === 0) this.#source = null;
      const next = this.#next();
      if (next === null) break;
      this.#put(next);
    }
    return taken;
  }

  /** The next frame, or its header; `null` for none. */
  #next(): Uint8Array | null {
    if (this.#isFinished) return null;
    if (this.#ping !== null) {
      const ping = this.#ping;
      this.#ping = null;
      return framed(Opcode.pong, ping);
    }
    const source = this.#source;
    if (source !== null) {
      const payload = source.subarray(0, FRAME_BYTES_MAX);
      this.#source = source.subarray(payload.length);
      this.#frameBytes = payload.length;
      if (payload.length <= COPY_BYTES_MAX) return framed(Opcode.binary, payload);
      this.#payload = payload;
      return frameHeader(Opcode.binary, payload.length);
    }
    if (!this.#isFinishing) return null;
    this.#isFinished = true;
    return closeFrame(this.#closeCode);
  }

  #put(bytes: Uint8Array): void {
    this.#leftBytes = bytes.length - this.#pipe.write(bytes);
  }
}

function framed(opcode: number, payload: Uint8Array): Uint8Array {
  const header = frameHeader(opcode, payload.length);
  const frame = new Uint8Array(header.length + payload.length);
  frame.set(header);
  frame.set(payload, header.length);
  return frame;
}
