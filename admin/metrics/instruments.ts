/**
 * All instruments of a broker, under our names. docs/operating.md explains them.
 *
 * @module
 */
import type { DynamicSecurity } from "../../auth/dynsec/dynamic_security.ts";
import type { Broker } from "../../broker/broker.ts";
import { type AdminCounts, adminInstruments } from "./admin_instruments.ts";
import type { Totals } from "./session_totals.ts";
import { byLabel, type Instrument, single, spread } from "./instrument.ts";
import type { BridgeStatus } from "../../bridge/status.ts";
import { bridgeInstruments } from "./bridge_instruments.ts";
import { dynsecInstruments } from "./dynsec_instruments.ts";
import { keptInstruments } from "./kept_messages.ts";
import type { LoopLag } from "./loop_lag.ts";
import type { ProcessUse } from "./process.ts";

/** When a certificate expires. */
export interface CertificateInfo {
  /** The name of its listener. */
  readonly listener: string;
  /** In seconds since 1970. */
  readonly expirySeconds: number;
}

/** The sources of the instruments. */
export interface Sources extends AdminCounts {
  readonly broker: Broker;
  readonly version: string;
  /** When the broker has started, by its clock. */
  readonly sinceMs: number;
  readonly lag: LoopLag;
  counted(): Totals;
  /** The most clients at one time, also of brokers that are one with this one. */
  clientsMost(): number;
  process(): ProcessUse | null;
  certificates(): readonly CertificateInfo[];
  /** The bridges to other brokers. */
  bridges(): readonly BridgeStatus[];
  /** Dynamic security; `null` for none. */
  accounts(): DynamicSecurity | null;
}

/** Every instrument. */
export function instrumentsOf(sources: Sources): Instrument[] {
  return [
    ...brokerInstruments(sources),
    ...trafficInstruments(sources),
    ...sessionInstruments(sources),
    ...keptInstruments(sources.broker),
    ...bridgeInstruments(() => sources.bridges()),
    ...dynsecInstruments(() => sources.accounts()),
    ...storeInstruments(sources),
    ...processInstruments(sources),
    ...adminInstruments(sources),
  ];
}

function brokerInstruments(sources: Sources): Instrument[] {
  const { broker, version, sinceMs, certificates, clientsMost } = sources;
  const { stats, inspection } = broker;
  return [
    {
      kind: "gauge",
      name: "fairway_info",
      help: "Which version runs.",
      read: () => [{ labels: { version }, value: 1 }],
    },
    single(
      "gauge",
      "fairway_uptime_seconds",
      "How long the broker is up.",
      () => (broker.clock.now() - sinceMs) / 1000,
    ),
    single("gauge", "fairway_ready", "Whether the broker takes clients and writes.", () => {
      const { takesClients, takesWrites, hasMemory } = inspection.readiness;
      return takesClients && takesWrites && hasMemory ? 1 : 0;
    }),
    single("gauge", "fairway_connections", "Connections, let in or not.", () => stats.connections),
    single(
      "gauge",
      "fairway_handshakes",
      "Connections whose handshake of TLS or WebSocket, or PROXY header, is not over.",
      () => stats.pendingHandshakes,
    ),
    counter(
      "fairway_connections_accepted_total",
      "Connections that were taken.",
      () => stats.connectionsAccepted,
    ),
    counter(
      "fairway_connections_refused_total",
      "Connections that were one too many.",
      () => stats.connectionsRefused,
    ),
    counter(
      "fairway_handshakes_failed_total",
      "Handshakes that have failed.",
      () => stats.handshakesFailed,
    ),
    single(
      "gauge",
      "fairway_clients",
      "Clients that are connected and let in.",
      () => stats.clients,
    ),
    single(
      "gauge",
      "fairway_clients_most",
      "The most of them there ever were at once.",
      clientsMost,
    ),
    counter(
      "fairway_connects_accepted_total",
      "Clients that were let in.",
      () => stats.connectsAccepted,
    ),
    counter(
      "fairway_connects_refused_total",
      "Clients that were not.",
      () => stats.connectsRefused,
    ),
    counter("fairway_logins_failed_total", "Logins that have failed.", () => stats.loginsFailed),
    counter(
      "fairway_authentications_expired_total",
      "Connections that were ended because their authentication had expired.",
      () => stats.authenticationsExpired,
    ),
    counter(
      "fairway_protocol_errors_total",
      "Connections that broke the protocol.",
      () => stats.protocolErrors,
    ),
    counter(
      "fairway_internal_errors_total",
      "Failures of the broker's own.",
      () => stats.internalErrors,
    ),
    byLabel(
      "counter",
      "fairway_limits_reached_total",
      "How often each limit was reached.",
      "reason",
      () => Object.entries(stats.limited),
    ),
    byLabel(
      "counter",
      "fairway_faults_tolerated_total",
      "Faults that were overlooked.",
      "reason",
      () => Object.entries(stats.tolerated),
    ),
    byLabel(
      "gauge",
      "fairway_certificate_expiry_timestamp_seconds",
      "When the certificate of a listener expires, in seconds since 1970.",
      "listener",
      () => certificates().map(({ listener, expirySeconds }) => [listener, expirySeconds]),
    ),
  ];
}

