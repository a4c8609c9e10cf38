/** Handles each kind of packet after CONNACK, except PUBLISH. */
import {
  type DisconnectPacket,
  MalformedPacketError,
  type Packet,
  PacketType,
  ProtocolError,
  ReasonCode,
} from "../../codec/mod.ts";
import { ackAfter, sendControl } from "./responses.ts";
import type { ClientConnection } from "./client_connection.ts";
import type { Session } from "../session/session.ts";
import { subscribe } from "./handle_subscribe.ts";
import { unsubscribe } from "./handle_unsubscribe.ts";

/**
 * Handles a packet, other than PUBLISH, of an accepted client.
 *
 * @returns A promise to wait for before the next packet, if any.
 * @throws {PacketError} If the client must not send it, or not in this state.
 */
export function handlePacket(
  connection: ClientConnection,
  packet: Packet,
): PromiseLike<void> | null {
  const session = connection.session!;
  switch (packet.type) {
    case "puback":
      handlePuback(session, packet.packetId, packet.reasonCode);
      return null;
    case "pubrec":
      handlePubrec(session, packet.packetId, packet.reasonCode);
      return null;
    case "pubrel":
      handlePubrel(connection, packet.packetId);
      return null;
    case "pubcomp":
      handlePubcomp(session, packet.packetId);
      return null;
    case "subscribe":
      return subscribe(connection, packet);
    case "unsubscribe":
      return unsubscribe(connection, packet);
    case "pingreq":
      sendControl(connection, { type: "pingresp" });
      return null;
    case "disconnect":
      handleDisconnect(connection, packet);
      return null;
    case "auth":
      if (connection.flow !== null) return connection.flow.reauthenticate(packet);
      throw new ProtocolError("AUTH without a method in CONNECT", 0, "MQTT-4.12.0-7");
    case "connect":
      throw new ProtocolError("Second CONNECT", 0, "MQTT-3.1.0-2");
    default:
      throw new ProtocolError(`Packet ${packet.type} from a client`, 0, "§2.1.2");
  }
}

/** The client ends the connection, and may change how long its session outlives it (§3.14). */
function handleDisconnect(connection: ClientConnection, packet: DisconnectPacket): void {
  const session = connection.session!;
  const { sessionExpiryInterval: expirySeconds } = packet.properties;
  if (expirySeconds !== undefined) {
    if (session.expirySeconds === 0 && expirySeconds > 0) {
      throw new ProtocolError("Session Expiry Interval was 0 in CONNECT", 0, "§3.14.2.2.2");
    }
    session.expirySeconds = Math.min(expirySeconds, connection.policy.sessionExpirySecondsMax);
  }
  connection.onDisconnect(packet.reasonCode);
}

/**
 * Whether a packet is an acknowledgement without a reason code or properties, as nearly all are:
 * a PUBACK, PUBREC, PUBREL or PUBCOMP with the right flags and a body of two bytes.
 */
export function isBareAck(first: number, bodyBytes: number): boolean {
  return bodyBytes === 2 && (first === 0x40 || first === 0x50 || first === 0x62 || first === 0x70);
}

/**
 * Handles what {@linkcode isBareAck} says is one, without an object for it.
 *
 * @param first The first byte of the packet.
 * @throws {PacketError} If its identifier is 0, or waits for an answer of another kind.
 */
export function handleBareAck(connection: ClientConnection, first: number, packetId: number): void {
  if (packetId === 0) throw new MalformedPacketError("Packet identifier is 0", 0, "MQTT-2.2.1-3");
  const session = connection.session!;
  if (first === 0x40) handlePuback(session, packetId, ReasonCode.Success);
  else if (first === 0x50) handlePubrec(session, packetId, ReasonCode.Success);
  else if (first === 0x62) handlePubrel(connection, packetId);
  else handlePubcomp(session, packetId);
}

/** Handles PUBACK of a message of this node, or of a stream of another one. */
function handlePuback(session: Session, packetId: number, reasonCode: number): void {
  if (session.replays?.onAnswer(PacketType.puback, packetId, reasonCode)) return;
  session.inflightMessages?.puback(packetId, reasonCode);
}

/** Handles PUBCOMP, in the same way. */
function handlePubcomp(session: Session, packetId: number): void {
  if (session.replays?.onAnswer(PacketType.pubcomp, packetId, ReasonCode.Success)) return;
  session.inflightMessages?.pubcomp(packetId);
}

/**
 * Handles PUBREC: sends PUBREL. An unknown identifier gets a PUBREL, too, unless the client has
 * refused the message: then nothing is left to release [MQTT-4.3.3-4].
 */
function handlePubrec(session: Session, packetId: number, reasonCode: number): void {
  if (session.replays?.onAnswer(PacketType.pubrec, packetId, reasonCode)) return;
  if (session.inflightMessages?.pubrec(packetId, reasonCode) || reasonCode >= 0x80) return;
  session.link?.sendPubrel(packetId, ReasonCode.PacketIdentifierNotFound);
}

/** Handles PUBREL: releases a QoS 2 message [MQTT-4.3.3-11]. */
function handlePubrel(connection: ClientConnection, packetId: number): void {
  const session = connection.session!;
  const isKnown = session.inbound.release(packetId);
  if (isKnown) session.queue.markChanged();
  const isFault = !isKnown && connection.version === 5;
  const reasonCode = isFault ? ReasonCode.PacketIdentifierNotFound : ReasonCode.Success;
  // PUBCOMP frees the identifier for the client, so the release must survive a crash.
  const commit = session.durableAfter();
  ackAfter(connection, commit, PacketType.pubcomp, packetId, reasonCode);
}
