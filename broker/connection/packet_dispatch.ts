/** Hands each packet of a connection to its handler. */
import {
  decodePacket,
  frameSize,
  type Packet,
  PacketType,
  ProtocolError,
} from "../../codec/mod.ts";
import { checkPacket, checkRequestBytes } from "../limits/packet_limits.ts";
import type { ClientConnection } from "./client_connection.ts";
import { refuseControlCharacters } from "./control_characters.ts";
import { ConnectAttempt } from "./handle_connect.ts";
import { handleBareAck, handlePacket, isBareAck } from "./handle_control.ts";
import { handlePublish } from "./handle_publish.ts";

const UNCOUNTED = { onMisplaced: () => {} };

/**
 * Handles one packet whose body is `bytes[start, end)`.
 *
 * @param uncheckedBytesMax The largest body that needs no check of its contents, in bytes.
 * @returns A promise to wait for before the next packet, if any; or `LATER` of `handle_publish.ts`.
 * @throws {PacketError} If the client breaks the protocol.
 */
export function dispatchPacket(
  connection: ClientConnection,
  uncheckedBytesMax: number,
  first: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): PromiseLike<void> | null {
  if (connection.session === null || end - start > uncheckedBytesMax) {
    return dispatchChecked(connection, first, bytes, start, end);
  }
  if (first >> 4 === PacketType.publish) {
    return handlePublish(connection, first, bytes, start, end);
  }
  connection.counters.controlPacketsReceived++;
  if (isBareAck(first, end - start)) {
    handleBareAck(connection, first, bytes[start]! << 8 | bytes[start + 1]!);
    return null;
  }
  return handlePacket(connection, decode(connection, first, bytes, start, end));
}

/** Refuses another protocol by its first byte, so that it cannot hold the connection open. */
export function checkFirst({ flow }: ClientConnection, first: number): void {
  if (flow !== null || first >> 4 === PacketType.connect) return;
  throw new ProtocolError("First packet is no CONNECT", 0, "MQTT-3.1.0-1");
}

/** Handles a packet that is large, or comes before CONNACK, or needs a check of its contents. */
function dispatchChecked(
  connection: ClientConnection,
  first: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): PromiseLike<void> | null {
  const { context, host, session, version, policy } = connection;
  const type = first >> 4;
  if (session !== null && end - start > host.limiters.harmlessBytes) {
    checkRequestBytes(context.limits, first, frameSize(end - start));
    checkPacket(context.limits, version, first, bytes, start, end);
  }
  if (session !== null && type === PacketType.publish) {
    if (policy.refuseControlCharacters) {
      // Tolerated faults are counted when the packet is decoded for use.
      const tolerance = policy.leniency === null ? null : UNCOUNTED;
      const body = bytes.subarray(start, end);
      refuseControlCharacters(decodePacket(version, first, body, tolerance));
    }
    return handlePublish(connection, first, bytes, start, end);
  }
  connection.counters.controlPacketsReceived++;
  if (session === null) return dispatchBeforeAccepted(connection, first, bytes, start, end);
  const packet = decode(connection, first, bytes, start, end);
  if (policy.refuseControlCharacters) refuseControlCharacters(packet);
  return handlePacket(connection, packet);
}

/** Before CONNACK a client may only send CONNECT, and AUTH on request. */
function dispatchBeforeAccepted(
  connection: ClientConnection,
  first: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): PromiseLike<void> | null {
  if (connection.flow === null) {
    checkFirst(connection, first);
    connection.flow = new ConnectAttempt(connection);
    return connection.flow.connect(first, bytes.subarray(start, end));
  }
  const packet = decode(connection, first, bytes, start, end);
  if (packet.type === "auth" && connection.auth !== null) return connection.flow.auth(packet);
  if (packet.type === "disconnect") connection.onDisconnect(packet.reasonCode);
  else throw new ProtocolError(`Packet ${packet.type} before CONNACK`, 0, "MQTT-3.1.2-30");
  return null;
}

function decode(
  { version, policy }: ClientConnection,
  first: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Packet {
  return decodePacket(version, first, bytes.subarray(start, end), policy.leniency);
}
