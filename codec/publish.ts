/**
 * PUBLISH (§3.3): a message.
 *
 * @module
 */
import { BodyReader } from "./body_reader.ts";
import { MalformedPacketError, ProtocolError } from "./errors.ts";
import {
  checkInteger,
  checkPacketId,
  copyBytes,
  stringSize,
  writeString,
  writeUint16,
} from "./fields.ts";
import { frameSize, writeFixedHeader } from "./fixed_header.ts";
import type { Properties } from "./properties.ts";
import { readProperties } from "./property_reader.ts";
import { propertiesSize, writeProperties } from "./property_writer.ts";
import type { ProtocolVersion, QoS } from "./protocol.ts";
import type { Tolerance } from "./tolerance.ts";

/** A PUBLISH packet. */
export interface PublishPacket {
  /** Which packet this is. */
  type: "publish";
  /** The topic; may be empty if there is a Topic Alias. */
  topic: string;
  /** The payload. When decoded, it shares memory with the body. */
  payload: Uint8Array;
  /** The QoS. */
  qos: QoS;
  /** The RETAIN flag. */
  retain: boolean;
  /** The DUP flag; always false with QoS 0. */
  dup: boolean;
  /** The packet identifier, 1 to 65_535; 0 with QoS 0, which has none. */
  packetId: number;
  /** Properties of the message; empty in 3.x. */
  properties: Properties;
}

/**
 * Reads the QoS from the first byte of a PUBLISH.
 *
 * @throws {MalformedPacketError} If the QoS is 3, or 0 with DUP.
 */
export function readPublishQoS(first: number): QoS {
  const qos = first >> 1 & 0b11;
  if (qos === 3) throw new MalformedPacketError("QoS is 3", 0, "MQTT-3.3.1-4");
  if (qos === 0 && (first & 0x08) !== 0) {
    throw new MalformedPacketError("DUP is set with QoS 0", 0, "MQTT-3.3.1-2");
  }
  return qos as QoS;
}

/** The error for an MQTT 5 message that has neither a topic nor an alias. */
export function topicMissing(): ProtocolError {
  return new ProtocolError("Neither topic nor topic alias", 0, "§3.3.2.1");
}

/**
 * Decodes the body of a PUBLISH, from either side.
 *
 * @param tolerance The faults to tolerate; none by default.
 * @throws {MalformedPacketError} If the body or its flags are ill-formed.
 * @throws {ProtocolError} If a property has an invalid value, or in 5.0 there is neither a topic
 * nor an alias.
 */
export function decodePublish(
  version: ProtocolVersion,
  first: number,
  body: Uint8Array,
  tolerance: Tolerance | null = null,
): PublishPacket {
  const qos = readPublishQoS(first);
  const reader = new BodyReader(body, tolerance);
  const topic = reader.string();
  const packetId = qos === 0 ? 0 : reader.packetId();
  const properties = version === 5 ? readProperties(reader, "publish") : {};
  if (version === 5 && topic === "" && properties.topicAlias === undefined) throw topicMissing();
  return {
    type: "publish",
    topic,
    payload: reader.rest(),
    qos,
    retain: (first & 0x01) !== 0,
    dup: (first & 0x08) !== 0,
    packetId,
    properties,
  };
}

/**
 * Counts the bytes of the whole packet.
 *
 * @throws {RangeError} If a field is too long or a number out of range.
 * @throws {TypeError} If a string or property cannot be sent, or DUP is set
 * with QoS 0.
 */
export function publishSize(packet: PublishPacket, version: ProtocolVersion): number {
  return frameSize(bodySize(packet, version));
}

/** Writes the whole packet; returns the offset after it. Throws before the first byte. */
export function writePublish(
  packet: PublishPacket,
  version: ProtocolVersion,
  target: Uint8Array,
  offset: number,
): number {
  const { payload } = packet;
  const first = 0x30 | (packet.dup ? 0x08 : 0) | packet.qos << 1 | (packet.retain ? 0x01 : 0);
  offset = writeFixedHeader(first, bodySize(packet, version), target, offset);
  offset = writeString(packet.topic, target, offset);
  if (packet.qos > 0) offset = writeUint16(packet.packetId, target, offset);
  if (version === 5) offset = writeProperties(packet.properties, "publish", target, offset);
  return copyBytes(payload, 0, payload.length, target, offset);
}

function bodySize(packet: PublishPacket, version: ProtocolVersion): number {
  checkInteger("a QoS", packet.qos, 0, 2);
  if (packet.qos > 0) checkPacketId(packet.packetId);
  else if (packet.dup) throw new TypeError("Cannot write DUP with QoS 0");
  if (version === 5 && packet.topic === "" && packet.properties.topicAlias === undefined) {
    throw new TypeError("Cannot write a message with neither topic nor topic alias");
  }
  return stringSize(packet.topic) + (packet.qos > 0 ? 2 : 0) +
    (version === 5 ? propertiesSize(packet.properties, "publish") : 0) + packet.payload.length;
}
