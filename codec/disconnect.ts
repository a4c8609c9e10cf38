/**
 * DISCONNECT (§3.14): the last packet of a connection, from either end in 5.0,
 * from the client alone in 3.x.
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

/** A goodbye. */
export interface DisconnectPacket {
  /** Which packet this is. */
  type: "disconnect";
  /** Why; always 0 in 3.x. */
  reasonCode: number;
  /** Properties of the goodbye; empty in 3.x. */
  properties: Properties;
}

/**
 * Decodes the body of a DISCONNECT.
 *
 * @param tolerance What is overlooked; nothing by default.
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
  // A code of 0 may be left out, and so may properties, if there are none.
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
