/**
 * What the values below `$SYS/broker/` are made of: numbers that can be added up over brokers that
 * are one for their clients.
 *
 * @module
 */
import type { Broker } from "../broker/broker.ts";
import type { BrokerStats } from "../broker/broker_stats.ts";
import type { Totals } from "./metrics/session_totals.ts";

/** What goes up and down. */
const GAUGES = [
  ...["sessions", "clients", "clientsMost", "subscriptions", "sharedSubscriptions"],
  ...["retainedMessages", "retainedBytes", "queuedMessages", "queuedBytes"],
  ...["unsentConnections", "unsentBytes", "heapUsed", "memoryBytes", "memoryBytesMax"],
];

/** What every broker has of the others, too: it is not added up. */
const REPLICAS = ["retainedMessages", "retainedBytes"];

/** What is counted of a broker. */
type SysCount =
  | "sessions"
  | "clients"
  | "clientsMost"
  | "subscriptions"
  | "sharedSubscriptions"
  | "retainedMessages"
  | "retainedBytes"
  | "queuedMessages"
  | "queuedBytes"
  | "unsentConnections"
  | "unsentBytes"
  | "heapUsed"
  | "memoryBytes"
  | "memoryBytesMax"
  | "memoryRefused"
  | "sessionsExpired"
  | "connectionsAccepted"
  | "connectsAccepted"
  | "packetsReceived"
  | "packetsSent"
  | "messagesReceived"
  | "messagesSent"
  | "bytesReceived"
  | "bytesSent"
  | "payloadBytesReceived"
  | "publishBytesSent"
  | "dropped";

/** The state of a broker, or of several, in numbers. */
export type SysCounts = Readonly<Record<SysCount, number>>;

/** The state of one broker. */
export function sysCountsOf({ stats }: Pick<Broker, "stats">, totals: Totals): SysCounts {
  return {
    sessions: stats.sessions,
    clients: stats.clients,
    clientsMost: stats.clientsMost,
    subscriptions: stats.subscriptions,
    sharedSubscriptions: stats.sharedSubscriptions,
    retainedMessages: stats.retainedMessages,
    retainedBytes: stats.retainedBytes,
    queuedMessages: totals.backlogMessages,
    queuedBytes: totals.backlogBytes,
    unsentConnections: totals.lagging,
    unsentBytes: totals.lagBytes,
    heapUsed: Deno.memoryUsage().heapUsed,
    memoryBytes: stats.memory.bytes,
    memoryBytesMax: stats.memory.bytesMax,
    memoryRefused: stats.limited.memory,
    sessionsExpired: stats.sessionsExpired,
    connectionsAccepted: stats.connectionsAccepted,
    connectsAccepted: stats.connectsAccepted,
    packetsReceived: stats.messagesReceived + stats.controlPacketsReceived,
    packetsSent: stats.messagesSent + stats.controlPacketsSent,
    messagesReceived: stats.messagesReceived,
    messagesSent: stats.messagesSent,
    bytesReceived: stats.bytesReceived,
    bytesSent: stats.bytesSent,
    payloadBytesReceived: stats.payloadBytesReceived,
    publishBytesSent: stats.publishBytesSent,
    dropped: droppedOf(stats),
  };
}

/**
 * The state of a broker, and of others beside it, as that of one broker. The most clients at one
 * time are at least those of now, and those that either of them has seen.
 */
export function addCounts(own: SysCounts, other: SysCounts): SysCounts {
  const sum = added(own, other, (name) => !REPLICAS.includes(name));
  return { ...sum, clientsMost: Math.max(sum.clients, own.clientsMost, other.clientsMost) };
}

/** The same, if the other one does not run any more: only what it has counted is left. */
export function addPast(own: SysCounts, other: SysCounts): SysCounts {
  return added(own, other, (name) => !GAUGES.includes(name));
}

/** The most clients of a broker at one time, together with others that are one with it. */
export function clientsMostOf(
  { stats }: { readonly stats: Pick<BrokerStats, "clientsMost"> },
  others: SysCounts | null,
): number {
  return Math.max(stats.clientsMost, others?.clientsMost ?? 0);
}

/** Nothing, yet. */
export function noCounts(like: SysCounts): SysCounts {
  return Object.fromEntries(Object.keys(like).map((name) => [name, 0])) as SysCounts;
}

function added(own: SysCounts, other: SysCounts, isAdded: (name: string) => boolean): SysCounts {
  const sum: Record<string, number> = { ...own };
  for (const [name, count] of Object.entries(other)) if (isAdded(name)) sum[name]! += count;
  return sum as SysCounts;
}

/** The number of dropped messages, without those that were refused by an authorizer. */
function droppedOf(stats: BrokerStats): number {
  const { "not-authorized": _, "read-denied": __, ...lost } = stats.dropped;
  return Object.values(lost).reduce((sum, count) => sum + count, 0);
}
