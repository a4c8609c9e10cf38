/**
 * CONNECT (§3.1): the first packet of a client. It is the only packet that contains its protocol
 * version.
 *
 * @module
 */
import { BodyReader } from "./body_reader.ts";
import { MalformedPacketError, UnsupportedVersionError } from "./errors.ts";
import {
  binarySize,
  checkInteger,
  stringSize,
  writeBinary,
  writeString,
  writeUint16,
} from "./fields.ts";
import { expectFlags, frameSize, writeFixedHeader } from "./fixed_header.ts";
import type { Properties } from "./properties.ts";
import { readProperties } from "./property_reader.ts";
import { propertiesSize, writeProperties } from "./property_writer.ts";
import { answerVersionOf, type ProtocolVersion, type QoS } from "./protocol.ts";
import type { Tolerance } from "./tolerance.ts";

/** The Will Message, which a server publishes when it loses the client. */
export interface Will {
  /** The Will Topic. */
  topic: string;
  /** The Will Payload. When decoded, it shares memory with the body. */
  payload: Uint8Array;
  /** The Will QoS. */
  qos: QoS;
  /** Will Retain. */
  retain: boolean;
  /** Properties of the will; empty in 3.x. */
  properties: Properties;
}

/** A client's request to connect. */
export interface ConnectPacket {
  /** Which packet this is. */
  type: "connect";
  /** The protocol version of this packet and of all later ones. */
  protocolVersion: ProtocolVersion;
  /**
   * Whether the client is a bridge of 3.1 or 3.1.1. A bridge, such as mosquitto's, sets the highest
   * bit of the protocol level (0x83, 0x84). Its subscriptions then have No Local and Retain As
   * Published. False by default. A bridge of 5.0 sets these options in each SUBSCRIBE.
   */
  isBridge?: boolean;
  /** Clean Start: whether the server discards an older session. Clean Session in 3.x. */
  cleanStart: boolean;
  /** The Keep Alive in seconds; 0 for none. */
  keepAlive: number;
  /** The client identifier; may be empty. */
  clientId: string;
  /** Properties of the connection; empty in 3.x. */
  properties: Properties;
  /** The Will Message, or `null`. */
  will: Will | null;
  /** The user name, or `null`. */
  username: string | null;
  /** The password, or `null`. When decoded, it shares memory with the body. */
  password: Uint8Array | null;
}

/** The bit of the protocol level that a bridge of 3.x sets. */
const BRIDGE = 0x80;
const RESERVED = 0x01;
const CLEAN_START = 0x02;
const WILL = 0x04;
const WILL_QOS = 0x18;
const WILL_RETAIN = 0x20;
const PASSWORD = 0x40;
const USERNAME = 0x80;

/**
 * Decodes the body of a CONNECT of any version.
 *
 * @param tolerance The faults to tolerate; none by default.
 * @throws {UnsupportedVersionError} If the protocol name or level is unknown.
 * @throws {MalformedPacketError} If the body or its flags are ill-formed.
 * @throws {ProtocolError} If a property has an invalid value.
 */
export function decodeConnect(
  first: number,
  body: Uint8Array,
  tolerance: Tolerance | null = null,
): ConnectPacket {
  const reader = new BodyReader(body, tolerance);
  const level = readLevel(reader);
  const version = (level & ~BRIDGE) as ProtocolVersion;
  // MQTT 3.1 gave these bits to DUP, QoS and RETAIN, and did not use them here (3.1 §2.1, §3.1).
  if (version !== 3) expectFlags(first, 0, "MQTT-2.1.3-1");
  const flags = readFlags(reader, version);
  const keepAlive = reader.uint16();
  const properties = version === 5 ? readProperties(reader, "connect") : {};
  const clientId = reader.string();
  const will = (flags & WILL) === 0 ? null : readWill(reader, version, flags);
  const username = isPresent(reader, version, flags & USERNAME) ? reader.string() : null;
  const password = isPresent(reader, version, flags & PASSWORD) ? reader.binary() : null;
  reader.finish();
  return {
    type: "connect",
    protocolVersion: version,
    ...level === version ? {} : { isBridge: true },
    cleanStart: (flags & CLEAN_START) !== 0,
    keepAlive,
    clientId,
    properties,
    will,
    username,
    password,
  };
}

/** The protocol level, which is a version, with or without {@linkcode BRIDGE}. */
function readLevel(reader: BodyReader): number {
  const name = reader.string();
  const level = reader.uint8();
  if (name === "MQTT" && (level === 4 || level === 5 || level === (BRIDGE | 4))) return level;
  if (name === "MQIsdp" && (level === 3 || level === (BRIDGE | 3))) return level;
  const known = name === "MQTT" || name === "MQIsdp";
  const clause = known ? "MQTT-3.1.2-2" : "MQTT-3.1.2-1";
  const message = known ? `Unknown level of ${name}: ${level}` : "Unknown protocol name";
  const at = known ? reader.position - 1 : 0;
  const answerVersion = name === "MQIsdp" ? 3 : answerVersionOf(level);
  throw new UnsupportedVersionError(message, at, clause, level, answerVersion);
}

