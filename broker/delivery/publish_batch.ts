/** Plain QoS 0 frames to one topic, published together without decoding. */
import type { Route } from "../../router/route_cache.ts";
import { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";
import type { Receiver } from "./subscriber.ts";

/**
 * Consecutive plain QoS 0 frames to one topic, without flags and properties. They need not be
 * decoded: a subscriber with the same protocol version receives the same bytes. The object is
 * reused; its bytes are borrowed like the buffer.
 */
export class PublishBatch {
  /** Holds the frames. */
  buffer: Uint8Array = new Uint8Array(0);
  /** The start of the first frame. */
  start = 0;
  /** The end of the last frame. */
  end = 0;
  /** The number of frames. */
  frames = 0;
  /** The size of the largest frame, in bytes. */
  frameBytesMax = 0;
  /** The bytes of their fixed headers. */
  headerBytes = 0;
  /** Whether they are MQTT 5 frames, which have a property length. */
  v5 = false;
  /** The route of the topic. */
  route!: Route<Receiver>;
  /** Where they come from. */
  origin: Origin = Origin.unknown;
  #messages: Message[] | null = null;

  /** Starts an empty batch at `start`. */
  begin(
    route: Route<Receiver>,
    origin: Origin,
    v5: boolean,
    buffer: Uint8Array,
    start: number,
  ): void {
    this.route = route;
    this.origin = origin;
    this.v5 = v5;
    this.buffer = buffer;
    this.start = this.end = start;
    this.frames = this.frameBytesMax = this.headerBytes = 0;
    this.#messages = null;
  }

  /** Adds the frame that ends at `end`. */
  add(end: number): void {
    const bytes = end - this.end;
    if (bytes > this.frameBytesMax) this.frameBytesMax = bytes;
    this.end = end;
    this.frames++;
    // The first byte, and a Remaining Length of 1 to 4 bytes.
    this.headerBytes += bytes < 130 ? 2 : bytes < 16_387 ? 3 : bytes < 2_097_156 ? 4 : 5;
  }

  /** The bytes of their payloads. */
  get payloadBytes(): number {
    const headBytes = 2 + this.route.byteLength + (this.v5 ? 1 : 0);
    return this.end - this.start - this.headerBytes - this.frames * headBytes;
  }

  /** The frames as messages, for subscribers that cannot receive the same bytes; created once. */
  messages(): readonly Message[] {
    return this.#messages ??= this.#split();
  }

  #split(): Message[] {
    const { buffer, route } = this;
    const messages: Message[] = [];
    for (let at = this.start; at < this.end;) {
      let body = at + 1;
      let length = 0;
      for (let shift = 0;; shift += 7) {
        const byte = buffer[body++]!;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      const end = body + length;
      const properties = body + 2 + route.bytes.length + (this.v5 ? 1 : 0);
      messages.push(
        new Message(
          route.topic,
          route.bytes,
          buffer,
          properties,
          properties,
          properties,
          end,
          0,
          false,
          -1,
          0,
          this.origin,
        ),
      );
      at = end;
    }
    return messages;
  }
}
