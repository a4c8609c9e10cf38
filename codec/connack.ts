/**
 * CONNACK (§3.2): the server's answer to CONNECT.
 *
 * @module
 */
import { BodyReader } from "./body_reader.ts";
import { MalformedPacketError, ProtocolError } from "./errors.ts";
import { checkInteger } from "./fields.ts";
import { expectFlags, frameSize, writeFixedHeader } from "./fixed_header.ts";
import type { Properties } from "./properties.ts";
import { readProperties } from "./property_reader.ts";
import { propertiesSize, writeProperties } from "./property_writer.ts";
import type { ProtocolVersion } from "./protocol.ts";
import { checkReasonCode, MAX_CONNECT_RETURN_CODE } from "./reason_code.ts";
import type { Tolerance } from "./tolerance.ts";

/** The answer to a CONNECT. */
export interface ConnackPacket {
  /** Which packet this is. */
  type: "connack";
  /** Session Present: whether the server has the session; always false in 3.1. */
  sessionPresent: boolean;
  /** A reason code in 5.0, a return code from 0 to 5 in 3.x. */
  reasonCode: number;
  /** Properties of the connection; empty in 3.x. */
  properties: Properties;
}

/**
 * Decodes the body of a CONNACK.
 *
 * @param tolerance The faults to tolerate; none by default.
 * @throws {MalformedPacketError} If the body is ill-formed or the code unknown.
 * @throws {ProtocolError} If a refusal has Session Present set, or a property has an invalid value.
 */
export function decodeConnack(
  version: ProtocolVersion,
  first: number,
  body: Uint8Array,
  tolerance: Tolerance | null = null,
): ConnackPacket {
  expectFlags(first, 0, "MQTT-2.1.3-1");
  const reader = new BodyReader(body, tolerance);
  // In MQTT 3.1 this byte is reserved.
  const flags = version === 3 ? reader.uint8() & 0 : reader.uint8();
  if (flags > 1) {
    throw new MalformedPacketError(`Acknowledge flags are ${flags}`, 0, "MQTT-3.2.2-1");
  }
  const reasonCode = version === 5 ? reader.reasonCode("connack") : readReturnCode(reader);
  if (flags === 1 && reasonCode !== 0) {
    throw new ProtocolError("A refused connection has no session", 0, "MQTT-3.2.2-6");
  }
  const properties = version === 5 ? readProperties(reader, "connack") : {};
  reader.finish();
  return { type: "connack", sessionPresent: flags === 1, reasonCode, properties };
}

function readReturnCode(reader: BodyReader): number {
  const code = reader.uint8();
  if (code > MAX_CONNECT_RETURN_CODE) {
    throw new MalformedPacketError(`Unknown return code ${code}`, 1, "3.1.1 §3.2.2.3");
  }
  return code;
}

/**
 * Counts the bytes of the whole packet.
 *
 * @throws {RangeError} If the code is not one of this packet and version.
 * @throws {TypeError} If a refusal has Session Present set.
 */
export function connackSize(packet: ConnackPacket, version: ProtocolVersion): number {
  return frameSize(bodySize(packet, version));
}

/** Writes the whole packet; returns the offset after it. Throws before the first byte. */
export function writeConnack(
  packet: ConnackPacket,
  version: ProtocolVersion,
  target: Uint8Array,
  offset: number,
): number {
  offset = writeFixedHeader(0x20, bodySize(packet, version), target, offset);
  target[offset++] = packet.sessionPresent && version !== 3 ? 1 : 0;
  target[offset++] = packet.reasonCode;
  return version === 5 ? writeProperties(packet.properties, "connack", target, offset) : offset;
}

function bodySize(packet: ConnackPacket, version: ProtocolVersion): number {
  if (version === 5) checkReasonCode("connack", packet.reasonCode);
  else checkInteger("a return code", packet.reasonCode, 0, MAX_CONNECT_RETURN_CODE);
  if (packet.sessionPresent && packet.reasonCode !== 0) {
    throw new TypeError("Cannot write a refusal with a session present");
  }
  return 2 + (version === 5 ? propertiesSize(packet.properties, "connack") : 0);
}
