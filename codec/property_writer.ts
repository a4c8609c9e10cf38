/**
 * Writes the property section of a packet, in the order of the object's keys.
 *
 * @module
 */
import {
  binarySize,
  checkInteger,
  stringSize,
  writeBinary,
  writeString,
  writeUint16,
  writeUint32,
} from "./fields.ts";
import type { Properties, UserProperty } from "./properties.ts";
import {
  CarrierBit,
  PROPERTY_BY_NAME,
  type PropertyCarrier,
  PropertyId,
  PropertyKind,
  type PropertyRow,
} from "./property_table.ts";
import { MAX_VARINT, varintSize, writeVarint } from "./varint.ts";

/**
 * Counts the bytes of a property section without its length, and checks every
 * value in it.
 *
 * @throws {RangeError} If a number, string or list is outside its range.
 * @throws {TypeError} If a property does not belong to the carrier.
 */
export function propertiesLength(properties: Properties, carrier: PropertyCarrier): number {
  let length = 0;
  for (const name in properties) {
    const value: unknown = properties[name as keyof Properties];
    if (value === undefined) continue;
    const row = PROPERTY_BY_NAME.get(name);
    if (row === undefined || (row.carriers & CarrierBit[carrier]) === 0) {
      throw new TypeError(`Cannot write property in ${carrier}: ${name}`);
    }
    length += valueSize(row, value, carrier);
  }
  return length;
}

/** Counts the bytes of a property section with its length. */
export function propertiesSize(properties: Properties, carrier: PropertyCarrier): number {
  const length = propertiesLength(properties, carrier);
  return varintSize(length) + length;
}

/** Writes a section that {@linkcode propertiesSize} accepted; returns the offset after it. */
export function writeProperties(
  properties: Properties,
  carrier: PropertyCarrier,
  target: Uint8Array,
  offset: number,
): number {
  offset = writeVarint(propertiesLength(properties, carrier), target, offset);
  for (const name in properties) {
    const value: unknown = properties[name as keyof Properties];
    if (value === undefined) continue;
    offset = writeValue(PROPERTY_BY_NAME.get(name)!, value, target, offset);
  }
  return offset;
}

/** The size of a whole property with its identifier; for a list, of all repetitions. */
function valueSize(row: PropertyRow, value: unknown, carrier: PropertyCarrier): number {
  switch (row.kind) {
    case PropertyKind.string:
      checkResponseTopic(row, value as string);
      return 1 + stringSize(value as string);
    case PropertyKind.binary:
      return 1 + binarySize(value as Uint8Array);
    case PropertyKind.flag:
      return 2;
    case PropertyKind.identifiers:
      return identifiersSize(value as number[], carrier);
    case PropertyKind.pairs:
      return pairsSize(value as UserProperty[]);
    default:
      return numberSize(row, value as number);
  }
}

function numberSize(row: PropertyRow, value: number): number {
  switch (row.kind) {
    case PropertyKind.bit:
      checkInteger(row.name, value, 0, 1);
      return 2;
    case PropertyKind.uint16:
    case PropertyKind.positive16:
      checkInteger(row.name, value, row.kind === PropertyKind.positive16 ? 1 : 0, 0xffff);
      return 3;
    default:
      checkInteger(row.name, value, row.kind === PropertyKind.positive32 ? 1 : 0, 0xffffffff);
      return 5;
  }
}

function identifiersSize(identifiers: readonly number[], carrier: PropertyCarrier): number {
  if (carrier === "subscribe" && identifiers.length > 1) {
    throw new RangeError(`Cannot write subscription identifiers: ${identifiers.length}`);
  }
  let size = 0;
  for (const identifier of identifiers) {
    checkInteger("a subscription identifier", identifier, 1, MAX_VARINT);
    size += 1 + varintSize(identifier);
  }
  return size;
}

function pairsSize(pairs: readonly UserProperty[]): number {
  let size = 0;
  for (const pair of pairs) size += 1 + stringSize(pair[0]) + stringSize(pair[1]);
  return size;
}

function checkResponseTopic(row: PropertyRow, value: string): void {
  if (row.id === PropertyId.responseTopic && /[#+]/.test(value)) {
    throw new TypeError(`Cannot write a response topic with a wildcard: ${value}`);
  }
}

function writeValue(row: PropertyRow, value: unknown, target: Uint8Array, offset: number): number {
  if (row.kind === PropertyKind.pairs) {
    return writePairs(row, value as UserProperty[], target, offset);
  }
  if (row.kind === PropertyKind.identifiers) {
    return writeIdentifiers(value as number[], target, offset);
  }
  target[offset++] = row.id;
  switch (row.kind) {
    case PropertyKind.string:
      return writeString(value as string, target, offset);
    case PropertyKind.binary:
      return writeBinary(value as Uint8Array, target, offset);
    case PropertyKind.bit:
    case PropertyKind.flag:
      target[offset] = Number(value);
      return offset + 1;
    case PropertyKind.uint16:
    case PropertyKind.positive16:
      return writeUint16(value as number, target, offset);
    default:
      return writeUint32(value as number, target, offset);
  }
}

function writePairs(
  row: PropertyRow,
  pairs: readonly UserProperty[],
  target: Uint8Array,
  offset: number,
): number {
  for (const pair of pairs) {
    target[offset++] = row.id;
    offset = writeString(pair[0], target, offset);
    offset = writeString(pair[1], target, offset);
  }
  return offset;
}

function writeIdentifiers(
  identifiers: readonly number[],
  target: Uint8Array,
  offset: number,
): number {
  for (const identifier of identifiers) {
    target[offset++] = PropertyId.subscriptionIdentifier;
    offset = writeVarint(identifier, target, offset);
  }
  return offset;
}
