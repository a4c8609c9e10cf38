/**
 * Encodes a PUBLISH for a subscriber from parts of the publisher's PUBLISH, without decoding it.
 *
 * @module
 */
import { copyBytes, writeUint16, writeUint32 } from "./fields.ts";
import { frameSize, writeFixedHeader } from "./fixed_header.ts";
import { PropertyId } from "./property_table.ts";
import type { ProtocolVersion, QoS } from "./protocol.ts";
import type { PublishView } from "./publish_view.ts";
import { varintSize, writeVarint } from "./varint.ts";

/** The bytes to forward, which are the same for every subscriber. */
export interface ForwardSource {
  /** The topic in UTF-8. */
  readonly topic: Uint8Array;
  /** The bytes the offsets refer to. */
  readonly buffer: Uint8Array;
  /** The first byte of the properties, after their length. */
  readonly propertiesStart: number;
  /**
   * The end of the properties. None of them is a topic alias, a message expiry or a subscription
   * identifier.
   */
  readonly propertiesEnd: number;
  /** The first byte of the payload. */
  readonly payloadStart: number;
  /** The end of the payload. */
  readonly payloadEnd: number;
}

/** How the message is forwarded. The caller keeps one object and changes its fields. */
export class ForwardOptions {
  /** The protocol version of the subscriber. */
  version: ProtocolVersion = 4;
  /** The QoS of the delivery. */
  qos: QoS = 0;
  /** The RETAIN flag. */
  retain = false;
  /** The DUP flag; ignored with QoS 0. */
  dup = false;
  /** The packet identifier, 1 to 65_535; ignored with QoS 0. */
  packetId = 0;
  /** The rest of the Message Expiry Interval, in seconds; -1 for none. 5.0 only. */
  expirySeconds: number = -1;
  /** Identifiers of the subscriptions that matched, or null. 5.0 only. */
  identifiers: readonly number[] | null = null;
  /** The Topic Alias; 0 for none. 5.0 only. */
  topicAlias = 0;
  /** Bytes at the start of the topic that are not sent: the mount point. */
  topicSkip = 0;
  /** Whether the topic is omitted, because the subscriber knows the alias. */
  omitTopic = false;
}

/**
 * Copies the properties of a message that subscribers get unchanged, in order. It leaves out the
 * topic alias, the message expiry, the subscription identifier, and misplaced properties that were
 * tolerated.
 *
 * @returns New bytes, which share nothing with the view.
 */
export function forwardedProperties(view: PublishView): Uint8Array {
  const { buffer, propertiesStart, propertiesEnd } = view;
  if (view.forwardable) return buffer.slice(propertiesStart, propertiesEnd);
  let dropped = (view.topicAlias === 0 ? 0 : 3) + (view.messageExpiryInterval < 0 ? 0 : 5);
  if (view.subscriptionIdentifier > 0) dropped += 1 + varintSize(view.subscriptionIdentifier);
  for (const [start, end] of view.strays ?? []) dropped += end - start;
  const kept = new Uint8Array(propertiesEnd - propertiesStart - dropped);
  let end = 0;
  for (let offset = propertiesStart; offset < propertiesEnd;) {
    const strayEnd = view.strays?.get(offset);
    const next = strayEnd ?? propertyEnd(buffer, offset);
    const id = buffer[offset];
    const isOwn = id === PropertyId.topicAlias || id === PropertyId.messageExpiryInterval ||
      id === PropertyId.subscriptionIdentifier;
    if (!isOwn && strayEnd === undefined) {
      end = copyBytes(buffer, offset, next, kept, end);
    }
    offset = next;
  }
  return kept;
}

/** The offset after the property at `offset`. A view has checked that it is well-formed. */
function propertyEnd(bytes: Uint8Array, offset: number): number {
  switch (bytes[offset]) {
    case PropertyId.payloadFormatIndicator:
      return offset + 2;
    case PropertyId.topicAlias:
      return offset + 3;
    case PropertyId.subscriptionIdentifier:
      return varintEnd(bytes, offset + 1);
    case PropertyId.messageExpiryInterval:
      return offset + 5;
    case PropertyId.userProperties:
      return fieldEnd(bytes, fieldEnd(bytes, offset + 1));
    default:
      return fieldEnd(bytes, offset + 1);
  }
}

