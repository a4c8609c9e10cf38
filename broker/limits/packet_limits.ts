/**
 * Limits of a packet's contents, checked before it is decoded: a walk over lengths, which creates
 * no strings and no objects, and stops at the first exceeded limit.
 *
 * @module
 */
import {
  PacketType,
  ProtocolError,
  type ProtocolVersion,
  readVarint,
  ReasonCode,
  varintSize,
} from "../../codec/mod.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { LimitReason } from "../base/stats.ts";

/** Bytes of the smallest User Property: its identifier, and two empty strings. */
const PAIR_BYTES_MIN = 5;
/** Bytes of the smallest filter: its length, a character and, in SUBSCRIBE, its options. */
const FILTER_BYTES_MIN = 3;
const USER_PROPERTY = 0x26;
/** Bytes of the longest fixed header. */
const HEADER_BYTES_MAX = 5;

/** A packet that exceeds a limit. */
export class PacketLimitError extends ProtocolError {
  /** The exceeded limit. */
  readonly limit: LimitReason;

  constructor(limit: LimitReason, message: string) {
    super(message, 0, "§4.13", ReasonCode.QuotaExceeded);
    this.limit = limit;
  }
}

/** The body up to which no packet can exceed a limit, in bytes. */
export function harmlessBytes(limits: BrokerLimits): number {
  return Math.min(
    limits.requestBytesMax - HEADER_BYTES_MAX,
    limits.userPropertiesMax * PAIR_BYTES_MIN,
    limits.userPropertyBytesMax,
    limits.filtersPerPacketMax * FILTER_BYTES_MIN,
  );
}

/**
 * Checks the size of a packet of a client that is connected, as far as its header tells it.
 *
 * @param bytes The whole packet, in bytes.
 * @throws {PacketLimitError} If it is no PUBLISH, and larger than `requestBytesMax`.
 */
export function checkRequestBytes(limits: BrokerLimits, first: number, bytes: number): void {
  if (first >> 4 === PacketType.publish || bytes <= limits.requestBytesMax) return;
  throw new PacketLimitError(
    "packet-bytes",
    `Packet of ${bytes} bytes, of at most ${limits.requestBytesMax} where it is no PUBLISH`,
  );
}

/**
 * Checks the packet whose body is `bytes[start, end)`. Malformed packets are left to the decoder.
 *
 * @param first The first byte of its header.
 * @throws {PacketLimitError} If it exceeds a limit.
 */
export function checkPacket(
  limits: BrokerLimits,
  version: ProtocolVersion,
  first: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const type = first >> 4;
  let at = propertiesStart(type, first, bytes, start);
  if (version === 5) at = checkProperties(limits, bytes, at, end);
  if (type === PacketType.subscribe) checkFilters(limits, bytes, at, end, 1);
  else if (type === PacketType.unsubscribe) checkFilters(limits, bytes, at, end, 0);
}

/** The start of the properties in a client's packet, or of the following field if it has none. */
function propertiesStart(type: number, first: number, bytes: Uint8Array, start: number): number {
  switch (type) {
    case PacketType.publish:
      return start + 2 + uint16(bytes, start) + ((first & 0x06) === 0 ? 0 : 2);
    case PacketType.disconnect:
    case PacketType.auth:
      return start + 1;
    case PacketType.subscribe:
    case PacketType.unsubscribe:
      return start + 2;
    default:
      return start + 3;
  }
}

/** Returns the start of the field after the properties. */
function checkProperties(
  limits: BrokerLimits,
  bytes: Uint8Array,
  start: number,
  bodyEnd: number,
): number {
  const length = readVarint(bytes, start, bodyEnd);
  if (length <= 0) return start + 1;
  const first = start + varintSize(length);
  const end = Math.min(first + length, bodyEnd);
  if (length <= Math.min(limits.userPropertiesMax * PAIR_BYTES_MIN, limits.userPropertyBytesMax)) {
    return end;
  }
  let count = 0;
  let size = 0;
  for (let at = first; at < end;) {
    const next = propertyEnd(bytes, at, end);
    if (bytes[at] === USER_PROPERTY) {
      count++;
      size += next - at;
    }
    if (count > limits.userPropertiesMax || size > limits.userPropertyBytesMax) {
      throw new PacketLimitError(
        "user-properties",
        `More than ${limits.userPropertiesMax} user properties, or ${limits.userPropertyBytesMax} bytes of them`,
      );
    }
    at = next;
  }
  return end;
}

/** The end of a property; an unknown one ends the walk. */
function propertyEnd(bytes: Uint8Array, at: number, end: number): number {
  switch (bytes[at]) {
    case 0x01:
    case 0x17:
    case 0x19:
    case 0x24:
    case 0x25:
    case 0x28:
    case 0x29:
    case 0x2a:
      return at + 2;
    case 0x13:
    case 0x21:
    case 0x22:
    case 0x23:
      return at + 3;
    case 0x02:
    case 0x11:
    case 0x18:
    case 0x27:
      return at + 5;
    case 0x0b: {
      const value = readVarint(bytes, at + 1, end);
      return value < 0 ? end : at + 1 + varintSize(value);
    }
    case USER_PROPERTY: {
      const value = at + 3 + uint16(bytes, at + 1);
      return value + 2 + uint16(bytes, value);
    }
    case 0x03:
    case 0x08:
    case 0x09:
    case 0x12:
    case 0x15:
    case 0x16:
    case 0x1a:
    case 0x1c:
    case 0x1f:
      return at + 3 + uint16(bytes, at + 1);
    default:
      return end;
  }
}

function checkFilters(
  limits: BrokerLimits,
  bytes: Uint8Array,
  start: number,
  end: number,
  optionBytes: number,
): void {
  const { filtersPerPacketMax } = limits;
  let count = 0;
  for (let at = start; at < end; count++) {
    if (count >= filtersPerPacketMax) {
      throw new PacketLimitError("filters", `More than ${filtersPerPacketMax} filters in a packet`);
    }
    at += 2 + uint16(bytes, at) + optionBytes;
  }
}

/** A two-byte integer; bytes beyond the end count as 0. */
function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) << 8 | (bytes[at + 1] ?? 0);
}
