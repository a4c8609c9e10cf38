/**
 * AUTH (§3.15): one step of enhanced authentication. New in 5.0.
 *
 * @module
 */
import { BodyReader } from "./body_reader.ts";
import { MalformedPacketError } from "./errors.ts";
import { expectFlags, frameSize, writeFixedHeader } from "./fixed_header.ts";
import { hasProperties, type Properties } from "./properties.ts";
import { readProperties } from "./property_reader.ts";
import { propertiesSize, writeProperties } from "./property_writer.ts";
import type { ProtocolVersion } from "./protocol.ts";
import { checkReasonCode } from "./reason_code.ts";
import type { Tolerance } from "./tolerance.ts";

/** A step of enhanced authentication. */
export interface AuthPacket {
  /** Which packet this is. */
  type: "auth";
  /** Success (0x00), continue (0x18) or re-authenticate (0x19). */
  reasonCode: number;
  /** Authentication Method, Authentication Data, and other properties. */
  properties: Properties;
}

/**
 * Decodes the body of an AUTH.
 *
 * @param tolerance The faults to tolerate; none by default.
 * @throws {MalformedPacketError} If the body is ill-formed, the code unknown or
 * the version 3.x.
 * @throws {ProtocolError} If a property is repeated, or there is data without a method.
 */
export function decodeAuth(
  version: ProtocolVersion,
  first: number,
  body: Uint8Array,
  tolerance: Tolerance | null = null,
): AuthPacket {
  if (version !== 5) {
    throw new MalformedPacketError("Packet type 15 is reserved", 0, "3.1.1 §2.2.1");
  }
  expectFlags(first, 0, "MQTT-3.15.1-1");
  if (body.length === 0) return { type: "auth", reasonCode: 0, properties: {} };
  const reader = new BodyReader(body, tolerance);
  const reasonCode = reader.reasonCode("auth");
  const properties = readProperties(reader, "auth");
  reader.finish();
  return { type: "auth", reasonCode, properties };
}

/**
 * Counts the bytes of the whole packet.
 *
 * @throws {RangeError} If the code is not one of this packet.
 * @throws {TypeError} If the version is 3.x, or a string or property cannot be sent.
 */
export function authSize(packet: AuthPacket, version: ProtocolVersion): number {
  return frameSize(bodySize(packet, version));
}

/** Writes the whole packet; returns the offset after it. Throws before the first byte. */
export function writeAuth(
  packet: AuthPacket,
  version: ProtocolVersion,
  target: Uint8Array,
  offset: number,
): number {
  const size = bodySize(packet, version);
  offset = writeFixedHeader(0xf0, size, target, offset);
  if (size === 0) return offset;
  target[offset++] = packet.reasonCode;
  return writeProperties(packet.properties, "auth", target, offset);
}

function bodySize(packet: AuthPacket, version: ProtocolVersion): number {
  if (version !== 5) throw new TypeError(`Cannot write AUTH in protocol version ${version}`);
  checkReasonCode("auth", packet.reasonCode);
  if (packet.reasonCode === 0 && !hasProperties(packet.properties)) return 0;
  return 1 + propertiesSize(packet.properties, "auth");
}
