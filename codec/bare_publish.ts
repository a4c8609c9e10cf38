/**
 * Forwards a message to a subscriber that gets no properties with it: every one of 3.x, and most of
 * 5.0. It costs half as much as the general way of `forward.ts`.
 *
 * @module
 */
import { copyBytes, writeUint16 } from "./fields.ts";
import { frameSize, writeFixedHeader } from "./fixed_header.ts";
import type { ForwardSource } from "./forward.ts";
import type { ProtocolVersion, QoS } from "./protocol.ts";

/**
 * Counts the bytes of the whole packet that {@linkcode writeBarePublish} writes.
 *
 * @param topicSkip Bytes at the start of the topic that are not sent: the mount point.
 * @throws {RangeError} If it is larger than a packet can be.
 */
export function barePublishSize(
  source: ForwardSource,
  version: ProtocolVersion,
  qos: QoS,
  topicSkip: number,
): number {
  return frameSize(bodySize(source, version, qos, topicSkip));
}

/**
 * Writes a message without properties. The source is not checked again.
 *
 * @param flags DUP, QoS and RETAIN, as in the first byte [MQTT-3.3.1].
 * @param packetId The packet identifier; ignored with QoS 0.
 * @returns The offset after the packet.
 * @throws {RangeError} If `target` is too short, or the packet larger than a packet can be. Nothing
 * is written then.
 */
export function writeBarePublish(
  source: ForwardSource,
  version: ProtocolVersion,
  flags: number,
  packetId: number,
  topicSkip: number,
  target: Uint8Array,
  offset: number,
): number {
  offset = writeHead(source, version, flags, packetId, topicSkip, target, offset, 0);
  return copyBytes(source.buffer, source.payloadStart, source.payloadEnd, target, offset);
}

/**
 * Writes what precedes the payload of {@linkcode writeBarePublish}, with its Remaining Length. The
 * payload must follow in the same connection.
 *
 * @returns The offset after it.
 * @throws {RangeError} If `target` is too short, or the packet larger than a packet can be. Nothing
 * is written then.
 */
export function writeBareHead(
  source: ForwardSource,
  version: ProtocolVersion,
  flags: number,
  packetId: number,
  topicSkip: number,
  target: Uint8Array,
  offset: number,
): number {
  const elsewhere = source.payloadEnd - source.payloadStart;
  return writeHead(source, version, flags, packetId, topicSkip, target, offset, elsewhere);
}

function writeHead(
  source: ForwardSource,
  version: ProtocolVersion,
  flags: number,
  packetId: number,
  topicSkip: number,
  target: Uint8Array,
  offset: number,
  elsewhere: number,
): number {
  const { topic } = source;
  const qos = flags >> 1 & 3;
  const body = bodySize(source, version, qos, topicSkip);
  offset = writeFixedHeader(0x30 | flags, body, target, offset, elsewhere);
  offset = writeUint16(topic.length - topicSkip, target, offset);
  offset = copyBytes(topic, topicSkip, topic.length, target, offset);
  if (qos > 0) offset = writeUint16(packetId, target, offset);
  if (version === 5) target[offset++] = 0;
  return offset;
}

function bodySize(
  { topic, payloadStart, payloadEnd }: ForwardSource,
  version: ProtocolVersion,
  qos: number,
  topicSkip: number,
): number {
  return 2 + topic.length - topicSkip + (qos > 0 ? 2 : 0) + (version === 5 ? 1 : 0) +
    payloadEnd - payloadStart;
}
