/** A WebSocket of the runtime as a transport. */
import { ReadQueue } from "./read_queue.ts";
import type { Transport } from "./transport.ts";

/** The subprotocol of MQTT [MQTT-6.0.0-3]. */
export const MQTT_SUBPROTOCOL = "mqtt";
/**
 * The most bytes that may wait to be read. A WebSocket cannot be paused, so past this the
 * connection is closed.
 */
const UNREAD_BYTES_MAX = 32 * 1024 * 1024;
/** Bytes that the WebSocket may hold before a write waits. */
const UNSENT_BYTES_MAX = 256 * 1024;
/** How often a waiting write checks again, in milliseconds. There is no event for it. */
const LOOK_AGAIN_MS = 5;

/**
 * A WebSocket as a byte pipe: a message may hold a part of a packet, or several
 * [MQTT-6.0.0-2].
 */
export class WebSocketTransport implements Transport {
  readonly #socket: WebSocket;
  /** Messages that were received and not read. */
  readonly #unread = new ReadQueue();

  /** Takes over a WebSocket, open or not yet. */
  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#onData(data);
    socket.onclose = () => this.#unread.end(null);
    socket.onerror = (event) => {
      // Not every runtime has `ErrorEvent`.
      const message = "message" in event ? String(event.message) : "";
      this.#unread.end(new Error(message || "The WebSocket failed"));
    };
  }

  /** Opens a WebSocket for MQTT, and waits until it is. */
  static async open(url: string, signal: AbortSignal): Promise<WebSocketTransport> {
    const socket = new WebSocket(url, [MQTT_SUBPROTOCOL]);
    const transport = new WebSocketTransport(socket);
    const opened = Promise.withResolvers<void>();
    const abort = () => opened.reject(signal.reason);
    socket.onopen = () => opened.resolve();
    signal.addEventListener("abort", abort, { once: true });
    transport.#unread.wait().then(() => {
      opened.reject(transport.#unread.error ?? new Error("Closed"));
    });
    try {
      await opened.promise;
      if (socket.protocol !== MQTT_SUBPROTOCOL) throw new Error("The server does not speak MQTT");
    } catch (error) {
      socket.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
    return transport;
  }

  /** Reads bytes that have arrived. */
  read(target: Uint8Array): Promise<number | null> {
    return this.#unread.read(target);
  }

  /** Sends everything as one message, when less than the limit waits before it. */
  async write(source: Uint8Array): Promise<number> {
    while (this.#socket.bufferedAmount > UNSENT_BYTES_MAX && !this.#unread.isEnded) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    const { isEnded, error } = this.#unread;
    if (isEnded) throw error ?? new Error("The WebSocket is closed");
    this.#socket.send(source.slice());
    return source.length;
  }

  /**
   * Begins to close: earlier bytes are still sent, and reading ends when the peer has answered. A
   * process that calls `close()` and ends could lose bytes that were not sent yet.
   */
  closeWrite(): Promise<void> {
    this.#socket.close();
    return Promise.resolve();
  }

  /** Closes. Earlier bytes are still sent. */
  close(): void {
    this.#unread.end(new Error("The WebSocket is closed"));
    this.#socket.close();
  }

  #onData(data: unknown): void {
    // [MQTT-6.0.0-1].
    if (!(data instanceof ArrayBuffer)) return this.#refuse("A message that is not binary");
    if (this.#unread.bytes + data.byteLength > UNREAD_BYTES_MAX) {
      return this.#refuse("Too much that is not read");
    }
    this.#unread.push(new Uint8Array(data));
  }

  #refuse(message: string): void {
    this.#unread.end(new Error(message));
    this.#socket.close();
  }
}
