/**
 * SUBSCRIBE (§3.8): a request for messages.
 *
 * @module
 */
import { BodyReader } from "./body_reader.ts";
import { MalformedPacketError, ProtocolError } from "./errors.ts";
import { checkInteger, checkPacketId, stringSize, writeString, writeUint16 } from "./fields.ts";
import { expectRequestFlags, frameSize, writeFixedHeader } from "./fixed_header.ts";
import type { Properties } from "./properties.ts";
import { readProperties } from "./property_reader.ts";
import { propertiesSize, writeProperties } from "./property_writer.ts";
import type { ProtocolVersion, QoS } from "./protocol.ts";
import type { Tolerance } from "./tolerance.ts";

/** One filter of a SUBSCRIBE, with its options. */
export interface SubscriptionRequest {
  /** The topic filter, with `$share/…` if it is shared. */
  filter: string;
  /** Maximum QoS of the messages. */
  qos: QoS;
  /** No Local: whether the client's own messages are left out; false in 3.x. */
  noLocal: boolean;
  /**
   * Retain As Published: whether messages keep the RETAIN flag of their publisher; false in 3.x.
   */
  retainAsPublished: boolean;
  /** Retain Handling: 0 sends retained messages, 1 only if the subscription is new, 2 never. */
  retainHandling: 0 | 1 | 2;
}

/** A request to subscribe. */
export interface SubscribePacket {
  /** Which packet this is. */
  type: "subscribe";
  /** The identifier of the request, 1 to 65_535. */
  packetId: number;
  /** Properties of the request; empty in 3.x. */
  properties: Properties;
  /** One entry per filter, at least one. */
  subscriptions: SubscriptionRequest[];
}

const NO_LOCAL = 0x04;
const RETAIN_AS_PUBLISHED = 0x08;
const RETAIN_HANDLING_SHIFT = 4;

/**
 * Decodes the body of a SUBSCRIBE.
 *
 * @param tolerance The faults to tolerate; none by default.
 * @throws {MalformedPacketError} If the body or an options byte is ill-formed.
 * @throws {ProtocolError} If there is no filter, Retain Handling is 3, a shared subscription has No
 * Local, or a property has an invalid value.
 */
export function decodeSubscribe(
  version: ProtocolVersion,
  first: number,
  body: Uint8Array,
  tolerance: Tolerance | null = null,
): SubscribePacket {
  expectRequestFlags(version, first, "MQTT-3.8.1-1");
  const reader = new BodyReader(body, tolerance);
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, "subscribe") : {};
  if (reader.offset === reader.end) {
    throw new ProtocolError("SUBSCRIBE without a filter", reader.position, "MQTT-3.8.3-2");
  }
  const subscriptions: SubscriptionRequest[] = [];
  while (reader.offset < reader.end) subscriptions.push(readSubscription(reader, version));
  return { type: "subscribe", packetId, properties, subscriptions };
}

function readSubscription(reader: BodyReader, version: ProtocolVersion): SubscriptionRequest {
  const filter = reader.string();
  const at = reader.position;
  const options = reader.uint8();
  if ((options & 0b11) === 3) throw new MalformedPacketError("QoS is 3", at, "§3.8.3.1");
  if ((options & (version === 5 ? 0xc0 : 0xfc)) !== 0) {
    const clause = version === 5 ? "MQTT-3.8.3-5" : "3.1.1 MQTT-3.8.3-4";
    throw new MalformedPacketError("Reserved subscription options are set", at, clause);
  }
  const retainHandling = options >> RETAIN_HANDLING_SHIFT;
  if (retainHandling === 3) throw new ProtocolError("Retain Handling is 3", at, "§3.8.3.1");
  const noLocal = (options & NO_LOCAL) !== 0;
  if (noLocal && isShared(filter)) {
    throw new ProtocolError("No Local on a shared subscription", at, "MQTT-3.8.3-4");
  }
  return {
    filter,
    qos: (options & 0b11) as QoS,
    noLocal,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

function isShared(filter: string): boolean {
  return filter.startsWith("$share/");
}

/**
 * Counts the bytes of the whole packet.
 *
 * @throws {RangeError} If there is no filter or a number out of range.
 * @throws {TypeError} If a string or property cannot be sent, or a shared subscription has No
 * Local.
 */
export function subscribeSize(packet: SubscribePacket, version: ProtocolVersion): number {
  return frameSize(bodySize(packet, version));
}

/**
 * Writes the whole packet; returns the offset after it. Throws before the first
 * byte. In 3.x all options but the QoS are left out.
 */
export function writeSubscribe(
  packet: SubscribePacket,
  version: ProtocolVersion,
  target: Uint8Array,
  offset: number,
): number {
  offset = writeFixedHeader(0x82, bodySize(packet, version), target, offset);
  offset = writeUint16(packet.packetId, target, offset);
  if (version === 5) offset = writeProperties(packet.properties, "subscribe", target, offset);
  for (const request of packet.subscriptions) {
    offset = writeString(request.filter, target, offset);
    target[offset++] = version === 5 ? optionsByte(request) : request.qos;
  }
  return offset;
}

function bodySize(packet: SubscribePacket, version: ProtocolVersion): number {
  checkPacketId(packet.packetId);
  if (packet.subscriptions.length === 0) throw new RangeError("Cannot write SUBSCRIBE: no filter");
  let size = 2 + (version === 5 ? propertiesSize(packet.properties, "subscribe") : 0);
  for (const request of packet.subscriptions) {
    checkInteger("a QoS", request.qos, 0, 2);
    checkInteger("a Retain Handling", request.retainHandling, 0, 2);
    if (version === 5 && request.noLocal && isShared(request.filter)) {
      throw new TypeError(`Cannot write No Local on a shared subscription: ${request.filter}`);
    }
    size += stringSize(request.filter) + 1;
  }
  return size;
}

function optionsByte(request: SubscriptionRequest): number {
  return request.qos | (request.noLocal ? NO_LOCAL : 0) |
    (request.retainAsPublished ? RETAIN_AS_PUBLISHED : 0) |
    request.retainHandling << RETAIN_HANDLING_SHIFT;
}
