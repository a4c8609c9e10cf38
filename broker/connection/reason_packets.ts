/** CONNACK and DISCONNECT that tell a client why it is refused or disconnected. */
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

/** A code that CONNACK can carry [MQTT-3.2.2-8]. */
function connackCode(reasonCode: number): number {
  const isRefusal = reasonCode >= 0x80 && isReasonCodeAllowed("connack", reasonCode);
  return isRefusal ? reasonCode : ReasonCode.UnspecifiedError;
}

/** The server to go to instead, if the reason is that there is another one [MQTT-4.11]. */
function referenceFor(connection: ClientConnection, reasonCode: number): Properties {
  const { serverReference } = connection.context.settings;
  const isMoved = reasonCode === ReasonCode.UseAnotherServer ||
    reasonCode === ReasonCode.ServerMoved;
  return isMoved && serverReference !== null ? { serverReference } : {};
}

/** Sends a packet with a Reason String, or without it if the client takes none of that size. */
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
 * Sends a CONNACK that says why a client is not accepted, with the reason in words if that fits;
 * nothing if no code of its version says it.
 */
export function sendRefusal(
  connection: ClientConnection,
  reasonCode: number,
  reasonString: string | undefined,
): void {
  const isV5 = connection.version === 5;
  const code = isV5 ? connackCode(reasonCode) : RETURN_CODES.get(reasonCode);
  // No return code says it: the connection is closed without a word [MQTT-3.2.2-6].
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
 * Sends a 5.0 client the DISCONNECT that says why the connection ends, with the reason in words if
 * that fits [MQTT-3.14.2-3].
 *
 * @param code The reason code; one that DISCONNECT cannot carry is sent as a Protocol Error: a
 * second CONNECT of an unknown version, for example.
 * @param drain Whether it goes behind the messages that wait, or in front.
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

/** Sends a packet behind the messages that wait, if the client takes one of its size. */
function sendBehind({ outbox, wire }: ClientConnection, packet: Packet): boolean {
  const size = packetSize(packet, 5);
  if (size > wire.packetBytesMax) return false;
  const offset = outbox.reserve(size, true);
  writePacket(packet, 5, outbox.buffer, offset);
  outbox.commit(size);
  return true;
}

/** The packet that a client past the limit of connections is sent before it is closed. */
export function busyConnack(version: ProtocolVersion, code: number): Uint8Array {
  const reasonCode = version === 5 ? code : ConnectReturnCode.ServerUnavailable;
  return encodePacket(
    { type: "connack", sessionPresent: false, reasonCode, properties: {} },
    version,
  );
}
