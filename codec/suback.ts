/**
 * SUBACK (§3.9): the answer to SUBSCRIBE.
 *
 * @module
 */
import { BodyReader } from "./body_reader.ts";
import { MalformedPacketError } from "./errors.ts";
import { checkPacketId, writeUint16 } from "./fields.ts";
import { expectFlags, frameSize, writeFixedHeader } from "./fixed_header.ts";
import type { Properties } from "./properties.ts";
import { readProperties } from "./property_reader.ts";
import { propertiesSize, writeProperties } from "./property_writer.ts";
import type { ProtocolVersion } from "./protocol.ts";
import { checkReasonCode, SUBACK_FAILURE } from "./reason_code.ts";
import type { Tolerance } from "./tolerance.ts";

/** The answer to a SUBSCRIBE. */
export interface SubackPacket {
  /** Which packet this is. */
  type: "suback";
  /** The identifier of the request. */
  packetId: number;
  /**
   * One code per filter, in the order of the request: the granted QoS, or a failure of 0x80 or
   * more.
   */
  reasonCodes: number[];
  /** Properties of the answer; empty in 3.x. */
  properties: Properties;
}

/**
 * Decodes the body of a SUBACK.
 *
 * @param tolerance The faults to tolerate; none by default.
 * @throws {MalformedPacketError} If the body is ill-formed or a code unknown.
 * @throws {ProtocolError} If a property is repeated.
 */
export function decodeSuback(
  version: ProtocolVersion,
  first: number,
  body: Uint8Array,
  tolerance: Tolerance | null = null,
): SubackPacket {
  expectFlags(first, 0, "MQTT-2.1.3-1");
  const reader = new BodyReader(body, tolerance);
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, "suback") : {};
  const reasonCodes: number[] = [];
  do {
    reasonCodes.push(version === 5 ? reader.reasonCode("suback") : readReturnCode(reader));
  } while (reader.offset < reader.end);
  return { type: "suback", packetId, reasonCodes, properties };
}

function readReturnCode(reader: BodyReader): number {
  const code = reader.uint8();
  if (code > 2 && code !== SUBACK_FAILURE) {
    const clause = "3.1.1 MQTT-3.9.3-2";
    throw new MalformedPacketError(`Unknown return code ${code}`, reader.position - 1, clause);
  }
  return code;
}

/**
 * Counts the bytes of the whole packet.
 *
 * @throws {RangeError} If there is no code, or one that is not of this packet.
 * @throws {TypeError} If a string or property cannot be sent.
 */
export function subackSize(packet: SubackPacket, version: ProtocolVersion): number {
  return frameSize(bodySize(packet, version));
}

/**
 * Writes the whole packet; returns the offset after it. Throws before the first byte. In 3.x every
 * failure is written as 0x80.
 */
export function writeSuback(
  packet: SubackPacket,
  version: ProtocolVersion,
  target: Uint8Array,
  offset: number,
): number {
  offset = writeFixedHeader(0x90, bodySize(packet, version), target, offset);
  offset = writeUint16(packet.packetId, target, offset);
  if (version === 5) offset = writeProperties(packet.properties, "suback", target, offset);
  for (const code of packet.reasonCodes) {
    target[offset++] = version === 5 ? code : Math.min(code, SUBACK_FAILURE);
  }
  return offset;
}

function bodySize(packet: SubackPacket, version: ProtocolVersion): number {
  checkPacketId(packet.packetId);
  if (packet.reasonCodes.length === 0) throw new RangeError("Cannot write SUBACK: no code");
  for (const code of packet.reasonCodes) checkReasonCode("suback", code);
  return 2 + (version === 5 ? propertiesSize(packet.properties, "suback") : 0) +
    packet.reasonCodes.length;
}
