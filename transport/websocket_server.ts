/** The server's end of a WebSocket connection. */
import { AddressList, hostOf } from "./cidr.ts";
import type { Opening } from "./opening.ts";
import type { Pipe, PipeReceiver } from "./pipe.ts";
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
import {
  answerHandshake,
  forwardedFor,
  refusal,
  type WebSocketOptions,
} from "./websocket_handshake.ts";
import { WebSocketPipe } from "./websocket_pipe.ts";

/** The longest request that may open a WebSocket, in bytes. */
const REQUEST_BYTES_MAX = 8192;
/** The longest payload of a frame. */
const FRAME_BYTES_MAX = 0xffff;
/** Up to this size, a payload is copied behind its header and written with it. */
const COPY_BYTES_MAX = 4096;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * The step that opens the WebSocket of connections to a listener.
 *
 * @param idlingOf Returns, for the address of a client, a function that is called for each frame
 * without data. If it returns false, the connection is closed with 1008. It is called when the
 * first such frame arrives.
 * @throws {TypeError} If the address of a proxy is not valid.
 */
export function webSocketOpening(
  options: WebSocketOptions,
  idlingOf: (address: string) => () => boolean = () => () => true,
): Opening {
  const proxies = new AddressList(options.forwardedFor ?? []);
  return async (pipe, peer) => {
    let mayIdle: (() => boolean) | null = null;
    let { address } = peer;
    const transport = new WebSocketServerTransport(
      pipe,
      options,
      () => (mayIdle ??= idlingOf(address))(),
    );
    const headers = await transport.open();
    if (headers === null) throw new Error("The client has left before it asked for a WebSocket");
    address = forwardedFor(headers, hostOf(peer.address), proxies) ?? address;
    return { transport, peer: address === peer.address ? peer : { ...peer, address } };
  };
}

/**
 * The server's end of a WebSocket, over any byte pipe. It reads when the broker reads and writes
 * when it writes, so backpressure works as over the pipe itself. The runtime's own WebSockets are
 * not used, because `Deno.upgradeWebSocket` buffers without a limit in both directions,
 * `Deno.serve` ends for good when file descriptors run out, and its shutdown breaks open
 * WebSockets.
 *
 * It must be opened before it is used. If it is not open, the first read opens it. The caller must
 * limit the time.
 */
export class WebSocketServerTransport implements Transport {
  readonly #pipe: Transport;
  readonly #options: WebSocketOptions;
  readonly #frames: FrameReader;
  readonly #mayIdle: (() => boolean) | undefined;
  #isOpen = false;
  /** Whether the peer has sent a close frame. */
  #isEnded = false;
  /** Whether a close frame was sent. Nothing may follow it. */
  #isFinished = false;
  /** How many writes are in progress. Frames are written one after the other. */
  #writes = 0;
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** The payload of the ping that the waiting pong answers. */
  #ping: Uint8Array | null = null;

  /**
   * Makes the server's end over a byte pipe.
   *
   * @param mayIdle Called for each frame without data. If it returns false, the WebSocket is
   * closed.
   */
  constructor(pipe: Transport, options: WebSocketOptions = {}, mayIdle?: () => boolean) {
    this.#pipe = pipe;
    this.#options = options;
    this.#mayIdle = mayIdle;
    this.#frames = new FrameReader((frame) => this.#control(frame), mayIdle);
  }

