/** A message of a stream as bytes. */

/** The size of a record without its topic, publisher, properties, expiry and payload, in bytes. */
export const RECORD_HEAD_BYTES = 22;

/** Where the sequence of a record is, minus that of its chunk: four bytes, little-endian. */
export const DELTA = 4;

const TIME = 8;
const FLAGS = 14;
const TOPIC_LENGTH = 15;
const PUBLISHER_LENGTH = 17;
const PROPERTIES_LENGTH = 18;
const EXPIRY_BYTES = 4;
const QOS = 0x03;
const RETAIN = 0x04;
const EXPIRES = 0x08;
const REVOKED = 0x80;
/** A client identifier with more bytes is not stored with its messages. */
const PUBLISHER_BYTES_MAX = 255;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A message as it is appended. Its bytes are copied. */
export interface StreamInput {
  /** The topic name in UTF-8. */
  readonly topic: Uint8Array;
  /** Holds the properties and the payload, in this order. */
  readonly buffer: Uint8Array;
  /** The start of the properties in MQTT 5 encoding, without their length. */
  readonly propertiesStart: number;
  /** The end of the properties. */
  readonly propertiesEnd: number;
  /** The start of the payload. */
  readonly payloadStart: number;
  /** The end of the payload. */
  readonly payloadEnd: number;
  /** The QoS as published. */
  readonly qos: number;
  /** The RETAIN flag as published. */
  readonly retain: boolean;
  /** The Message Expiry Interval, in seconds from its time on; -1 for none. */
  readonly expirySeconds: number;
  /** The client identifier of its publisher; `null` for none. */
  readonly publisher: string | null;
  /** Whether its publisher was told that the message is not stored. Then no reader may get it. */
  readonly isRevoked: boolean;
}

/*
 * The fields of a record: its length (4 bytes), its sequence minus that of its chunk (4), its time
 * (6), flags (1), the lengths of the topic (2), the publisher (1) and the properties (4), the
 * topic, the publisher, the properties, the expiry interval (4, only if the message expires), the
 * payload. Numbers are little-endian.
 */

/** The size of the record of a message, in bytes. */
export function recordBytes(input: StreamInput): number {
  return RECORD_HEAD_BYTES + input.topic.length + publisherOf(input.publisher).length +
    (input.propertiesEnd - input.propertiesStart) + (input.expirySeconds < 0 ? 0 : EXPIRY_BYTES) +
    (input.payloadEnd - input.payloadStart);
}

/**
 * Writes a record at `at`, where there must be room for it.
 *
 * @param length Its {@linkcode recordBytes}.
 */
export function writeRecord(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  length: number,
  delta: number,
  timeMs: number,
  input: StreamInput,
): void {
  const { topic, buffer, propertiesStart, propertiesEnd, payloadStart, payloadEnd } = input;
  const { expirySeconds, publisher } = input;
  const publisherBytes = publisherOf(publisher);
  const publisherLength = publisherBytes.length;
  const propertiesLength = propertiesEnd - propertiesStart;
  view.setUint32(at, length, true);
  view.setUint32(at + DELTA, delta, true);
  view.setUint32(at + TIME, timeMs % 2 ** 32, true);
  view.setUint16(at + TIME + 4, Math.floor(timeMs / 2 ** 32), true);
  bytes[at + FLAGS] = input.qos | (input.retain ? RETAIN : 0) | (expirySeconds < 0 ? 0 : EXPIRES) |
    (input.isRevoked ? REVOKED : 0);
  view.setUint16(at + TOPIC_LENGTH, topic.length, true);
  bytes[at + PUBLISHER_LENGTH] = publisherLength;
  view.setUint32(at + PROPERTIES_LENGTH, propertiesLength, true);
  let to = at + RECORD_HEAD_BYTES;
  copy(topic, 0, topic.length, bytes, to);
  to += topic.length;
  copy(publisherBytes, 0, publisherLength, bytes, to);
  to += publisherLength;
  if (propertiesLength > 0) bytes.set(buffer.subarray(propertiesStart, propertiesEnd), to);
  to += propertiesLength;
  if (expirySeconds >= 0) {
    view.setUint32(to, expirySeconds, true);
    to += EXPIRY_BYTES;
  }
  copy(buffer, payloadStart, payloadEnd, bytes, to);
}

