/**
 * UNSUBACK (§3.11): the answer to UNSUBSCRIBE.
 *
 * @module
 */
import { BodyReader } from "./body_reader.ts";
import { checkPacketId, writeUint16 } from "./fields.ts";
import { expectFlags, frameSize, writeFixedHeader } from "./fixed_header.ts";
import type { Properties } from "./properties.ts";
import { readProperties } from "./property_reader.ts";
import { propertiesSize, writeProperties } from "./property_writer.ts";
import type { ProtocolVersion } from "./protocol.ts";
import { checkReasonCode } from "./reason_code.ts";
import type { Tolerance } from "./tolerance.ts";

/** The answer to an UNSUBSCRIBE. */
export interface UnsubackPacket {
  /** Which packet this is. */
  type: "unsuback";
  /** The identifier of the request. */
  packetId: number;
  /** One code per filter, in the order of the request; empty in 3.x. */
  reasonCodes: number[];
  /** Properties of the answer; empty in 3.x. */
  properties: Properties;
}

/**
 * Decodes the body of an UNSUBACK.
 *
 * @param tolerance The faults to tolerate; none by default.
 * @throws {MalformedPacketError} If the body is ill-formed or a code unknown.
 * @throws {ProtocolError} If a property is repeated.
 */
export function decodeUnsuback(
  version: ProtocolVersion,
  first: number,
  body: Uint8Array,
  tolerance: Tolerance | null = null,
): UnsubackPacket {
  expectFlags(first, 0, "MQTT-2.1.3-1");
  const reader = new BodyReader(body, tolerance);
  const packetId = reader.packetId();
  const reasonCodes: number[] = [];
  const properties = version === 5 ? readProperties(reader, "unsuback") : {};
  if (version === 5) {
    do reasonCodes.push(reader.reasonCode("unsuback")); while (reader.offset < reader.end);
  }
  reader.finish();
  return { type: "unsuback", packetId, reasonCodes, properties };
}

/**
 * Counts the bytes of the whole packet.
 *
 * @throws {RangeError} If in 5.0 there is no code, or one that is not of this packet.
 * @throws {TypeError} If a string or property cannot be sent.
 */
export function unsubackSize(packet: UnsubackPacket, version: ProtocolVersion): number {
  return frameSize(bodySize(packet, version));
}

/**
 * Writes the whole packet; returns the offset after it. Throws before the first byte. In 3.x the
 * codes are left out.
 */
export function writeUnsuback(
  packet: UnsubackPacket,
  version: ProtocolVersion,
  target: Uint8Array,
  offset: number,
): number {
  offset = writeFixedHeader(0xb0, bodySize(packet, version), target, offset);
  offset = writeUint16(packet.packetId, target, offset);
  if (version !== 5) return offset;
  offset = writeProperties(packet.properties, "unsuback", target, offset);
  for (const code of packet.reasonCodes) target[offset++] = code;
  return offset;
}

function bodySize(packet: UnsubackPacket, version: ProtocolVersion): number {
  checkPacketId(packet.packetId);
  if (version !== 5) return 2;
  if (packet.reasonCodes.length === 0) throw new RangeError("Cannot write UNSUBACK: no code");
  for (const code of packet.reasonCodes) checkReasonCode("unsuback", code);
  return 2 + propertiesSize(packet.properties, "unsuback") + packet.reasonCodes.length;
}
