/** A run of QoS 0 frames on its way to another node: it crosses as it came, with a head. */
import { FixedHeader, frameSize, MalformedPacketError, writeFixedHeader } from "../../codec/mod.ts";
import { copyBytes } from "../../log/byte_log.ts";
import type { Outbox } from "./outbox.ts";
import type { PublishBatch } from "./publish_batch.ts";

/**
 * The first byte of a run of frames of 3.1.1: that of a PUBLISH with QoS 3, which no client may send
 * [MQTT-3.3.1-4]. The one of a run of MQTT 5 has the lowest bit set, too.
 */
const RUN = 0x36;
/** The integers of the head: how many frames there are, the size of the largest, header bytes. */
const HEAD_BYTES = 12;

/** What the head of a run tells, and where its frames are. */
export class NodeRunView {
  v5 = false;
  frames = 0;
  frameBytesMax = 0;
  headerBytes = 0;
  /** The start of the first frame. */
  start = 0;
  /** The topic of all frames, in UTF-8. */
  topicStart = 0;
  topicEnd = 0;
  readonly #header = new FixedHeader();

  /**
   * Reads the run whose body is `bytes[start, end)`.
   *
   * @param first The first byte of its header.
   * @throws {MalformedPacketError} If its first frame is not whole.
   */
  read(first: number, bytes: Uint8Array, start: number, end: number): void {
    const header = this.#header;
    this.v5 = (first & 1) === 1;
    this.start = start + HEAD_BYTES;
    if (this.start >= end || !header.read(bytes, this.start, end) || header.end > end) {
      throw new MalformedPacketError("A run without a frame", 0, "MQTT-3.3.1-4");
    }
    this.frames = readUint32(bytes, start);
    this.frameBytesMax = readUint32(bytes, start + 4);
    this.headerBytes = readUint32(bytes, start + 8);
    const at = header.bodyStart;
    this.topicStart = at + 2;
    this.topicEnd = this.topicStart + (bytes[at]! << 8 | bytes[at + 1]!);
  }
}

/** Whether a packet of another node is a run of frames, by its first byte. */
export function isNodeRun(first: number): boolean {
  return (first & ~1) === RUN;
}

/**
 * Appends a run to the outbox of another node, as its frames came: nothing is converted, and the
 * other node need not find the frames again. It is skipped as a whole if that node lags.
 */
export function appendNodeRun(outbox: Outbox, run: PublishBatch): void {
  const { buffer: source, start, end, frames } = run;
  const body = HEAD_BYTES + end - start;
  const size = frameSize(body);
  const offset = outbox.reserve(size, false);
  const target = outbox.buffer;
  const at = writeFixedHeader(run.v5 ? RUN | 1 : RUN, body, target, offset);
  writeUint32(target, at, frames);
  writeUint32(target, at + 4, run.frameBytesMax);
  writeUint32(target, at + 8, run.headerBytes);
  copyBytes(source, start, end, target, at + HEAD_BYTES);
  outbox.commit(size, frames);
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