/** The bytes in front of the payload of the last {@linkcode recordHead}. */
let headBytes = new Uint8Array(256);
let headView = new DataView(headBytes.buffer);

/**
 * The bytes that are the same in the records of many messages, up to the payload. The length and
 * the sequence, its first 8 bytes, are still to be set.
 *
 * @param input One of the messages, without its payload.
 * @returns Borrowed until the next call.
 */
export function recordHead(input: StreamInput, timeMs: number): Uint8Array {
  const length = recordBytes(input);
  if (length > headBytes.length) {
    headBytes = new Uint8Array(2 * length);
    headView = new DataView(headBytes.buffer);
  }
  writeRecord(headView, headBytes, 0, length, 0, timeMs, input);
  return headBytes.subarray(0, length);
}

/** Marks a record as one that no reader may get. */
export function revokeRecord(bytes: Uint8Array, at: number): void {
  bytes[at + FLAGS]! |= REVOKED;
}

/** The length of the record at `at`, in bytes. */
export function lengthOf(view: DataView, at: number): number {
  return view.getUint32(at, true);
}

/** The sequence of the record at `at`, minus that of its chunk. */
export function deltaOf(view: DataView, at: number): number {
  return view.getUint32(at + DELTA, true);
}

/** When the message of the record at `at` arrived, in milliseconds since 1970. */
export function timeOf(view: DataView, at: number): number {
  return view.getUint32(at + TIME, true) + view.getUint16(at + TIME + 4, true) * 2 ** 32;
}

const NO_BYTES = new Uint8Array(0);

/**
 * A record that was read, as offsets into the bytes of its chunk. One object serves many records.
 */
export class RecordView {
  /** The bytes of the chunk; borrowed. */
  bytes: Uint8Array = NO_BYTES;
  timeMs = 0;
  qos = 0;
  retain = false;
  isRevoked = false;
  topicStart = 0;
  topicEnd = 0;
  publisherEnd = 0;
  propertiesStart = 0;
  propertiesEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;
  /** The Message Expiry Interval, in seconds from its time on; -1 for none. */
  expirySeconds = -1;

  /** Reads the record at `at`. */
  read(view: DataView, bytes: Uint8Array, at: number): void {
    const flags = bytes[at + FLAGS]!;
    this.bytes = bytes;
    this.timeMs = timeOf(view, at);
    this.qos = flags & QOS;
    this.retain = (flags & RETAIN) !== 0;
    this.isRevoked = (flags & REVOKED) !== 0;
    this.topicStart = at + RECORD_HEAD_BYTES;
    this.topicEnd = this.topicStart + view.getUint16(at + TOPIC_LENGTH, true);
    this.propertiesStart = this.publisherEnd = this.topicEnd + bytes[at + PUBLISHER_LENGTH]!;
    this.propertiesEnd = this.propertiesStart + view.getUint32(at + PROPERTIES_LENGTH, true);
    const expires = (flags & EXPIRES) !== 0;
    this.expirySeconds = expires ? view.getUint32(this.propertiesEnd, true) : -1;
    this.payloadStart = this.propertiesEnd + (expires ? EXPIRY_BYTES : 0);
    this.payloadEnd = at + lengthOf(view, at);
  }

  /** Borrows the chunk no longer. */
  letGo(): void {
    this.bytes = NO_BYTES;
  }

  /** The client identifier of the publisher; `null` if it was not stored. */
  get publisher(): string | null {
    if (this.publisherEnd === this.topicEnd) return null;
    return decoder.decode(this.bytes.subarray(this.topicEnd, this.publisherEnd));
  }
}

/** The last publisher, and its client identifier in UTF-8: the next message is often its own. */
let lastPublisher: string | null = null;
let lastBytes: Uint8Array = new Uint8Array(0);

/** The client identifier of a publisher in UTF-8, as far as it is kept. */
function publisherOf(publisher: string | null): Uint8Array {
  if (publisher === lastPublisher) return lastBytes;
  lastPublisher = publisher;
  const bytes = encoder.encode(publisher ?? "");
  return lastBytes = bytes.length > PUBLISHER_BYTES_MAX ? bytes.subarray(0, 0) : bytes;
}

/** Copies bytes. A loop is faster for short payloads, because a view costs more than the copy. */
export function copy(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
): void {
  if (end - start > 64) to.set(from.subarray(start, end), at);
  else for (let i = start; i < end; i++) to[at++] = from[i]!;
}
