/** Sends and receives frames over the control pipe of a link. */
import type { Pipe, PipeReceiver } from "../transport/pipe.ts";
import { pipeOf } from "../transport/pulled_pipe.ts";
import type { Transport } from "../transport/transport.ts";
import { FRAME_BYTES_MAX, FRAME_HEAD_BYTES, FrameError, FrameReader } from "./frames.ts";
import type { FrameSource } from "./peer_part.ts";

/** The size of the input buffer, in bytes; a larger frame makes it grow until it was read. */
const INPUT_BYTES = 64 * 1024;

/** What is told of a channel. */
export interface ControlOwner {
  /** Bytes have come. */
  onHeard(): void;
  /** A frame has come. Its bytes are borrowed until the result is there; no other comes before. */
  onFrame(kind: number, body: FrameReader): PromiseLike<void> | null;
  /** The pipe has ended, or failed, or carries something else. Called once. */
  onEnded(error: unknown): void;
}

/**
 * The control pipe of one link. Nothing waits here to be sent: when the pipe has taken a frame, its
 * sources are asked for the next one, so what waits is as large as what the sources know.
 */
export class ControlChannel implements PipeReceiver {
  readonly #owner: ControlOwner;
  readonly #sources: readonly FrameSource[];
  readonly #pipe: Pipe;
  #input: Uint8Array<ArrayBuffer> = new Uint8Array(INPUT_BYTES);
  #start = 0;
  #end = 0;
  #isHandling = false;
  #isWriting = false;
  #isAwake = false;
  #isEnded = false;
  /** The bytes of the write in progress that the pipe has not taken yet. */
  #unwritten = 0;

  constructor(transport: Transport, owner: ControlOwner, sources: readonly FrameSource[]) {
    this.#owner = owner;
    this.#sources = sources;
    this.#pipe = pipeOf(transport, this);
  }

  /** Whether a frame is being handled, so that nothing is read. */
  get isHandling(): boolean {
    return this.#isHandling;
  }

  /** Begins to read and to write. */
  start(): void {
    this.#pipe.start();
    this.wake();
  }

  /** A source has a frame. It is asked for it soon, so that what follows in this turn is in it, too. */
  wake(): void {
    if (this.#isAwake || this.#isEnded) return;
    this.#isAwake = true;
    queueMicrotask(() => {
      this.#isAwake = false;
      this.#write();
    });
  }

  /** Closes the pipe. */
  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#pipe.close();
  }

  target(): Uint8Array<ArrayBuffer> {
    if (this.#start > 0) {
      this.#input.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const needed = Math.max(INPUT_BYTES, this.#frameBytes());
    if (needed !== this.#input.length && (needed > this.#input.length || this.#end <= needed / 2)) {
      const input = new Uint8Array(needed);
      input.set(this.#input.subarray(0, this.#end));
      this.#input = input;
    }
    return this.#input.subarray(this.#end);
  }

  onReceived(bytes: number): void {
    this.#end += bytes;
    this.#owner.onHeard();
    this.#take();
  }

  onEnded(error: unknown): void {
    this.#fail(error);
  }

  onWritten(bytes: number): void {
    this.#unwritten -= bytes;
    if (this.#unwritten > 0) return;
    this.#isWriting = false;
    this.#write();
  }

  onWriteFailed(error: unknown): void {
    this.#fail(error);
  }

  /** The bytes of the frame at the start of the input; 0 if they are not known yet. */
  #frameBytes(): number {
    const at = this.#start;
    if (this.#end - at < FRAME_HEAD_BYTES) return 0;
    const bytes = 4 + new DataView(this.#input.buffer).getUint32(at);
    if (bytes < FRAME_HEAD_BYTES || bytes > FRAME_BYTES_MAX) {
      throw new FrameError(`A frame of ${bytes} bytes`);
    }
    return bytes;
  }

  /** Has every complete frame handled. */
  #take(): void {
    if (this.#isHandling) return;
    try {
      for (;;) {
        if (this.#isEnded) return;
        const bytes = this.#frameBytes();
        if (bytes === 0 || this.#end - this.#start < bytes) return;
        const kind = this.#input[this.#start + 4]!;
        const body = this.#input.subarray(this.#start + FRAME_HEAD_BYTES, this.#start + bytes);
        const wait = this.#owner.onFrame(kind, new FrameReader(body));
        if (wait !== null) return this.#wait(wait, bytes);
        this.#start += bytes;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #wait(wait: PromiseLike<void>, bytes: number): void {
    this.#isHandling = true;
    this.#pipe.pause();
    wait.then(() => {
      this.#isHandling = false;
      this.#start += bytes;
      if (this.#isEnded) return;
      this.#take();
      if (!this.#isHandling && !this.#isEnded) this.#pipe.resume();
    }, (error) => this.#fail(error));
  }

  /** Writes frames, one after the other, until the pipe takes no more at once. */
  #write(): void {
    try {
      while (!this.#isWriting && !this.#isEnded) {
        const frame = this.#next();
        if (frame === null) return;
        this.#isWriting = true;
        this.#unwritten = frame.length;
        this.#unwritten -= this.#pipe.write(frame as Uint8Array<ArrayBuffer>);
        if (this.#unwritten === 0) this.#isWriting = false;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #next(): Uint8Array | null {
    for (const source of this.#sources) {
      const frame = source.next();
      if (frame !== null) return frame;
    }
    return null;
  }

  #fail(error: unknown): void {
    if (this.#isEnded) return;
    this.close();
    this.#owner.onEnded(error);
  }
}
