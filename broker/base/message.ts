/** A message on its way through the broker, as offsets into its bytes. */
import type { ForwardSource, Properties, QoS } from "../../codec/mod.ts";
import { copyBriefly } from "./brief_bytes.ts";
import { encodeProperties } from "./message_properties.ts";
import type { Origin } from "./origin.ts";

/**
 * Memory of a message without its bytes and its topic, in bytes: 340 to 360, measured with 20,000
 * messages in a backlog (Deno 2.9.6, 64 bits).
 */
const OVERHEAD_BYTES = 350;

/** Memory of a message with so many bytes of its topic, and of its properties and payload. */
export function messageBytes(topicBytes: number, bodyBytes: number): number {
  return bodyBytes + 2 * topicBytes + OVERHEAD_BYTES;
}

/**
 * Payloads from this size on are sent as they are, and not copied for each subscriber: of any
 * message, and of one that is kept, for which it costs no copy.
 */
const SHARED_BYTES_MIN = 1024 * 1024;
const SHARED_KEPT_BYTES_MIN = 64 * 1024;
/** The same of a message whose copies would have more than so many bytes together. */
const SHARED_WIDELY_BYTES_MIN = 16 * 1024;
const COPIES_BYTES_MAX = 4 * 1024 * 1024;

/** Bytes of memory that were kept for messages so far, by all brokers of the process. */
let kept = 0;

/**
 * How many bytes were kept so far, of messages and of what goes with them. Its growth is an upper
 * bound of what was added.
 */
export function bytesKept(): number {
  return kept;
}

/** Takes note that something was kept that the walk of the memory budget will find, in bytes. */
export function countKept(bytes: number): void {
  kept += bytes;
}

/** Where a message is stored. Only the durable room knows the rest of it. */
export interface StoredPlace {
  /**
   * Whether the publisher was told that the message is not stored, so that it must not be
   * delivered.
   */
  isRevoked: boolean;
}

/** A stream that stores a message, too. */
export interface MessageStream {
  /** The identifier of the stream in the store. */
  readonly streamId: number;
  /**
   * Refers to the message from a chunk of messages of sessions, in the commit that is being written.
   *
   * @returns The first sequence of the chunk that contains it; -1 if it cannot be referred to.
   */
  refer(seq: number, chunkId: number): number;
}

/** The parts of a message for {@linkcode Message.of}. */
export interface MessageParts {
  /** The topic, as a string and in UTF-8. */
  readonly route: { readonly topic: string; readonly bytes: Uint8Array };
  /** The payload; copied. */
  readonly payload: Uint8Array;
  /** Properties that are forwarded to the subscribers. */
  readonly properties: Properties;
  /** The QoS of the publication. */
  readonly qos: QoS;
  /** The RETAIN flag of the publication. */
  readonly retain: boolean;
  /** The time of publication, of the broker's clock, in milliseconds. */
  readonly nowMs: number;
  /** Where it comes from. */
  readonly origin: Origin;
}

/**
 * A published message. Its bytes are borrowed from the input buffer until {@linkcode keep} copies
 * them, which is necessary to use it after the turn.
 *
 * Some fields are public and mutable, because one message has many holders that share no table of
 * messages, and a table would cost a lookup for each delivery. The durable room sets `place`, the
 * responses set `isRevoked`, streams set `stream` and `streamSeq`, and the memory walk sets
 * `countedBy`.
 */
export class Message implements ForwardSource {
  /** When it was published, of the clock; `null` if it never expires. */
  readonly #receivedMs: number | null;
  /** Its place in the store; `null` while it does not have to be stored. */
  place: StoredPlace | null = null;
  /** Whether its publisher was told that it is not stored, so that no stream must have it. */
  isRevoked = false;
  /** A stream that has it, and its sequence there. */
  stream: MessageStream | null = null;
  streamSeq = 0;
  /** The number of the last memory walk that counted it. */
  countedBy = 0;
  #isOwned = false;
  #isShared = false;

