/** How a PUBLISH is answered: acknowledged, dropped with a reason, or refused. */
import { PacketType, ReasonCode } from "../../codec/mod.ts";
import type { Commit } from "../base/commit.ts";
import { INBOUND_ID_BYTES } from "../base/memory_costs.ts";
import { countKept, type Message } from "../base/message.ts";
import type { DropReason } from "../base/stats.ts";
import type { ClientConnection } from "./client_connection.ts";
import { ackAfter } from "./responses.ts";

/** Drops a message: counts it, and acknowledges it with the reason. */
export function drop(
  connection: ClientConnection,
  reason: DropReason,
  message: Message,
  packetId: number,
  reasonCode: number,
): null {
  connection.context.reportDrop(reason, message, connection.session!.clientId);
  // In 3.x it is acknowledged as if it had been delivered [MQTT-3.3.5-2].
  acknowledge(connection, message, packetId, reasonCode, null);
  return null;
}

/**
 * Refuses a message. 3.x has no code for that, so it is not acknowledged, and the connection is
 * closed. So is that of a node, which sends the message again when it is back.
 */
export function refuse(connection: ClientConnection, message: Message, packetId: number): null {
  connection.context.stats.messagesRefused++;
  const isUnsaid = connection.version < 5 || connection.policy.peer !== null;
  if (isUnsaid) connection.disconnect(ReasonCode.QuotaExceeded);
  else acknowledge(connection, message, packetId, ReasonCode.QuotaExceeded, null);
  return null;
}

/**
 * Acknowledges a message with QoS 1 or 2.
 *
 * @param commit The commit that must be on the disk first; `null` for none.
 */
export function acknowledge(
  connection: ClientConnection,
  message: Message,
  packetId: number,
  reasonCode: number,
  commit: Commit | null,
): void {
  const { qos } = message;
  const session = connection.session!;
  // The message may have ended the session of its own publisher.
  if (qos === 0 || !connection.isOpen || session.hasEnded) return;
  if (qos === 1) {
    return ackAfter(connection, commit, PacketType.puback, packetId, reasonCode, message);
  }
  let holds = commit;
  if (reasonCode < 0x80 || connection.version < 5) {
    session.inbound.accept(packetId);
    countKept(INBOUND_ID_BYTES);
    session.queue.markChanged();
    holds = session.durableAfter() ?? commit;
  }
  ackAfter(connection, holds, PacketType.pubrec, packetId, reasonCode, message);
}
