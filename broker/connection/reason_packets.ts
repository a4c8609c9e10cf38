/** Sends CONNACK and DISCONNECT with the reason of a refusal or a disconnect. */
import {
  ConnectReturnCode,
  encodePacket,
  isReasonCodeAllowed,
  type Packet,
  packetSize,
  type Properties,
  type ProtocolVersion,
  ReasonCode,
  writePacket,
} from "../../codec/mod.ts";
import type { ClientConnection } from "./client_connection.ts";
import { sendControl } from "./responses.ts";

/** The 3.x return code of each reason of 5.0 that has one. */
const RETURN_CODES: ReadonlyMap<number, number> = new Map([
  [ReasonCode.UnsupportedProtocolVersion, ConnectReturnCode.UnacceptableProtocolVersion],
  [ReasonCode.ClientIdentifierNotValid, ConnectReturnCode.IdentifierRejected],
  [ReasonCode.ServerUnavailable, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.ServerBusy, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.ServerShuttingDown, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.QuotaExceeded, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.UseAnotherServer, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.ServerMoved, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.ConnectionRateExceeded, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.BadUserNameOrPassword, ConnectReturnCode.BadUserNameOrPassword],
  [ReasonCode.NotAuthorized, ConnectReturnCode.NotAuthorized],
  [ReasonCode.Banned, ConnectReturnCode.NotAuthorized],
  [ReasonCode.BadAuthenticationMethod, ConnectReturnCode.NotAuthorized],
]);

/** Maps a reason code to one that CONNACK may have [MQTT-3.2.2-8]. */
function connackCode(reasonCode: number): number {
  const isRefusal = reasonCode >= 0x80 && isReasonCodeAllowed("connack", reasonCode);
  return isRefusal ? reasonCode : ReasonCode.UnspecifiedError;
}

/** The Server Reference, for the reason codes that may have one [MQTT-4.11]. */
function referenceFor(connection: ClientConnection, reasonCode: number): Properties {
  const { serverReference } = connection.context.settings;
  const isMoved = reasonCode === ReasonCode.UseAnotherServer ||
    reasonCode === ReasonCode.ServerMoved;
  return isMoved && serverReference !== null ? { serverReference } : {};
}

/**
 * Sends a packet with a Reason String, or without it if the packet would be too large for the
 * client.
 */
function sendWithReason<P extends { readonly properties: Properties }>(
  packet: P,
  reasonString: string | undefined,
  send: (packet: P) => boolean,
): void {
  const isSent = reasonString !== undefined &&
    send({ ...packet, properties: { ...packet.properties, reasonString } });
  if (!isSent) send(packet);
}

/**
 * Sends the CONNACK of a refusal, with a Reason String if it fits. Sends nothing if the version of
 * the client has no code for it.
 */
export function sendRefusal(
  connection: ClientConnection,
  reasonCode: number,
  reasonString: string | undefined,
): void {
  const isV5 = connection.version === 5;
  const code = isV5 ? connackCode(reasonCode) : RETURN_CODES.get(reasonCode);
  // There is no return code for it: the connection is closed without CONNACK [MQTT-3.2.2-6].
  if (code === undefined) return;
  const properties = isV5 ? referenceFor(connection, reasonCode) : {};
  const refusal = { type: "connack", sessionPresent: false, reasonCode: code, properties } as const;
  sendWithReason(
    refusal,
    isV5 ? reasonString : undefined,
    (packet) => sendControl(connection, packet),
  );
}

/**
 * Sends a DISCONNECT to a 5.0 client, with a Reason String if it fits [MQTT-3.14.2-3].
 *
 * @param code The reason code. One that DISCONNECT may not have is sent as a Protocol Error.
 * @param drain Whether it is sent after the waiting messages, or before them.
 */
export function sendDisconnect(
  connection: ClientConnection,
  code: number,
  reasonString: string | undefined,
  drain: boolean,
): void {
  const reasonCode = isReasonCodeAllowed("disconnect", code) ? code : ReasonCode.ProtocolError;
  const properties = referenceFor(connection, reasonCode);
  sendWithReason(
    { type: "disconnect", reasonCode, properties } as const,
    reasonString,
    (packet) => drain ? sendBehind(connection, packet) : sendControl(connection, packet),
  );
}

/** Sends a packet after the waiting messages, unless it is too large for the client. */
function sendBehind({ outbox, wire }: ClientConnection, packet: Packet): boolean {
  const size = packetSize(packet, 5);
  if (size > wire.packetBytesMax) return false;
  const offset = outbox.reserve(size, true);
  writePacket(packet, 5, outbox.buffer, offset);
  outbox.commit(size);
  return true;
}

/** The packet for a client beyond the limit of connections, before it is closed. */
export function busyConnack(version: ProtocolVersion, code: number): Uint8Array {
  const reasonCode = version === 5 ? code : ConnectReturnCode.ServerUnavailable;
  return encodePacket(
    { type: "connack", sessionPresent: false, reasonCode, properties: {} },
    version,
  );
}
