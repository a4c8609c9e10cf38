/**
 * UNSUBSCRIBE (§3.10): the end of a request for messages.
 *
 * @module
 */
import { BodyReader } from "./body_reader.ts";
import { ProtocolError } from "./errors.ts";
import { checkPacketId, stringSize, writeString, writeUint16 } from "./fields.ts";
import { expectRequestFlags, frameSize, writeFixedHeader } from "./fixed_header.ts";
import type { Properties } from "./properties.ts";
import { readProperties } from "./property_reader.ts";
import { propertiesSize, writeProperties } from "./property_writer.ts";
import type { ProtocolVersion } from "./protocol.ts";
import type { Tolerance } from "./tolerance.ts";

/** A request to end subscriptions. */
export interface UnsubscribePacket {
  /** Which packet this is. */
  type: "unsubscribe";
  /** The identifier of the request, 1 to 65_535. */
  packetId: number;
  /** The filters, at least one, as they were subscribed to. */
  filters: string[];
  /** Properties of the request; empty in 3.x. */
  properties: Properties;
}

/**
 * Decodes the body of an UNSUBSCRIBE.
 *
 * @param tolerance The faults to tolerate; none by default.
 * @throws {MalformedPacketError} If the body is ill-formed.
 * @throws {ProtocolError} If there is no filter.
 */
export function decodeUnsubscribe(
  version: ProtocolVersion,
  first: number,
  body: Uint8Array,
  tolerance: Tolerance | null = null,
): UnsubscribePacket {
  expectRequestFlags(version, first, "MQTT-3.10.1-1");
  const reader = new BodyReader(body, tolerance);
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, "unsubscribe") : {};
  if (reader.offset === reader.end) {
    throw new ProtocolError("UNSUBSCRIBE without a filter", reader.position, "MQTT-3.10.3-2");
  }
  const filters: string[] = [];
  while (reader.offset < reader.end) filters.push(reader.string());
  return { type: "unsubscribe", packetId, filters, properties };
}

/**
 * Counts the bytes of the whole packet.
 *
 * @throws {RangeError} If there is no filter, or the identifier is 0.
 * @throws {TypeError} If a string or property cannot be sent.
 */
export function unsubscribeSize(packet: UnsubscribePacket, version: ProtocolVersion): number {
  return frameSize(bodySize(packet, version));
}

/** Writes the whole packet; returns the offset after it. Throws before the first byte. */
export function writeUnsubscribe(
  packet: UnsubscribePacket,
  version: ProtocolVersion,
  target: Uint8Array,
  offset: number,
): number {
  offset = writeFixedHeader(0xa2, bodySize(packet, version), target, offset);
  offset = writeUint16(packet.packetId, target, offset);
  if (version === 5) offset = writeProperties(packet.properties, "unsubscribe", target, offset);
  for (const filter of packet.filters) offset = writeString(filter, target, offset);
  return offset;
}

function bodySize(packet: UnsubscribePacket, version: ProtocolVersion): number {
  checkPacketId(packet.packetId);
  if (packet.filters.length === 0) throw new RangeError("Cannot write UNSUBSCRIBE: no filter");
  let size = 2 + (version === 5 ? propertiesSize(packet.properties, "unsubscribe") : 0);
  for (const filter of packet.filters) size += stringSize(filter);
  return size;
}
