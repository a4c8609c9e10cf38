/**
 * DISCONNECT (§3.14): the last packet of a connection. In 5.0 either side may send it, in 3.x only
 * the client.
 *
 * @module
 */
import { BodyReader } from "./body_reader.ts";
import { expectFlags, frameSize, writeFixedHeader } from "./fixed_header.ts";
import { hasProperties, type Properties } from "./properties.ts";
import { readProperties } from "./property_reader.ts";
import { propertiesSize, writeProperties } from "./property_writer.ts";
import type { ProtocolVersion } from "./protocol.ts";
import { checkReasonCode } from "./reason_code.ts";
import type { Tolerance } from "./tolerance.ts";

/** The last packet of a connection. */
export interface DisconnectPacket {
  /** Which packet this is. */
  type: "disconnect";
  /** The Reason Code; always 0 in 3.x. */
  reasonCode: number;
  /** Properties of the packet; empty in 3.x. */
  properties: Properties;
}

/**
 * Decodes the body of a DISCONNECT.
 *
 * @param tolerance The faults to tolerate; none by default.
 * @throws {MalformedPacketError} If the body is ill-formed or the code unknown.
 * @throws {ProtocolError} If a property is repeated.
 */
export function decodeDisconnect(
  version: ProtocolVersion,
  first: number,
  body: Uint8Array,
  tolerance: Tolerance | null = null,
): DisconnectPacket {
  expectFlags(first, 0, "MQTT-3.14.1-1");
  const reader = new BodyReader(body, tolerance);
  // A Reason Code of 0 may be omitted, and so may empty properties.
  const hasCode = version === 5 && body.length > 0;
  const reasonCode = hasCode ? reader.reasonCode("disconnect") : 0;
  const properties = hasCode && body.length > 1 ? readProperties(reader, "disconnect") : {};
  reader.finish();
  return { type: "disconnect", reasonCode, properties };
}

/**
 * Counts the bytes of the whole packet.
 *
 * @throws {RangeError} If the code is not one of this packet.
 * @throws {TypeError} If a string or property cannot be sent.
 */
export function disconnectSize(packet: DisconnectPacket, version: ProtocolVersion): number {
  return frameSize(bodySize(packet, version));
}

/** Writes the whole packet; returns the offset after it. Throws before the first byte. */
export function writeDisconnect(
  packet: DisconnectPacket,
  version: ProtocolVersion,
  target: Uint8Array,
  offset: number,
): number {
  const size = bodySize(packet, version);
  offset = writeFixedHeader(0xe0, size, target, offset);
  if (size > 0) target[offset++] = packet.reasonCode;
  return size > 1 ? writeProperties(packet.properties, "disconnect", target, offset) : offset;
}

function bodySize(packet: DisconnectPacket, version: ProtocolVersion): number {
  if (version !== 5) return 0;
  checkReasonCode("disconnect", packet.reasonCode);
  if (hasProperties(packet.properties)) return 1 + propertiesSize(packet.properties, "disconnect");
  return packet.reasonCode === 0 ? 0 : 1;
}