function varintEnd(bytes: Uint8Array, offset: number): number {
  while (bytes[offset]! >= 0x80) offset++;
  return offset + 1;
}

function fieldEnd(bytes: Uint8Array, offset: number): number {
  return offset + 2 + (bytes[offset]! << 8 | bytes[offset + 1]!);
}

/**
 * Counts the bytes of the whole packet that {@linkcode writeForwarded} writes.
 *
 * @throws {RangeError} If it is larger than a packet can be.
 */
export function forwardedSize(source: ForwardSource, how: ForwardOptions): number {
  return frameSize(bodySize(source, how, propertiesLength(source, how)));
}

/**
 * Writes a message for a subscriber. It allocates nothing except a view of a large payload. The
 * source is not checked again.
 *
 * @returns The offset after the packet.
 * @throws {RangeError} If `target` is too short, or the packet larger than a packet can be. Nothing
 * is written then.
 */
export function writeForwarded(
  source: ForwardSource,
  how: ForwardOptions,
  target: Uint8Array,
  offset: number,
): number {
  offset = writeHead(source, how, target, offset, 0);
  return copyBytes(source.buffer, source.payloadStart, source.payloadEnd, target, offset);
}

/**
 * Writes what precedes the payload of {@linkcode writeForwarded}, with its Remaining Length. The
 * payload must follow in the same connection.
 *
 * @returns The offset after it.
 * @throws {RangeError} If `target` is too short, or the packet larger than a packet can be. Nothing
 * is written then.
 */
export function writeForwardedHead(
  source: ForwardSource,
  how: ForwardOptions,
  target: Uint8Array,
  offset: number,
): number {
  return writeHead(source, how, target, offset, source.payloadEnd - source.payloadStart);
}

function writeHead(
  source: ForwardSource,
  how: ForwardOptions,
  target: Uint8Array,
  offset: number,
  elsewhere: number,
): number {
  const { buffer, topic } = source;
  const length = propertiesLength(source, how);
  const flags = (how.dup && how.qos > 0 ? 0x08 : 0) | how.qos << 1 | (how.retain ? 0x01 : 0);
  offset = writeFixedHeader(0x30 | flags, bodySize(source, how, length), target, offset, elsewhere);
  const topicStart = how.omitTopic ? topic.length : how.topicSkip;
  offset = writeUint16(topic.length - topicStart, target, offset);
  offset = copyBytes(topic, topicStart, topic.length, target, offset);
  if (how.qos > 0) offset = writeUint16(how.packetId, target, offset);
  if (how.version === 5) {
    offset = writeVarint(length, target, offset);
    offset = writeOwnProperties(how, target, offset);
    offset = copyBytes(buffer, source.propertiesStart, source.propertiesEnd, target, offset);
  }
  return offset;
}

function bodySize(source: ForwardSource, how: ForwardOptions, length: number): number {
  return 2 + (how.omitTopic ? 0 : source.topic.length - how.topicSkip) + (how.qos > 0 ? 2 : 0) +
    (how.version === 5 ? varintSize(length) + length : 0) +
    source.payloadEnd - source.payloadStart;
}

/** The bytes of all properties: those for this subscriber, and those of the publisher. */
function propertiesLength(source: ForwardSource, how: ForwardOptions): number {
  if (how.version !== 5) return 0;
  let length = source.propertiesEnd - source.propertiesStart;
  if (how.topicAlias > 0) length += 3;
  if (how.expirySeconds >= 0) length += 5;
  if (how.identifiers !== null) {
    for (const identifier of how.identifiers) length += 1 + varintSize(identifier);
  }
  return length;
}

/** Writes the properties for this subscriber. */
function writeOwnProperties(how: ForwardOptions, target: Uint8Array, offset: number): number {
  if (how.topicAlias > 0) {
    target[offset++] = PropertyId.topicAlias;
    offset = writeUint16(how.topicAlias, target, offset);
  }
  if (how.expirySeconds >= 0) {
    target[offset++] = PropertyId.messageExpiryInterval;
    offset = writeUint32(how.expirySeconds, target, offset);
  }
  if (how.identifiers !== null) {
    for (const identifier of how.identifiers) {
      target[offset++] = PropertyId.subscriptionIdentifier;
      offset = writeVarint(identifier, target, offset);
    }
  }
  return offset;
}
