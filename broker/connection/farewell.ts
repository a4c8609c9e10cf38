import {
  isReasonCodeAllowed,
  type Packet,
  packetSize,
  ReasonCode,
  writePacket,
} from "../../codec/mod.ts";
import { sendControl } from "./responses.ts";
import type { Connection } from "./connection.ts";

/**
 * Sends a 5.0 client the DISCONNECT that says why it is let go, with the reason
 * in words if that fits [MQTT-3.14.2-3].
 *
 * @param code The reason code; one that DISCONNECT cannot carry is put as a
 * Protocol Error: a second CONNECT of an unknown version, say.
 * @param drain Whether it goes behind the messages that wait, or in front.
 */
export function sendFarewell(
  connection: Connection,
  code: number,
  reasonString: string | undefined,
  drain: boolean,
): void {
  const reasonCode = isReasonCodeAllowed("disconnect", code) ? code : ReasonCode.ProtocolError;
  const { serverReference } = connection.context.settings;
  const moves = reasonCode === ReasonCode.UseAnotherServer || reasonCode === ReasonCode.ServerMoved;
  const properties = moves && serverReference !== null ? { serverReference } : {};
  const brief: Packet = { type: "disconnect", reasonCode, properties };
  const isTold = reasonString !== undefined &&
    send(connection, { ...brief, properties: { ...properties, reasonString } }, drain);
  if (!isTold) send(connection, brief, drain);
}

function send(connection: Connection, packet: Packet, drain: boolean): boolean {
  if (!drain) return sendControl(connection, packet);
  const { outbox, wire } = connection;
  const size = packetSize(packet, 5);
  if (size > wire.packetBytesMax) return false;
  const offset = outbox.reserve(size, true);
  writePacket(packet, 5, outbox.buffer, offset);
  outbox.commit(size);
  return true;
}
