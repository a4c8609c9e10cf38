/**
 * Any packet: decoding by the first byte, encoding by the type.
 *
 * @module
 */
import { type AckPacket, ackSize, decodeAck, writeAck } from "./ack.ts";
import { type AuthPacket, authSize, decodeAuth, writeAuth } from "./auth.ts";
import { type ConnackPacket, connackSize, decodeConnack, writeConnack } from "./connack.ts";
import { type ConnectPacket, connectSize, decodeConnect, writeConnect } from "./connect.ts";
import {
  decodeDisconnect,
  type DisconnectPacket,
  disconnectSize,
  writeDisconnect,
} from "./disconnect.ts";
import { MalformedPacketError } from "./errors.ts";
import {
  decodePingreq,
  decodePingresp,
  type PingreqPacket,
  type PingrespPacket,
  pingSize,
  writePing,
} from "./ping.ts";
import { PacketType, type ProtocolVersion } from "./protocol.ts";
import { decodePublish, type PublishPacket, publishSize, writePublish } from "./publish.ts";
import { decodeSuback, type SubackPacket, subackSize, writeSuback } from "./suback.ts";
import {
  decodeSubscribe,
  type SubscribePacket,
  subscribeSize,
  writeSubscribe,
} from "./subscribe.ts";
import type { Tolerance } from "./tolerance.ts";
import { decodeUnsuback, type UnsubackPacket, unsubackSize, writeUnsuback } from "./unsuback.ts";
import {
  decodeUnsubscribe,
  type UnsubscribePacket,
  unsubscribeSize,
  writeUnsubscribe,
} from "./unsubscribe.ts";

/** Any packet. `type` says which. */
export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;

/**
 * Decodes one packet. It checks that strings are UTF-8. It does not check topics and filters, or
 * whether the peer may send this packet now.
 *
 * Binary fields of the result share memory with `body`. Copy them to keep them.
 *
 * @param version The protocol version of the connection. It is ignored for CONNECT.
 * @param first The first byte of the fixed header.
 * @param body The bytes after the fixed header: exactly as many as its Remaining Length.
 * @param tolerance The faults to tolerate; none by default.
 * @throws {MalformedPacketError} If the bytes are not a packet of this version.
 * @throws {ProtocolError} If the packet has content that the protocol forbids.
 */
export function decodePacket(
  version: ProtocolVersion,
  first: number,
  body: Uint8Array,
  tolerance: Tolerance | null = null,
): Packet {
  switch (first >> 4) {
    case PacketType.connect:
      return decodeConnect(first, body, tolerance);
    case PacketType.connack:
      return decodeConnack(version, first, body, tolerance);
    case PacketType.publish:
      return decodePublish(version, first, body, tolerance);
    case PacketType.puback:
      return decodeAck("puback", version, first, body, tolerance);
    case PacketType.pubrec:
      return decodeAck("pubrec", version, first, body, tolerance);
    case PacketType.pubrel:
      return decodeAck("pubrel", version, first, body, tolerance);
    case PacketType.pubcomp:
      return decodeAck("pubcomp", version, first, body, tolerance);
    case PacketType.subscribe:
      return decodeSubscribe(version, first, body, tolerance);
    case PacketType.suback:
      return decodeSuback(version, first, body, tolerance);
    case PacketType.unsubscribe:
      return decodeUnsubscribe(version, first, body, tolerance);
    case PacketType.unsuback:
      return decodeUnsuback(version, first, body, tolerance);
    case PacketType.pingreq:
      return decodePingreq(first, body);
    case PacketType.pingresp:
      return decodePingresp(first, body);
    case PacketType.disconnect:
      return decodeDisconnect(version, first, body, tolerance);
    case PacketType.auth:
      return decodeAuth(version, first, body, tolerance);
    default:
      throw new MalformedPacketError("Packet type 0 is reserved", 0, "§2.1.2");
  }
}

/**
 * Counts the bytes of the whole packet, fixed header included.
 *
 * @throws {RangeError} If something in the packet is too long or out of range.
 * @throws {TypeError} If something in the packet cannot be sent at all.
 */
export function packetSize(packet: Packet, version: ProtocolVersion): number {
  switch (packet.type) {
    case "connect":
      return connectSize(packet);
    case "connack":
      return connackSize(packet, version);
    case "publish":
      return publishSize(packet, version);
    case "subscribe":
      return subscribeSize(packet, version);
    case "suback":
      return subackSize(packet, version);
    case "unsubscribe":
      return unsubscribeSize(packet, version);
    case "unsuback":
      return unsubackSize(packet, version);
    case "pingreq":
    case "pingresp":
      return pingSize();
    case "disconnect":
      return disconnectSize(packet, version);
    case "auth":
      return authSize(packet, version);
    default:
      return ackSize(packet, version);
  }
}

/**
 * Writes a whole packet. It leaves out properties and Reason Codes that the version does not have.
 *
 * @returns The offset after the packet.
 * @throws {RangeError} If something in the packet is too long or out of range, or `target` is too
 * short. Nothing is written then.
 * @throws {TypeError} If something in the packet cannot be sent at all.
 */
export function writePacket(
  packet: Packet,
  version: ProtocolVersion,
  target: Uint8Array,
  offset: number,
): number {
  switch (packet.type) {
    case "connect":
      return writeConnect(packet, target, offset);
    case "connack":
      return writeConnack(packet, version, target, offset);
    case "publish":
      return writePublish(packet, version, target, offset);
    case "subscribe":
      return writeSubscribe(packet, version, target, offset);
    case "suback":
      return writeSuback(packet, version, target, offset);
    case "unsubscribe":
      return writeUnsubscribe(packet, version, target, offset);
    case "unsuback":
      return writeUnsuback(packet, version, target, offset);
    case "pingreq":
    case "pingresp":
      return writePing(packet, target, offset);
    case "disconnect":
      return writeDisconnect(packet, version, target, offset);
    case "auth":
      return writeAuth(packet, version, target, offset);
    default:
      return writeAck(packet, version, target, offset);
  }
}

/**
 * Encodes a whole packet.
 *
 * @returns Bytes that belong to the caller. Their `buffer` may contain other bytes too.
 * @throws {RangeError} If something in the packet is too long or out of range.
 * @throws {TypeError} If something in the packet cannot be sent at all.
 */
export function encodePacket(packet: Packet, version: ProtocolVersion): Uint8Array {
  const bytes = allocate(packetSize(packet, version));
  writePacket(packet, version, bytes, 0);
  return bytes;
}

const SLAB_BYTES = 8192;

/** Packets up to this size, mostly acknowledgements, share a large buffer. */
const SHARING_BYTES_MAX = 512;

let slab = new Uint8Array(SLAB_BYTES);
let slabUsedBytes = 0;

/**
 * Takes small arrays from a shared buffer, because a new buffer costs ten times as much as the
 * encoding.
 */
function allocate(size: number): Uint8Array {
  if (size > SHARING_BYTES_MAX) return new Uint8Array(size);
  if (slabUsedBytes + size > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsedBytes = 0;
  }
  return slab.subarray(slabUsedBytes, slabUsedBytes += size);
}