  /**
   * @param name The topic.
   * @param topic The topic in UTF-8; never changes.
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
    // Most messages never expire. A deadline field would cost each of them an object.
    this.#receivedMs = expirySeconds < 0 ? null : receivedMs;
  }

  /** When it expires, of the clock; `Infinity` for never. */
  get deadlineMs(): number {
    return this.#receivedMs === null ? Infinity : this.#receivedMs + this.expirySeconds * 1000;
  }

  /** Creates a message that was not read from a packet; it owns its bytes. */
  static of({ properties, ...parts }: MessageParts): Message {
    const expirySeconds = properties.messageExpiryInterval ?? -1;
    return Message.withHead(encodeProperties(properties), expirySeconds, parts);
  }

  /**
   * Creates a message of encoded properties and a payload; it owns its bytes, which are copies.
   *
   * @param head The properties, as they stand in a PUBLISH of 5.0.
   * @param expirySeconds The Message Expiry Interval among them; -1 for none.
   */
  static withHead(
    head: Uint8Array,
    expirySeconds: number,
    { route, payload, qos, retain, nowMs, origin }: Omit<MessageParts, "properties">,
  ): Message {
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
      expirySeconds,
      nowMs,
      origin,
    );
  }

  /** The client identifier of its publisher; `null` if that is no client. */
  get publisher(): string | null {
    return this.origin.clientId;
  }

  /** Memory of the message, in bytes. It holds the topic as bytes and as a string. */
  get weight(): number {
    return messageBytes(this.topic.length, this.payloadEnd - this.propertiesStart);
  }

  /** The size of the payload, in bytes. */
  get payloadBytes(): number {
    return this.payloadEnd - this.payloadStart;
  }

  /** The payload; borrowed like the message itself. */
  get payload(): Uint8Array {
    return this.buffer.subarray(this.payloadStart, this.payloadEnd);
  }

  /** Takes the buffer, of which it is all, for its own: nobody else changes it. */
  own(): this {
    this.#isOwned = true;
    kept += this.weight;
    return this;
  }

  /** Copies the bytes, once, so that the message outlives the input buffer. */
  keep(): this {
    if (this.#isOwned) return this;
    this.#isOwned = true;
    kept += this.weight;
    const start = this.propertiesStart;
    this.buffer = this.buffer.slice(start, this.payloadEnd);
    this.propertiesStart = 0;
    this.propertiesEnd -= start;
    this.payloadStart -= start;
    this.payloadEnd -= start;
    return this;
  }

  /**
   * Copies the bytes as {@linkcode keep} does, for a holder that soon forgets the message. It holds
   * the bytes of a few other messages meanwhile.
   */
  keepBriefly(): this {
    if (this.#isOwned) return this;
    this.#isOwned = true;
    kept += this.weight;
    const { buffer, start } = copyBriefly(this.buffer, this.propertiesStart, this.payloadEnd);
    const shift = start - this.propertiesStart;
    this.buffer = buffer;
    this.propertiesStart = start;
    this.propertiesEnd += shift;
    this.payloadStart += shift;
    this.payloadEnd += shift;
    return this;
  }

  /** It is about to be encoded so many times. */
  encodeFor(subscribers: number): void {
    const { payloadBytes } = this;
    if (payloadBytes < SHARED_WIDELY_BYTES_MIN) return;
    if (payloadBytes * subscribers > COPIES_BYTES_MAX) this.#isShared = true;
  }

  /**
   * Whether the payload is sent to all subscribers as it is, and not copied for each of them: their
   * copies would be a long turn, and much memory.
   */
  get isShared(): boolean {
    const { payloadBytes } = this;
    return this.#isShared || payloadBytes >= SHARED_BYTES_MIN ||
      (this.#isOwned && payloadBytes >= SHARED_KEPT_BYTES_MIN);
  }

  /** Seconds until it expires, rounded up; -1 if it never does [MQTT-3.3.2-6]. */
  secondsLeft(nowMs: number): number {
    if (this.expirySeconds < 0) return -1;
    return Math.max(0, Math.ceil((this.deadlineMs - nowMs) / 1000));
  }
}
