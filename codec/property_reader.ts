/**
 * Reads the property section of a packet.
 *
 * @module
 */
import type { BodyReader } from "./body_reader.ts";
import { MalformedPacketError, ProtocolError } from "./errors.ts";
import type { Properties, UserProperty } from "./properties.ts";
import {
  CarrierBit,
  PROPERTY_BY_ID,
  type PropertyCarrier,
  PropertyId,
  PropertyKind,
  type PropertyRow,
} from "./property_table.ts";
import { ReasonCode } from "./reason_code.ts";

/** The decoded value of a property. */
type PropertyValue = number | boolean | string | Uint8Array;

/**
 * Reads a property section, its length included.
 *
 * @throws {MalformedPacketError} If a property is unknown, does not belong to the carrier, or is
 * incomplete.
 * @throws {ProtocolError} If a property repeats or has an invalid value.
 */
export function readProperties(reader: BodyReader, carrier: PropertyCarrier): Properties {
  const properties: Properties = {};
  const length = reader.varint();
  if (length === 0) return properties;
  const bodyEnd = reader.end;
  const end = reader.take(length) + length;
  reader.offset = end - length;
  // No property may extend beyond the section.
  reader.end = end;
  const bit = CarrierBit[carrier];
  while (reader.offset < end) readProperty(reader, bit, carrier, properties);
  reader.end = bodyEnd;
  if (properties.authenticationData !== undefined) requireMethod(properties, reader.position);
  return properties;
}

/**
 * Reads the identifier of a property and looks it up.
 *
 * @returns Its row. If the row is not for this carrier, the property must be left out.
 * @throws {MalformedPacketError} If it is unknown, or not for this carrier and not tolerated.
 */
export function readPropertyRow(reader: BodyReader, carrierBit: number): PropertyRow {
  // Identifiers are Variable Byte Integers, but all that exist take one byte.
  const row = PROPERTY_BY_ID[reader.uint8()];
  if (row === undefined || ((row.carriers & carrierBit) === 0 && !isOverlooked(reader, row))) {
    const message = row === undefined
      ? "Unknown property"
      : `Property ${row.name} not allowed here`;
    throw new MalformedPacketError(message, reader.position - 1, "§2.2.2.2");
  }
  return row;
}

function isOverlooked({ tolerance }: BodyReader, row: PropertyRow): boolean {
  return tolerance !== null && row.isHarmless;
}

/** Skips a misplaced property. Its value must still be well-formed. */
export function leaveOut(reader: BodyReader, row: PropertyRow): void {
  readValue(reader, row);
  reader.tolerance!.onMisplaced(row.name);
}

function readProperty(
  reader: BodyReader,
  bit: number,
  carrier: PropertyCarrier,
  properties: Properties,
): void {
  const at = reader.position;
  const row = readPropertyRow(reader, bit);
  if ((row.carriers & bit) === 0) return leaveOut(reader, row);
  if (row.kind === PropertyKind.pairs) {
    const pair: UserProperty = [reader.string(), reader.string()];
    (properties.userProperties ??= []).push(pair);
    return;
  }
  if (row.kind === PropertyKind.identifiers) {
    const list = properties.subscriptionIdentifiers ??= [];
    if (list.length > 0 && carrier === "subscribe") throw repeated(row, at);
    list.push(readNumber(reader, row));
    return;
  }
  if (properties[row.name] !== undefined) throw repeated(row, at);
  (properties as Record<string, PropertyValue>)[row.name] = readValue(reader, row);
}

function readValue(reader: BodyReader, row: PropertyRow): PropertyValue {
  switch (row.kind) {
    case PropertyKind.string:
      return row.id === PropertyId.responseTopic ? readResponseTopic(reader) : reader.string();
    case PropertyKind.binary:
      return reader.binary();
    case PropertyKind.flag:
      return readNumber(reader, row) === 1;
    default:
      return readNumber(reader, row);
  }
}

/**
 * Reads the value of a property that is encoded as a number.
 *
 * @throws {ProtocolError} If the property must not have this value.
 */
export function readNumber(reader: BodyReader, row: PropertyRow): number {
  const at = reader.position;
  switch (row.kind) {
    case PropertyKind.bit:
    case PropertyKind.flag: {
      const value = reader.uint8();
      if (value > 1) throw new ProtocolError(`Property ${row.name} is ${value}`, at, "§2.2.2.2");
      return value;
    }
    case PropertyKind.uint16:
      return reader.uint16();
    case PropertyKind.positive16:
      return positive(reader.uint16(), row, at);
    case PropertyKind.uint32:
      return reader.uint32();
    case PropertyKind.positive32:
      return positive(reader.uint32(), row, at);
    default:
      return positive(reader.varint(), row, at);
  }
}

/** The error for a property that may occur only once. */
export function repeated(row: PropertyRow, at: number): ProtocolError {
  return new ProtocolError(`Property ${row.name} is repeated`, at, "§2.2.2.2");
}

/**
 * Throws if a Response Topic contains a wildcard [MQTT-3.3.2-14]. It may compare bytes, because in
 * UTF-8 no byte of a longer character equals `#` or `+`.
 */
export function checkResponseTopic(
  bytes: Uint8Array,
  start: number,
  end: number,
  origin: number,
): void {
  for (let offset = start; offset < end; offset++) {
    const byte = bytes[offset]!;
    if (byte === 0x23 || byte === 0x2b) {
      const message = "Response topic has a wildcard";
      throw new ProtocolError(message, offset - origin, "MQTT-3.3.2-14");
    }
  }
}

function readResponseTopic(reader: BodyReader): string {
  const start = reader.offset + 2;
  const topic = reader.string();
  checkResponseTopic(reader.bytes, start, reader.offset, reader.origin);
  return topic;
}

function positive(value: number, row: PropertyRow, at: number): number {
  if (value > 0) return value;
  if (row.id === PropertyId.topicAlias) {
    const message = "Property topicAlias is 0";
    throw new ProtocolError(message, at, "MQTT-3.3.2-8", ReasonCode.TopicAliasInvalid);
  }
  throw new ProtocolError(`Property ${row.name} is 0`, at, "§2.2.2.2");
}

function requireMethod(properties: Properties, at: number): void {
  if (properties.authenticationMethod === undefined) {
    throw new ProtocolError("Authentication data without a method", at, "§3.1.2.11.10");
  }
}