function readFlags(reader: BodyReader, version: ProtocolVersion): number {
  const at = reader.position;
  const flags = reader.uint8();
  // MQTT 3.1 left bit 0 unused without forbidding it.
  if ((flags & RESERVED) !== 0 && version !== 3) {
    throw new MalformedPacketError("The reserved connect flag is set", at, "MQTT-3.1.2-3");
  }
  if ((flags & WILL_QOS) === WILL_QOS) {
    throw new MalformedPacketError("Will QoS is 3", at, "MQTT-3.1.2-12");
  }
  if ((flags & WILL) === 0 && (flags & (WILL_QOS | WILL_RETAIN)) !== 0) {
    const clause = (flags & WILL_QOS) !== 0 ? "MQTT-3.1.2-11" : "MQTT-3.1.2-13";
    throw new MalformedPacketError("Will flags without a will", at, clause);
  }
  if (version !== 5 && (flags & (PASSWORD | USERNAME)) === PASSWORD) {
    throw new MalformedPacketError("Password without user name", at, "3.1.1 MQTT-3.1.2-22");
  }
  return flags;
}

function readWill(reader: BodyReader, version: ProtocolVersion, flags: number): Will {
  const properties = version === 5 ? readProperties(reader, "will") : {};
  return {
    topic: reader.string(),
    payload: reader.binary(),
    qos: (flags & WILL_QOS) >> 3 as QoS,
    retain: (flags & WILL_RETAIN) !== 0,
    properties,
  };
}

/**
 * Whether a field follows that a flag announces. In MQTT 3.1 the length of the packet overrides
 * these flags, for older clients.
 */
function isPresent(reader: BodyReader, version: ProtocolVersion, flag: number): boolean {
  return flag !== 0 && (version !== 3 || reader.offset < reader.end);
}

/**
 * Counts the bytes of the whole packet.
 *
 * @throws {RangeError} If a field is too long or a number out of range.
 * @throws {TypeError} If a string or property cannot be sent, a password in
 * 3.x lacks its user name, or a bridge is one of 5.0.
 */
export function connectSize(packet: ConnectPacket): number {
  return frameSize(bodySize(packet));
}

/** Writes the whole packet; returns the offset after it. Throws before the first byte. */
export function writeConnect(packet: ConnectPacket, target: Uint8Array, offset: number): number {
  const { protocolVersion: version, will } = packet;
  offset = writeFixedHeader(0x10, bodySize(packet), target, offset);
  offset = writeString(version === 3 ? "MQIsdp" : "MQTT", target, offset);
  target[offset++] = packet.isBridge ? version | BRIDGE : version;
  target[offset++] = connectFlags(packet);
  offset = writeUint16(packet.keepAlive, target, offset);
  if (version === 5) offset = writeProperties(packet.properties, "connect", target, offset);
  offset = writeString(packet.clientId, target, offset);
  if (will !== null) {
    if (version === 5) offset = writeProperties(will.properties, "will", target, offset);
    offset = writeString(will.topic, target, offset);
    offset = writeBinary(will.payload, target, offset);
  }
  if (packet.username !== null) offset = writeString(packet.username, target, offset);
  if (packet.password !== null) offset = writeBinary(packet.password, target, offset);
  return offset;
}

function bodySize(packet: ConnectPacket): number {
  const { protocolVersion: version, will } = packet;
  checkInteger("a protocol version", version, 3, 5);
  checkInteger("a keep alive", packet.keepAlive, 0, 0xffff);
  if (version === 5 && packet.isBridge) {
    throw new TypeError("Cannot write a bridge of MQTT 5.0: it has no level of its own");
  }
  if (version !== 5 && packet.username === null && packet.password !== null) {
    throw new TypeError("Cannot write a password without a user name in MQTT 3.x");
  }
  let size = (version === 3 ? 8 : 6) + 4 + stringSize(packet.clientId);
  if (version === 5) size += propertiesSize(packet.properties, "connect");
  if (will !== null) {
    checkInteger("a will QoS", will.qos, 0, 2);
    size += stringSize(will.topic) + binarySize(will.payload);
    if (version === 5) size += propertiesSize(will.properties, "will");
  }
  if (packet.username !== null) size += stringSize(packet.username);
  if (packet.password !== null) size += binarySize(packet.password);
  return size;
}

function connectFlags(packet: ConnectPacket): number {
  const { will } = packet;
  const willFlags = will === null ? 0 : WILL | will.qos << 3 | (will.retain ? WILL_RETAIN : 0);
  return willFlags | (packet.cleanStart ? CLEAN_START : 0) |
    (packet.username === null ? 0 : USERNAME) | (packet.password === null ? 0 : PASSWORD);
}
