/**
 * The values of mosquitto 2.1 below `$SYS/broker/`, with the same meanings, as numbers.
 *
 * @module
 */
import type { Broker } from "../broker/broker.ts";
import type { BrokerStats } from "../broker/broker_stats.ts";

/** Messages that wait for sessions. A shared message counts for each session. */
export interface Queued {
  readonly messages: number;
  readonly bytes: number;
}

/** Connections and bytes that wait to be written. */
export interface Unsent {
  readonly connections: number;
  readonly bytes: number;
}

/** The number of dropped messages, without those that were refused by an authorizer. */
function droppedOf(stats: BrokerStats): number {
  const { "not-authorized": _, "read-denied": __, ...lost } = stats.dropped;
  return Object.values(lost).reduce((sum, count) => sum + count, 0);
}

/** The values by their topics below `$SYS/broker/`, without `uptime`. */
export function sysValues(
  broker: Broker,
  queued: Queued,
  unsent: Unsent,
  heapMost: number,
): Record<string, number> {
  const { stats } = broker;
  const { sessions } = stats;
  const disconnected = Math.max(0, sessions - stats.clients);
  const stored = stats.retainedMessages + queued.messages;
  const { heapUsed } = Deno.memoryUsage();
  return {
    "clients/total": sessions,
    "clients/maximum": stats.clientsMost,
    "clients/disconnected": disconnected,
    "clients/inactive": disconnected,
    "clients/connected": stats.clients,
    "clients/active": stats.clients,
    "clients/expired": stats.sessionsExpired,
    "messages/stored": stored,
    "store/messages/count": stored,
    "store/messages/bytes": stats.retainedBytes + queued.bytes,
    "subscriptions/count": stats.subscriptions,
    "shared_subscriptions/count": stats.sharedSubscriptions,
    "retained messages/count": stats.retainedMessages,
    "heap/current": heapUsed,
    "heap/maximum": Math.max(heapMost, heapUsed),
    "messages/received": stats.messagesReceived + stats.controlPacketsReceived,
    "messages/sent": stats.messagesSent + stats.controlPacketsSent,
    "bytes/received": stats.bytesReceived,
    "bytes/sent": stats.bytesSent,
    "publish/bytes/received": stats.payloadBytesReceived,
    "publish/bytes/sent": stats.publishBytesSent,
    "packet/out/count": unsent.connections,
    "packet/out/bytes": unsent.bytes,
    "connections/socket/count": stats.connectionsAccepted,
    "publish/messages/dropped": droppedOf(stats),
    "publish/messages/received": stats.messagesReceived,
    "publish/messages/sent": stats.messagesSent,
  };
}

/** Topics with the value of another topic; mosquitto's API leaves them out. */
export const SYS_ALIASES: readonly string[] = [
  "clients/inactive",
  "clients/active",
  "store/messages/count",
];

/** The counters behind the averages of load, by their names. */
export function totalsOf(stats: BrokerStats): Record<string, number> {
  return {
    "messages/received": stats.messagesReceived + stats.controlPacketsReceived,
    "messages/sent": stats.messagesSent + stats.controlPacketsSent,
    "publish/dropped": droppedOf(stats),
    "publish/received": stats.messagesReceived,
    "publish/sent": stats.messagesSent,
    "bytes/received": stats.bytesReceived,
    "bytes/sent": stats.bytesSent,
    "connections": stats.connectsAccepted,
    "sockets": stats.connectionsAccepted,
  };
}
