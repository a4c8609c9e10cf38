/** Plain QoS 0 frames to one topic, published together without decoding. */
import type { Route } from "../../router/route_cache.ts";
import { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";
import type { Receiver } from "./subscriber.ts";

/** Takes whole frames, and copies them. */
export interface FrameSink {
  /** Appends the frames in `bytes[start, end)`. */
  append(bytes: Uint8Array, start: number, end: number, frames: number): void;
}

/** Payloads up to this size are copied byte by byte, which is faster than a call for so few. */
const COPIED_BYTES_MAX = 64;

/**
 * Holds the last batch that was converted. All batches share it, because each is used up before the
 * next one begins.
 */
let scratch: Uint8Array<ArrayBuffer> = new Uint8Array(0);

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
  #converted: Uint8Array | null = null;

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
    this.#converted = null;
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

  /** Adds frames up to `end` that were counted before. */
  addAll(
    counts: Pick<PublishBatch, "frames" | "frameBytesMax" | "headerBytes">,
    end: number,
  ): void {
    this.end = end;
    this.frames = counts.frames;
    this.frameBytesMax = counts.frameBytesMax;
    this.headerBytes = counts.headerBytes;
  }

  /** The bytes of their payloads. */
  get payloadBytes(): number {
    const headBytes = 2 + this.route.byteLength + (this.v5 ? 1 : 0);
    return this.end - this.start - this.headerBytes - this.frames * headBytes;
  }

  /**
   * Appends the frames to a log or an outbox, in the format of MQTT 5 or of the other versions.
   *
   * @returns False if a frame may be larger there than `packetBytesMax`. Then it has appended none.
   */
  appendTo(sink: FrameSink, v5: boolean, packetBytesMax: number): boolean {
    if (v5 === this.v5) {
      if (this.frameBytesMax > packetBytesMax) return false;
      sink.append(this.buffer, this.start, this.end, this.frames);
      return true;
    }
    // A conversion adds the property length, and maybe a byte to the Remaining Length.
    if (this.frameBytesMax + 2 > packetBytesMax) return false;
    const frames = this.converted();
    sink.append(frames, 0, frames.length, this.frames);
    return true;
  }

  /**
   * The frames in the other format: that of MQTT 5 if they are older ones, and the other way round.
   * Made once, and borrowed until the next batch begins.
   */
  converted(): Uint8Array {
    return this.#converted ??= this.#convert();
  }

  /** The frames as messages, for subscribers that cannot receive the same bytes; created once. */
  messages(): readonly Message[] {
    return this.#messages ??= this.#split();
  }

  #convert(): Uint8Array {
    const { buffer, v5 } = this;
    const topicBytes = 2 + this.route.byteLength;
    const size = this.end - this.start + 2 * this.frames;
    if (size > scratch.length) scratch = new Uint8Array(2 * size);
    const target = scratch;
    let to = 0;
    for (let at = this.start; at < this.end;) {
      target[to++] = buffer[at++]!;
      let length = 0;
      for (let shift = 0;; shift += 7) {
        const byte = buffer[at++]!;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      const end = at + length;
      let left = v5 ? length - 1 : length + 1;
      for (; left >= 0x80; left >>>= 7) target[to++] = left & 0x7f | 0x80;
      target[to++] = left;
      for (const payload = at + topicBytes; at < payload;) target[to++] = buffer[at++]!;
      // The property length: there are no properties.
      if (v5) at++;
      else target[to++] = 0;
      if (end - at > COPIED_BYTES_MAX) {
        target.set(buffer.subarray(at, end), to);
        to += end - at;
        at = end;
      } else while (at < end) target[to++] = buffer[at++]!;
    }
    return target.subarray(0, to);
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
