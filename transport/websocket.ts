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
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #isEnded = false;
  #error: Error | null = null;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();

  /** Takes over a WebSocket, open or not yet. */
  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#arrived(data);
    socket.onclose = () => this.#end(null);
    socket.onerror = (event) => {
      // Not every runtime has `ErrorEvent`.
      const message = "message" in event ? String(event.message) : "";
      this.#end(new Error(message || "The WebSocket failed"));
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
    transport.#wake.promise.then(() => opened.reject(transport.#error ?? new Error("Closed")));
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
  async read(target: Uint8Array): Promise<number | null> {
    while (this.#unread.length === 0) {
      if (this.#error !== null) throw this.#error;
      if (this.#isEnded) return null;
      await this.#wake.promise;
    }
    const message = this.#unread[0]!;
    const count = Math.min(message.length, target.length);
    target.set(message.subarray(0, count));
    if (count < message.length) this.#unread[0] = message.subarray(count);
    else this.#unread.shift();
    this.#unreadBytes -= count;
    return count;
  }

  /** Sends everything as one message, when less than the limit waits before it. */
  async write(source: Uint8Array): Promise<number> {
    while (this.#socket.bufferedAmount > UNSENT_BYTES_MAX && !this.#isEnded) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    if (this.#isEnded) throw this.#error ?? new Error("The WebSocket is closed");
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
    this.#end(new Error("The WebSocket is closed"));
    this.#socket.close();
  }

  #arrived(data: unknown): void {
    // [MQTT-6.0.0-1].
    if (!(data instanceof ArrayBuffer)) return this.#refuse("A message that is not binary");
    if (data.byteLength === 0 || this.#isEnded) return;
    this.#unreadBytes += data.byteLength;
    if (this.#unreadBytes > UNREAD_BYTES_MAX) return this.#refuse("Too much that is not read");
    this.#unread.push(new Uint8Array(data));
    this.#notify();
  }

  #refuse(message: string): void {
    this.#end(new Error(message));
    this.#socket.close();
  }

  #end(error: Error | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    this.#notify();
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
