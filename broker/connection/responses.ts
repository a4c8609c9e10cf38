import { type Packet, packetSize, ReasonCode, writePacket } from "../../codec/mod.ts";
import type { Connection } from "./connection.ts";
import { AckQueue } from "./response_queue.ts";
import type { Commit } from "../base/commit.ts";
import type { Message } from "../base/message.ts";

/** Sends a control packet, if the client takes one of its size; it is written at once. */
export function sendControl(connection: Connection, packet: Packet): boolean {
  const { outbox, version } = connection;
  const size = packetSize(packet, version);
  if (size > connection.wire.packetBytesMax) return false;
  const offset = outbox.reserveControl(size);
  connection.context.stats.controlPacketsSent++;
  writePacket(packet, version, outbox.controlBuffer, offset);
  return true;
}

/** Sends an answer that the client waits for: one that takes none of its size is let go. */
export function reply(connection: Connection, packet: Packet): void {
  if (!sendControl(connection, packet)) {
    connection.blame(new Error(`Answer is larger than the client takes: ${packet.type}`));
    connection.disconnect(ReasonCode.PacketTooLarge);
  }
}

/** Sends PUBACK, PUBREC or PUBCOMP. */
export function ack(
  connection: Connection,
  type: number,
  packetId: number,
  reasonCode: number,
): void {
  const { outbox } = connection;
  const long = connection.version === 5 && reasonCode !== 0;
  const offset = outbox.reserveControl(long ? 5 : 4);
  connection.context.stats.controlPacketsSent++;
  const buffer = outbox.controlBuffer;
  buffer[offset] = type << 4;
  buffer[offset + 1] = long ? 3 : 2;
  buffer[offset + 2] = packetId >> 8;
  buffer[offset + 3] = packetId & 0xff;
  if (long) buffer[offset + 4] = reasonCode;
}

/**
 * Sends PUBACK, PUBREC or PUBCOMP once a commit is on the disk, and not before
 * those that wait already.
 *
 * @param message What is refused if the commit fails.
 */
export function ackAfter(
  connection: Connection,
  commit: Commit | null,
  type: number,
  packetId: number,
  reasonCode: number,
  message: Message | null = null,
): void {
  const { acks } = connection;
  if (commit === null && (acks === null || acks.isEmpty)) {
    ack(connection, type, packetId, reasonCode);
  } else queueOf(connection).ack(commit, type, packetId, reasonCode, message);
}

/** Sends an answer once a commit is on the disk. */
export function replyAfter(connection: Connection, commit: Commit | null, packet: Packet): void {
  if (commit === null) reply(connection, packet);
  else queueOf(connection).reply(commit, packet);
}

function queueOf(connection: Connection): AckQueue {
  return connection.acks ??= new AckQueue(connection, connection.host.journal!);
}
