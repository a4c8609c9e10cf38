/** The client's end of a WebSocket, over any byte pipe. */
import type { Transport } from "./transport.ts";
import { MQTT_SUBPROTOCOL } from "./websocket.ts";
import {
  CloseCode,
  closePayload,
  type ControlFrame,
  FrameReader,
  maskedFrame,
  Opcode,
} from "./websocket_frame.ts";
import { acceptedKey, parseHeaders } from "./websocket_handshake.ts";

/** The longest answer to the request that opens a WebSocket, in bytes. */
const ANSWER_BYTES_MAX = 8192;
/** The longest payload of a frame that is sent, in bytes. */
const FRAME_BYTES_MAX = 0xffff;
/** Bytes of the key of a request. */
const KEY_BYTES = 16;
/** Bytes of a status line that an error repeats. */
const STATUS_CHARACTERS_MAX = 100;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** What a request for a WebSocket names. */
export interface WebSocketTarget {
  /** The host and port, as in a URL. */
  readonly host: string;
  /** The path, from its `/` on. */
  readonly path: string;
}

/**
 * The client's end of a WebSocket, over any byte pipe: with TLS and certificates of its own, through
 * a proxy, from a given address, none of which the runtime's own WebSocket takes. It reads when its
 * owner reads, so backpressure works as over the pipe itself.
 */
export class WebSocketClientTransport implements Transport {
  readonly #pipe: Transport;
  readonly #frames = new FrameReader((frame) => this.#onControl(frame), () => true, "server");
  /** What came behind the answer to the request, and was not read yet. */
  #rest: Uint8Array;
  /** Whether the server has sent a close frame. */
  #isEnded = false;
  /** Whether a close frame was sent. Nothing may follow it. */
  #isFinished = false;
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** The payload of the latest ping without an answer. At most one pong waits. */
  #ping: Uint8Array | null = null;

  private constructor(pipe: Transport, rest: Uint8Array) {
    this.#pipe = pipe;
    this.#rest = rest;
  }

  /**
   * Asks for a WebSocket for MQTT over a pipe (RFC 6455 §4.1). If it is refused, or `signal` aborts,
   * the pipe is closed.
   *
   * @throws The reason of `signal`, or an error with the status line of the server.
   */
  static async open(
    pipe: Transport,
    { host, path }: WebSocketTarget,
    signal: AbortSignal,
  ): Promise<WebSocketClientTransport> {
    const abort = () => pipe.close();
    signal.addEventListener("abort", abort, { once: true });
    try {
      signal.throwIfAborted();
      const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES)).toBase64();
      const request = `GET ${path === "" ? "/" : path} HTTP/1.1\r\nHost: ${host}\r\n` +
        "Upgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n` +
        // [MQTT-6.0.0-3]
        `Sec-WebSocket-Protocol: ${MQTT_SUBPROTOCOL}\r\n\r\n`;
      await writeAll(pipe, encoder.encode(request));
      const { head, rest } = await readHead(pipe);
      await checkAnswer(head, key);
      return new WebSocketClientTransport(pipe, rest);
    } catch (error) {
      if (!signal.aborted) pipe.close();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Reads what has arrived, without its frames [MQTT-6.0.0-2]. */
  async read(target: Uint8Array): Promise<number | null> {
    while (!this.#isEnded) {
      const count = await this.#readRaw(target);
      if (count === null) return null;
      const filled = this.#frames.take(target.subarray(0, count));
      if (filled > 0) return filled;
    }
    // The server waits for the answer to its close frame. If it does not, the next read fails.
    await this.#finish().catch(() => {});
    return null;
  }

  /** Writes a binary frame with as much as it holds [MQTT-6.0.0-1]. */
  write(source: Uint8Array): Promise<number> {
    const payload = source.subarray(0, FRAME_BYTES_MAX);
    return this.#inTurn(async () => {
      if (this.#isFinished) throw new Error("The WebSocket is closed");
      await this.#send(Opcode.binary, payload);
      return payload.length;
    });
  }

  /** Says that no more will be written. */
  async closeWrite(): Promise<void> {
    await this.#finish();
    await this.#pipe.closeWrite?.();
  }

  /** Closes both directions at once. */
  close(): void {
    this.#isFinished = true;
    this.#pipe.close();
  }

  async #readRaw(target: Uint8Array): Promise<number | null> {
    if (this.#rest.length === 0) return await this.#pipe.read(target);
    const part = this.#rest.subarray(0, target.length);
    this.#rest = this.#rest.subarray(part.length);
    target.set(part);
    return part.length;
  }

  #onControl({ opcode, payload }: ControlFrame): void {
    if (opcode === Opcode.close) this.#isEnded = true;
    else if (opcode === Opcode.ping) this.#pong(payload);
  }

  /** Answers the latest ping. */
  #pong(payload: Uint8Array): void {
    const isWaiting = this.#ping !== null;
    this.#ping = payload;
    if (isWaiting) return;
    this.#inTurn(async () => {
      const ping = this.#ping!;
      this.#ping = null;
      if (!this.#isFinished) await this.#send(Opcode.pong, ping);
    }).catch(() => {
      // The pipe has broken. The pending read reports it.
    });
  }

  /** Sends a close frame after what waits. */
  #finish(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isFinished) return;
      this.#isFinished = true;
      await this.#send(Opcode.close, closePayload(CloseCode.normal));
    });
  }

  /** Does a write after the earlier ones. */
  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.#lastWrite.then(write);
    // The caller of this write receives the error. The next write fails by itself.
    this.#lastWrite = turn.catch(() => {});
    return turn;
  }

  async #send(opcode: number, payload: Uint8Array): Promise<void> {
    const mask = crypto.getRandomValues(new Uint8Array(4));
    await writeAll(this.#pipe, maskedFrame(opcode, payload, mask));
  }
}

/** The lines of the answer, and the bytes behind it. */
async function readHead(pipe: Transport): Promise<{ head: string; rest: Uint8Array }> {
  const bytes = new Uint8Array(ANSWER_BYTES_MAX);
  for (let filled = 0; filled < bytes.length;) {
    const count = await pipe.read(bytes.subarray(filled));
    if (count === null) throw new Error("The server has closed instead of opening a WebSocket");
    filled += count;
    // One character for each byte, whatever the headers hold.
    const text = String.fromCharCode(...bytes.subarray(0, filled));
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const head = decoder.decode(bytes.subarray(0, end));
    return { head, rest: bytes.slice(end + 4, filled) };
  }
  throw new Error(`No WebSocket: the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
}

async function checkAnswer(head: string, key: string): Promise<void> {
  const [status, ...lines] = head.split("\r\n");
  if (!/^HTTP\/1\.1 101( |$)/.test(status!)) {
    throw new Error(`No WebSocket: ${status!.slice(0, STATUS_CHARACTERS_MAX)}`);
  }
  const headers = parseHeaders(lines);
  if (
    headers?.get("upgrade")?.toLowerCase() !== "websocket" ||
    headers.get("sec-websocket-accept") !== await acceptedKey(key)
  ) throw new Error("No WebSocket: the answer is not one to this request");
  if (headers.get("sec-websocket-protocol") !== MQTT_SUBPROTOCOL) {
    throw new Error("The server does not speak MQTT");
  }
}

async function writeAll(pipe: Transport, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await pipe.write(bytes.subarray(at));
}
