import type { ForwardSource, Properties, QoS } from "../../codec/mod.ts";
import { encodeProperties } from "./message_properties.ts";
import type { Origin } from "./origin.ts";

/**
 * What a message costs in memory beside its bytes and its topic, in bytes: 340 to 360, measured
 * with 20,000 of them in a backlog (Deno 2.9.6, 64 bits).
 */
const OVERHEAD_BYTES = 350;

/** Bytes of messages kept so far, by all brokers of the process. */
let kept = 0;

/** How many bytes of messages were kept so far: what it has grown by is an upper bound of what came. */
export function bytesKept(): number {
  return kept;
}

/** Where a message is stored: known in full to the store alone. */
export interface StoredPlace {
  /** Whether its publisher was told that it is not stored, so that nobody must get it. */
  isRevoked: boolean;
}

/** What {@linkcode Message.of} makes a message of. */
export interface MessageParts {
  /** Where it goes: the topic, and the same in UTF-8. */
  readonly route: { readonly topic: string; readonly bytes: Uint8Array };
  /** The payload; copied. */
  readonly payload: Uint8Array;
  /** Properties that are forwarded to the subscribers. */
  readonly properties: Properties;
  /** As published. */
  readonly qos: QoS;
  /** The RETAIN flag as published. */
  readonly retain: boolean;
  /** When it is published, of the broker's clock, in milliseconds. */
  readonly nowMs: number;
  /** Where it comes from. */
  readonly origin: Origin;
}

/**
 * A message on its way. Its bytes are borrowed from the buffer they arrived in
 * until somebody has to {@linkcode keep} it beyond the turn.
 */
export class Message implements ForwardSource {
  /** When it expires, of the clock; `Infinity` for never. */
  readonly deadlineMs: number;
  /** Where it is stored, or will be; `null` while nobody needs it to survive. */
  place: StoredPlace | null = null;
  /** By which walk over the memory it was counted last. */
  countedBy = 0;
  #owned = false;

  /**
   * @param name The topic.
   * @param topic The same in UTF-8; never changes.
   * @param buffer Holds the properties and the payload, in this order.
   * @param propertiesStart Where the properties that are forwarded begin.
   * @param propertiesEnd Where they end; equal when there are none.
   * @param payloadStart Where the payload begins.
   * @param payloadEnd Where it ends.
   * @param qos As published.
   * @param retain The RETAIN flag as published.
   * @param expirySeconds How long it is worth delivering, from `receivedMs` on; -1 for ever.
   * @param receivedMs When it was published, of the clock; only needed if it expires.
   * @param origin Where it comes from; shared by all that comes from there.
   */
  constructor(
    readonly name: string,
    readonly topic: Uint8Array,
    public buffer: Uint8Array,
    public propertiesStart: number,
    public propertiesEnd: number,
    public payloadStart: number,
    public payloadEnd: number,
    readonly qos: QoS,
    readonly retain: boolean,
    readonly expirySeconds: number,
    receivedMs: number,
    readonly origin: Origin,
  ) {
    this.deadlineMs = expirySeconds < 0 ? Infinity : receivedMs + expirySeconds * 1000;
  }

  /** Makes a message that was not read from a packet; it has bytes of its own. */
  static of(parts: MessageParts): Message {
    const { route, payload, properties, qos, retain, nowMs, origin } = parts;
    const head = encodeProperties(properties);
    const bytes = new Uint8Array(head.length + payload.length);
    bytes.set(head);
    bytes.set(payload, head.length);
    return new Message(
      route.topic,
      route.bytes,
      bytes,
      0,
      head.length,
      head.length,
      bytes.length,
      qos,
      retain,
      properties.messageExpiryInterval ?? -1,
      nowMs,
      origin,
    );
  }

  /** What it costs in memory, in bytes; the topic is there as bytes and as a text. */
  get weight(): number {
    return this.payloadEnd - this.propertiesStart + 2 * this.topic.length + OVERHEAD_BYTES;
  }

  /** The size of the payload, in bytes. */
  get payloadBytes(): number {
    return this.payloadEnd - this.payloadStart;
  }

  /** The payload; borrowed like the message itself. */
  get payload(): Uint8Array {
    return this.buffer.subarray(this.payloadStart, this.payloadEnd);
  }

  /** Copies the bytes, once, so that the message outlives the buffer it came in. */
  keep(): this {
    if (this.#owned) return this;
    this.#owned = true;
    kept += this.weight;
    const start = this.propertiesStart;
    this.buffer = this.buffer.slice(start, this.payloadEnd);
    this.propertiesStart = 0;
    this.propertiesEnd -= start;
    this.payloadStart -= start;
    this.payloadEnd -= start;
    return this;
  }

  /** Seconds left until it expires, rounded up; -1 if it never does [MQTT-3.3.2-6]. */
  secondsLeft(nowMs: number): number {
    if (this.expirySeconds < 0) return -1;
    return Math.max(0, Math.ceil((this.deadlineMs - nowMs) / 1000));
  }
}
