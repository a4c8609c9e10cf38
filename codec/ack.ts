/**
 * PUBACK, PUBREC, PUBREL and PUBCOMP (§3.4 to §3.7): the four packets that acknowledge QoS 1 and 2
 * messages. They have the same form.
 *
 * @module
 */
import { BodyReader } from "./body_reader.ts";
import { checkPacketId, writeUint16 } from "./fields.ts";
import { expectFlags, expectRequestFlags, frameSize, writeFixedHeader } from "./fixed_header.ts";
import { hasProperties, type Properties } from "./properties.ts";
import { readProperties } from "./property_reader.ts";
import { propertiesSize, writeProperties } from "./property_writer.ts";
import { PacketType, type ProtocolVersion } from "./protocol.ts";
import { checkReasonCode } from "./reason_code.ts";
import type { Tolerance } from "./tolerance.ts";

/** A PUBACK, PUBREC, PUBREL or PUBCOMP. */
export interface AckPacket {
  /** Which packet this is. */
  type: "puback" | "pubrec" | "pubrel" | "pubcomp";
  /** The identifier of the message, 1 to 65_535. */
  packetId: number;
  /** The Reason Code; always 0 in 3.x. */
  reasonCode: number;
  /** Properties of the packet; empty in 3.x. */
  properties: Properties;
}

/**
 * Decodes the body of one of the four.
 *
 * @param tolerance The faults to tolerate; none by default.
 * @throws {MalformedPacketError} If the body is ill-formed or the code is not
 * one of this packet.
 * @throws {ProtocolError} If a property is repeated.
 */
export function decodeAck(
  type: AckPacket["type"],
  version: ProtocolVersion,
  first: number,
  body: Uint8Array,
  tolerance: Tolerance | null = null,
): AckPacket {
  if (type === "pubrel") expectRequestFlags(version, first, "MQTT-3.6.1-1");
  else expectFlags(first, 0, "MQTT-2.1.3-1");
  const reader = new BodyReader(body, tolerance);
  const packetId = reader.packetId();
  // A Reason Code of 0 may be omitted, and so may empty properties.
  const hasCode = version === 5 && body.length > 2;
  const reasonCode = hasCode ? reader.reasonCode(type) : 0;
  const properties = hasCode && body.length > 3 ? readProperties(reader, type) : {};
  reader.finish();
  return { type, packetId, reasonCode, properties };
}

/**
 * Counts the bytes of the whole packet.
 *
 * @throws {RangeError} If the identifier is 0 or the code not one of this packet.
 * @throws {TypeError} If a string or property cannot be sent.
 */
export function ackSize(packet: AckPacket, version: ProtocolVersion): number {
  return frameSize(bodySize(packet, version));
}

/** Writes the whole packet; returns the offset after it. Throws before the first byte. */
export function writeAck(
  packet: AckPacket,
  version: ProtocolVersion,
  target: Uint8Array,
  offset: number,
): number {
  const flags = packet.type === "pubrel" ? 0b0010 : 0;
  const size = bodySize(packet, version);
  offset = writeFixedHeader(PacketType[packet.type] << 4 | flags, size, target, offset);
  offset = writeUint16(packet.packetId, target, offset);
  if (size > 2) target[offset++] = packet.reasonCode;
  return size > 3 ? writeProperties(packet.properties, packet.type, target, offset) : offset;
}

function bodySize(packet: AckPacket, version: ProtocolVersion): number {
  checkPacketId(packet.packetId);
  if (version !== 5) return 2;
  checkReasonCode(packet.type, packet.reasonCode);
  if (hasProperties(packet.properties)) return 3 + propertiesSize(packet.properties, packet.type);
  return packet.reasonCode === 0 ? 2 : 3;
}
