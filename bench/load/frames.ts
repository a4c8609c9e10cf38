/**
 * PUBLISH frames, created once and patched. A batch of them is one write.
 *
 * @module
 */
import { encodePacket, FixedHeader, frameSize } from "../../codec/mod.ts";
import type { Target, Traffic } from "./target.ts";

/** Offsets of the parts of a payload: stream, sequence number, time of sending. */
const SEQUENCE_AT = 4;
const TIME_AT = 8;
/** The approximate size of a batch, in bytes; at least one frame. */
const BATCH_BYTES = 64 * 1024;
/** The maximum number of frames in a batch: other connections need to write, too. */
const BATCH_FRAMES_MAX = 1024;
/** Digits of the number in a topic; see {@linkcode numbered}. */
const DIGITS = 7;

/** A number in the format of a topic. */
export function numbered(number: number): string {
  return String(number).padStart(DIGITS, "0");
}

/** The contents of a {@linkcode FrameBatch}. */
export interface BatchOptions {
  readonly target: Target;
  readonly traffic: Traffic;
  readonly topic: string;
  /** The stream of the payloads. */
  readonly stream: number;
  readonly retain?: boolean;
  /** The maximum number of frames in a batch. */
  readonly framesMax?: number;
  /** Chooses the number at the end of the topic, which must end with seven zeros. */
  readonly numberOf?: (sequence: number) => number;
}

/** As many copies of a PUBLISH as fit into one write. */
export class FrameBatch {
  /** The maximum number of frames of one {@linkcode fill}. */
  readonly frames: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #frameBytes: number;
  readonly #idAt: number;
  readonly #payloadAt: number;
  readonly #numberAt: number;
  readonly #numberOf: ((sequence: number) => number) | null;

  /** Creates the frames. */
  constructor(options: BatchOptions) {
    const { target, traffic, topic } = options;
    const frame = encodePublish(options);
    this.#frameBytes = frame.length;
    const fitting = Math.max(1, Math.floor(BATCH_BYTES / frame.length));
    this.frames = Math.min(fitting, BATCH_FRAMES_MAX, options.framesMax ?? Infinity);
    this.#bytes = new Uint8Array(frame.length * this.frames);
    for (let i = 0; i < this.frames; i++) this.#bytes.set(frame, i * frame.length);
    this.#view = new DataView(this.#bytes.buffer);
    const topicEnd = headerBytes(frame) + 2 + new TextEncoder().encode(topic).length;
    this.#idAt = traffic.qos === 0 ? -1 : topicEnd;
    this.#payloadAt = topicEnd + (traffic.qos === 0 ? 0 : 2) + (target.protocol === 5 ? 1 : 0);
    this.#numberOf = options.numberOf ?? null;
    this.#numberAt = topicEnd - DIGITS;
  }

  /** The next `count` frames, numbered from `sequence`; valid until the next call. */
  fill(sequence: number, count: number, now: number): Uint8Array {
    const view = this.#view;
    for (let i = 0, at = 0; i < count; i++, at += this.#frameBytes) {
      if (this.#numberOf !== null) this.#writeNumber(at, this.#numberOf(sequence + i));
      if (this.#idAt >= 0) view.setUint16(at + this.#idAt, (sequence + i) % 65_535 + 1);
      view.setUint32(at + this.#payloadAt + SEQUENCE_AT, sequence + i);
      view.setFloat64(at + this.#payloadAt + TIME_AT, now);
    }
    return this.#bytes.subarray(0, count * this.#frameBytes);
  }

  #writeNumber(at: number, number: number): void {
    for (let i = at + this.#numberAt + DIGITS - 1; i >= at + this.#numberAt; i--) {
      this.#bytes[i] = 0x30 + number % 10;
      number = Math.floor(number / 10);
    }
  }
}

function encodePublish({ target, traffic, topic, stream, retain }: BatchOptions): Uint8Array {
  const payload = new Uint8Array(traffic.size).fill(0x2e);
  new DataView(payload.buffer).setUint32(0, stream);
  return encodePacket({
    type: "publish",
    dup: false,
    qos: traffic.qos,
    retain: retain ?? false,
    topic,
    packetId: traffic.qos === 0 ? 0 : 1,
    properties: {},
    payload,
  }, target.protocol);
}

function headerBytes(frame: Uint8Array): number {
  const header = new FixedHeader();
  header.read(frame, 0, frame.length);
  return header.bodyStart;
}

/** The size of a PUBLISH to a topic of usual length, in bytes. */
export function publishBytes(traffic: Traffic): number {
  return frameSize(traffic.size + 64);
}

/** The parts of a received PUBLISH that a generator needs. */
export class Arrival {
  stream = 0;
  sequence = 0;
  sentAt = 0;
  qos = 0;
  packetId = 0;
  readonly #scratch = new DataView(new ArrayBuffer(8));

  /** Reads a PUBLISH, without its properties. */
  read(protocol: number, buffer: Uint8Array, { first, bodyStart, end }: FixedHeader): void {
    this.qos = first >> 1 & 0b11;
    let at = bodyStart + 2 + (buffer[bodyStart]! << 8 | buffer[bodyStart + 1]!);
    if (this.qos > 0) {
      this.packetId = buffer[at]! << 8 | buffer[at + 1]!;
      at += 2;
    }
    if (protocol === 5) at = afterProperties(buffer, at);
    if (end - at < 16) throw new Error("A message is shorter than any that was sent");
    this.stream = uint32(buffer, at);
    this.sequence = uint32(buffer, at + SEQUENCE_AT);
    const scratch = this.#scratch;
    scratch.setUint32(0, uint32(buffer, at + TIME_AT));
    scratch.setUint32(4, uint32(buffer, at + TIME_AT + 4));
    this.sentAt = scratch.getFloat64(0);
  }
}

function afterProperties(buffer: Uint8Array, at: number): number {
  let length = 0;
  for (let shift = 0;; shift += 7) {
    const byte = buffer[at++]!;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return at + length;
  }
}

function uint32(buffer: Uint8Array, at: number): number {
  return (buffer[at]! << 24 | buffer[at + 1]! << 16 | buffer[at + 2]! << 8 | buffer[at + 3]!) >>> 0;
}
