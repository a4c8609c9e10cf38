import {
  ConnectReturnCode,
  encodePacket,
  isReasonCodeAllowed,
  type Properties,
  type ProtocolVersion,
  ReasonCode,
} from "../../codec/mod.ts";
import { sendControl } from "./responses.ts";
import type { Connection } from "./connection.ts";

/** What the 3.x return codes are for the reasons of 5.0. */
function returnCode(reasonCode: number): number | null {
  switch (reasonCode) {
    case ReasonCode.UnsupportedProtocolVersion:
      return ConnectReturnCode.UnacceptableProtocolVersion;
    case ReasonCode.ClientIdentifierNotValid:
      return ConnectReturnCode.IdentifierRejected;
    case ReasonCode.ServerUnavailable:
    case ReasonCode.ServerBusy:
    case ReasonCode.ServerShuttingDown:
    case ReasonCode.QuotaExceeded:
    case ReasonCode.UseAnotherServer:
    case ReasonCode.ServerMoved:
    case ReasonCode.ConnectionRateExceeded:
      return ConnectReturnCode.ServerUnavailable;
    case ReasonCode.BadUserNameOrPassword:
      return ConnectReturnCode.BadUserNameOrPassword;
    case ReasonCode.NotAuthorized:
    case ReasonCode.Banned:
    case ReasonCode.BadAuthenticationMethod:
      return ConnectReturnCode.NotAuthorized;
    default:
      // Nothing fits: the connection is closed without a word [MQTT-3.2.2-6].
      return null;
  }
}

/** A code that CONNACK can carry [MQTT-3.2.2-8]. */
function connackCode(reasonCode: number): number {
  const isRefusal = reasonCode >= 0x80 && isReasonCodeAllowed("connack", reasonCode);
  return isRefusal ? reasonCode : ReasonCode.UnspecifiedError;
}

/**
 * Sends a CONNACK that says why a client is not let in, with the reason in
 * words if that fits; nothing where no code of its version does.
 */
export function sendRefusal(
  connection: Connection,
  reasonCode: number,
  reasonString: string | undefined,
): void {
  const isV5 = connection.version === 5;
  const code = isV5 ? connackCode(reasonCode) : returnCode(reasonCode);
  if (code === null) return;
  const { serverReference } = connection.context.settings;
  const moves = reasonCode === ReasonCode.UseAnotherServer || reasonCode === ReasonCode.ServerMoved;
  const properties: Properties = isV5 && moves && serverReference !== null
    ? { serverReference }
    : {};
  const refusal = { type: "connack", sessionPresent: false, reasonCode: code } as const;
  const isTold = isV5 && reasonString !== undefined &&
    sendControl(connection, { ...refusal, properties: { ...properties, reasonString } });
  if (!isTold) sendControl(connection, { ...refusal, properties });
}

/** The packet that a client past the limit of connections is sent before it is closed. */
export function busyConnack(version: ProtocolVersion, code: number): Uint8Array {
  const reasonCode = version === 5 ? code : ConnectReturnCode.ServerUnavailable;
  return encodePacket(
    { type: "connack", sessionPresent: false, reasonCode, properties: {} },
    version,
  );
}