function trafficInstruments({ broker }: Sources): Instrument[] {
  const { stats } = broker;
  return [
    byLabel("counter", "fairway_packets_received_total", "Packets from clients.", "packet", () => [
      ["publish", stats.messagesReceived],
      ["other", stats.controlPacketsReceived],
    ]),
    byLabel("counter", "fairway_packets_sent_total", "Packets to clients.", "packet", () => [
      ["publish", stats.messagesSent],
      ["other", stats.controlPacketsSent],
    ]),
    counter("fairway_received_bytes_total", "Bytes from clients.", () => stats.bytesReceived),
    counter("fairway_sent_bytes_total", "Bytes to clients.", () => stats.bytesSent),
    byLabel(
      "counter",
      "fairway_messages_dropped_total",
      "Messages that somebody did not get.",
      "reason",
      () => Object.entries(stats.dropped),
    ),
    counter(
      "fairway_messages_refused_total",
      "Messages that were refused with 0x97.",
      () => stats.messagesRefused,
    ),
    counter(
      "fairway_dead_letters_total",
      "Messages that were kept as dead letters.",
      () => stats.deadLetters,
    ),
    counter(
      "fairway_backpressure_waits_total",
      "Times a publisher was not read because a subscriber was busy.",
      () => stats.backpressureWaits,
    ),
    counter(
      "fairway_subscriptions_revoked_total",
      "Subscriptions that are allowed no more.",
      () => stats.subscriptionsRevoked,
    ),
  ];
}

function sessionInstruments({ broker, counted }: Sources): Instrument[] {
  const { stats } = broker;
  return [
    byLabel("gauge", "fairway_sessions", "Sessions.", "state", () => {
      const { connected, offline } = counted();
      return [["connected", connected], ["offline", offline]];
    }),
    single(
      "gauge",
      "fairway_sessions_durable",
      "Sessions that survive a restart.",
      () => counted().durable,
    ),
    counter(
      "fairway_sessions_expired_total",
      "Sessions whose time was over.",
      () => stats.sessionsExpired,
    ),
    byLabel(
      "gauge",
      "fairway_clients_by_listener",
      "Clients by the listener they came by.",
      "listener",
      () => counted().byListener,
    ),
    single("gauge", "fairway_subscriptions", "Subscriptions.", () => broker.stats.subscriptions),
    single(
      "gauge",
      "fairway_subscriptions_shared",
      "Shared subscriptions.",
      () => broker.stats.sharedSubscriptions,
    ),
    single(
      "gauge",
      "fairway_backlog_messages",
      "Messages that wait, by session.",
      () => counted().backlogMessages,
    ),
    single(
      "gauge",
      "fairway_backlog_bytes",
      "Bytes of messages that wait, by session.",
      () => counted().backlogBytes,
    ),
    single(
      "gauge",
      "fairway_backlog_messages_most",
      "The most that waits for a session.",
      () => counted().backlogMessagesMost,
    ),
    single(
      "gauge",
      "fairway_inflight_messages",
      "Messages that are not acknowledged.",
      () => counted().inflight,
    ),
    single(
      "gauge",
      "fairway_lag_bytes",
      "Bytes that wait to be written to clients.",
      () => counted().lagBytes,
    ),
    single(
      "gauge",
      "fairway_lag_bytes_most",
      "The most that waits to be written to one.",
      () => counted().lagBytesMost,
    ),
  ];
}

function storeInstruments({ broker }: Sources): Instrument[] {
  const { stats, inspection } = broker;
  const { commits } = inspection;
  return [
    single(
      "gauge",
      "fairway_stored_bytes",
      "What the messages in the store weigh.",
      () => broker.stats.storedBytes,
    ),
    spread("fairway_commit_seconds", "How long commits take.", () => commits.seconds),
    spread("fairway_commit_rows", "How many rows commits change.", () => commits.rows),
    counter("fairway_commits_failed_total", "Commits that have failed.", () => stats.commitsFailed),
    counter(
      "fairway_messages_lost_total",
      "Messages that a damaged store had lost.",
      () => stats.messagesLost,
    ),
    counter(
      "fairway_store_rows_lost_total",
      "Rows of the store that made no sense.",
      () => stats.storeRowsLost,
    ),
  ];
}

function processInstruments({ broker, lag, process }: Sources): Instrument[] {
  const { inspection } = broker;
  const bytes = (name: string, help: string, read: (use: ProcessUse) => number | null) =>
    single("gauge", name, help, () => {
      const use = process();
      return use === null ? null : read(use);
    });
  return [
    byLabel("gauge", "fairway_memory_bytes", "What clients make the broker hold.", "kind", () => {
      const { bytes: _, bytesMax: __, ...kinds } = broker.stats.memory;
      return Object.entries(kinds);
    }),
    single(
      "gauge",
      "fairway_memory_limit_bytes",
      "The budget of that.",
      () => broker.stats.memory.bytesMax,
    ),
    spread("fairway_event_loop_lag_seconds", "How late the event loop is.", () => lag.seconds),
    single(
      "gauge",
      "fairway_event_loop_lag_last_seconds",
      "How late it was last.",
      () => lag.lastSeconds,
    ),
    single(
      "gauge",
      "fairway_turns_waiting",
      "Pieces of work that wait for a later turn.",
      () => inspection.turnsWaiting,
    ),
    bytes("fairway_heap_used_bytes", "What is in the heap of V8.", (use) => use.heapUsedBytes),
    bytes("fairway_heap_total_bytes", "How large the heap is.", (use) => use.heapTotalBytes),
    bytes("fairway_external_bytes", "Buffers beside the heap.", (use) => use.externalBytes),
    bytes("fairway_resident_bytes", "Memory of the process.", (use) => use.residentBytes),
    bytes("fairway_open_fds", "Files and sockets that are open.", (use) => use.openFds),
  ];
}

function counter(name: string, help: string, read: () => number): Instrument {
  return single("counter", name, help, read);
}