  /**
   * Reads the request and answers it.
   *
   * @returns The headers of the request, by name in lower case; `null` if the peer closed before.
   * @throws If it was refused.
   */
  async open(): Promise<ReadonlyMap<string, string> | null> {
    const head = await this.#readHead();
    if (head === null) return null;
    const { isAccepted, response, headers } = head === ""
      ? refusal("400 Bad Request", "Not a request for a WebSocket")
      : await answerHandshake(head, this.#options);
    await this.#writeAll(encoder.encode(response));
    if (!isAccepted) {
      throw new Error(`No WebSocket: ${response.slice(9, response.indexOf("\r\n"))}`);
    }
    this.#isOpen = true;
    return headers;
  }

  /**
   * The WebSocket as a pipe, once it is open. Its client has sent no frame before.
   *
   * @throws {Error} If it is not open.
   */
  pipe(receiver: PipeReceiver): Pipe {
    if (!this.#isOpen) throw new Error("Cannot make a pipe of a WebSocket that is not open");
    return new WebSocketPipe(this.#pipe, receiver, this.#mayIdle);
  }

  /** Reads what has arrived, without its frames [MQTT-6.0.0-2]. */
  async read(target: Uint8Array): Promise<number | null> {
    if (!this.#isOpen && await this.open() === null) return null;
    while (!this.#isEnded) {
      const count = await this.#pipe.read(target);
      if (count === null) return null;
      try {
        // Data before the end are still returned.
        const filled = this.#frames.take(target.subarray(0, count));
        if (filled > 0) return filled;
      } catch (error) {
        if (error instanceof WebSocketError) await this.#finish(error.code);
        throw error;
      }
    }
    await this.#finish(CloseCode.normal);
    return null;
  }

  /** Writes a binary frame with as much as it holds. */
  write(source: Uint8Array): Promise<number> {
    const payload = source.subarray(0, FRAME_BYTES_MAX);
    return this.#inTurn(async () => {
      await this.#frame(Opcode.binary, payload);
      return payload.length;
    });
  }

  /** Says that no more will be written. */
  async closeWrite(): Promise<void> {
    if (this.#isOpen) await this.#inTurn(() => this.#sendClose(CloseCode.normal));
    await this.#pipe.closeWrite?.();
  }

  /** Closes at once. It sends a close frame if it does not have to wait. */
  close(): void {
    this.#finish(CloseCode.normal);
    this.#pipe.close();
  }

  /**
   * The request, without the empty line at its end; empty if it is not a request, `null` if the
   * peer closed.
   */
  async #readHead(): Promise<string | null> {
    const bytes = new Uint8Array(REQUEST_BYTES_MAX);
    for (let filled = 0; filled < bytes.length;) {
      const count = await this.#pipe.read(bytes.subarray(filled));
      if (count === null) return null;
      filled += count;
      const text = decoder.decode(bytes.subarray(0, filled));
      const end = text.indexOf("\r\n\r\n");
      // A client waits for the answer before it sends frames.
      if (end >= 0) return end + 4 === text.length ? text.slice(0, end) : "";
      // A client of another protocol is refused at once.
      if (!text.startsWith("GET ".slice(0, text.length))) return "";
    }
    return "";
  }

  #control({ opcode, payload }: ControlFrame): void {
    if (opcode === Opcode.close) this.#isEnded = true;
    else if (opcode === Opcode.ping) this.#pong(payload);
  }

  /** Answers the latest ping. At most one pong waits. */
  #pong(payload: Uint8Array): void {
    const isWaiting = this.#ping !== null;
    this.#ping = payload;
    if (isWaiting) return;
    this.#inTurn(async () => {
      const ping = this.#ping!;
      this.#ping = null;
      await this.#frame(Opcode.pong, ping);
    }).catch(() => {
      // The pipe has broken. The pending read reports it.
    });
  }

  /** Sends a close frame, unless that would have to wait for the peer. */
  async #finish(code: number): Promise<void> {
    if (!this.#isOpen || this.#writes > 0) return;
    try {
      await this.#sendClose(code);
    } catch {
      // The peer has already disconnected.
    }
  }

  async #sendClose(code: number): Promise<void> {
    if (this.#isFinished) return;
    this.#isFinished = true;
    await this.#writeAll(closeFrame(code));
  }

  /** Does a write after the earlier ones. */
  async #inTurn<T>(write: () => Promise<T>): Promise<T> {
    this.#writes++;
    const turn = this.#writes === 1 ? write() : this.#lastWrite.then(write);
    this.#lastWrite = turn.catch(() => {
      // The caller of this write receives the error. The next write fails by itself.
    });
    try {
      return await turn;
    } finally {
      this.#writes--;
    }
  }

  async #frame(opcode: number, payload: Uint8Array): Promise<void> {
    if (this.#isFinished) throw new Error("The WebSocket is closed");
    const header = frameHeader(opcode, payload.length);
    if (payload.length > COPY_BYTES_MAX) {
      await this.#writeAll(header);
      return await this.#writeAll(payload);
    }
    const frame = new Uint8Array(header.length + payload.length);
    frame.set(header);
    frame.set(payload, header.length);
    await this.#writeAll(frame);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#pipe.write(bytes.subarray(at));
  }
}
