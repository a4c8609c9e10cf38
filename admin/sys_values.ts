/**
 * The values of mosquitto 2.1 below `$SYS/broker/`, with the same meanings, as numbers.
 *
 * @module
 */
import type { SysCounts } from "./sys_counts.ts";

/**
 * The values by their topics below `$SYS/broker/`, without `uptime`.
 *
 * @param heapMost The most that the heap has had, in bytes.
 */
export function sysValues(counts: SysCounts, heapMost: number): Record<string, number> {
  const { sessions, clients, heapUsed } = counts;
  const disconnected = Math.max(0, sessions - clients);
  const stored = counts.retainedMessages + counts.queuedMessages;
  return {
    "clients/total": sessions,
    "clients/maximum": counts.clientsMost,
    "clients/disconnected": disconnected,
    "clients/inactive": disconnected,
    "clients/connected": clients,
    "clients/active": clients,
    "clients/expired": counts.sessionsExpired,
    "messages/stored": stored,
    "store/messages/count": stored,
    "store/messages/bytes": counts.retainedBytes + counts.queuedBytes,
    "subscriptions/count": counts.subscriptions,
    "shared_subscriptions/count": counts.sharedSubscriptions,
    "retained messages/count": counts.retainedMessages,
    "heap/current": heapUsed,
    "heap/maximum": Math.max(heapMost, heapUsed),
    "messages/received": counts.packetsReceived,
    "messages/sent": counts.packetsSent,
    "bytes/received": counts.bytesReceived,
    "bytes/sent": counts.bytesSent,
    "publish/bytes/received": counts.payloadBytesReceived,
    "publish/bytes/sent": counts.publishBytesSent,
    "packet/out/count": counts.unsentConnections,
    "packet/out/bytes": counts.unsentBytes,
    "connections/socket/count": counts.connectionsAccepted,
    "publish/messages/dropped": counts.dropped,
    "publish/messages/received": counts.messagesReceived,
    "publish/messages/sent": counts.messagesSent,
  };
}

/** Topics with the value of another topic; mosquitto's API leaves them out. */
export const SYS_ALIASES: readonly string[] = [
  "clients/inactive",
  "clients/active",
  "store/messages/count",
];

/** The counters behind the averages of load, by their names. */
export function totalsOf(counts: SysCounts): Record<string, number> {
  return {
    "messages/received": counts.packetsReceived,
    "messages/sent": counts.packetsSent,
    "publish/dropped": counts.dropped,
    "publish/received": counts.messagesReceived,
    "publish/sent": counts.messagesSent,
    "bytes/received": counts.bytesReceived,
    "bytes/sent": counts.bytesSent,
    "connections": counts.connectsAccepted,
    "sockets": counts.connectionsAccepted,
  };
}
