/** The restoring of sessions with their subscriptions, positions and messages in flight. */
import { Subscription, subscriptionOptions } from "../../router/subscription.ts";
import { topicFilterFault } from "../../router/topic.ts";
import { numberOfKey, RecordReader, textOfKey } from "../../store/record.ts";
import { INBOUND_ID_BYTES, INFLIGHT_BYTES, READER_BYTES } from "../base/memory_costs.ts";
import { countKept } from "../base/message.ts";
import type { DurableHost } from "./durable_host.ts";
import { RetainedDeliveryQueue } from "../delivery/retained_delivery_queue.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { RetainedDelivery } from "../delivery/retained_delivery.ts";
import { subscribeCharged } from "../session/match_share.ts";
import { NEVER_EXPIRES, Session } from "../session/session.ts";
import { readerOf } from "./log_reader.ts";
import { MessageHold } from "./message_hold.ts";
import { DurableQueue } from "./durable_queue.ts";
import type { DurableCursor } from "./durable_cursor.ts";
import { DurableLog } from "./durable_log.ts";
import { readSharedStart, SharedStart } from "./shared_start.ts";
import type { Journal } from "./journal.ts";
import { readOptions } from "./records.ts";
import {
  type ExchangeRecord,
  type FeedRecord,
  type ReaderRecord,
  readSession,
  type SessionRecord,
} from "./session_record.ts";
import { StoredInflight } from "./stored_inflight.ts";
import type { StoredRows } from "./stored_rows.ts";
import { mustBeSound, mustFit } from "./restore_retained.ts";

/** A session from the store, and its queue. */
export interface RestoredSession {
  readonly session: Session;
  readonly queue: DurableQueue;
}

/** A log that may have no pages left; it is held like the others. */
function logOf(
  journal: Journal,
  logs: Map<number, DurableLog>,
  id: number,
  end: number,
  weight: number,
): DurableLog {
  let log = logs.get(id);
  if (log === undefined) {
    logs.set(id, log = new DurableLog(journal.pages, id, end, weight));
    log.restore([]);
  }
  return log;
}

/** The sessions by their numbers in the store. */
export async function restoreSessions(
  broker: DurableHost,
  rows: StoredRows,
  journal: Journal,
  logs: Map<number, DurableLog>,
): Promise<Map<number, RestoredSession>> {
  const sessions = new Map<number, RestoredSession>();
  await rows.each("sessions", (key, value) => {
    const id = rows.idOf(key);
    const record = readSession(value);
    rows.inUse(record.stamp);
    for (const { logId } of record.readers) rows.inUse(logId);
    // A client has one session, besides ended ones with messages to hand over.
    if (!record.isLeaving && broker.sessions.get(record.clientId) !== undefined) return false;
    const restored = restoreSession(broker, journal, logs, id, record);
    sessions.set(id, restored);
    if (!record.isLeaving) broker.sessions.restore(restored.session);
    const { readers, exchanges, inboundIds } = record;
    countKept(
      readers.length * READER_BYTES + exchanges.length * INFLIGHT_BYTES +
        inboundIds.length * INBOUND_ID_BYTES,
    );
    return mustFit(broker);
  });
  return sessions;
}

function restoreSession(
  broker: DurableHost,
  journal: Journal,
  logs: Map<number, DurableLog>,
  id: number,
  record: SessionRecord,
): RestoredSession {
  const { disconnectedWallMs, exchanges, feeds } = record;
  const { queue, session } = newSession(broker, id, record.clientId);
  session.expirySeconds = Math.min(record.expirySeconds, NEVER_EXPIRES);
  for (const reader of record.readers) {
    const log = logOf(journal, logs, reader.logId, reader.position, reader.weight);
    const restored = readerOf(cursorOf(log, reader), reader.variant, null);
    restored.doubtEnd = disconnectedWallMs === 0 ? log.end : reader.doubtEnd;
    queue.backlog.restore(restored);
  }
  const sent = exchanges.map((exchange) => sentOf(exchange, logs));
  session.restoreInflight(
    record.lastId,
    exchanges.map(({ packetId, phase }, at) => [packetId, phase, sent[at]!] as const),
    record.inboundIds,
  );
  // Another log may reuse its positions next time.
  if (exchanges.some(({ logId }, at) => logId !== 0 && sent[at]!.hold === null)) {
    queue.markChanged();
  }
  if (feeds.length > 0) {
    session.feeds = new RetainedDeliveryQueue(feeds.map((feed) => feedOf(broker, feed)));
  }
  if (record.replays.length > 0) {
    const replays = broker.replaysOf(session);
    for (const replay of record.replays) replays.restore(replay);
  }
  const { rows } = queue;
  rows.isLeaving = record.isLeaving;
  rows.stamp = record.stamp;
  // A clock that was set back must not extend the session.
  rows.disconnectedMs = disconnectedWallMs === 0
    ? null
    : Math.min(broker.context.clock.now(), broker.context.calendar.toClock(disconnectedWallMs));
  return { session, queue };
}

function newSession(broker: DurableHost, id: number, clientId: string): RestoredSession {
  let queue: DurableQueue;
  const session = new Session(broker.sessionHost, clientId, (owner) => {
    return queue = new DurableQueue(broker, owner, id, true);
  });
  return { session, queue: queue! };
}

/** The logs that sessions have started to read since their rows were written. */
export async function restoreSharedStarts(
  rows: StoredRows,
  journal: Journal,
  logs: Map<number, DurableLog>,
  sessions: Map<number, RestoredSession>,
): Promise<void> {
  await rows.each("joins", (key, value) => {
    const id = rows.idOf(key);
    const record = readSharedStart(value);
    const { position, weight, variant } = record;
    const log = logOf(journal, logs, rows.inUse(record.logId), position, weight);
    const start = new SharedStart(id, log, position, weight, variant);
    for (const sessionId of new Set(record.sessions)) {
      const queue = sessions.get(sessionId)?.queue;
      if (!queue || queue.rows.stamp > id) continue;
      const at = { position, weight, end: Infinity, endWeight: Infinity, variant };
      const reader = readerOf(cursorOf(log, at), variant, null);
      if (queue.rows.disconnectedMs === null) reader.doubtEnd = log.end;
      reader.start = start;
      start.sessions.push(sessionId);
      start.pending++;
      queue.backlog.restore(reader);
    }
    return start.pending > 0;
  });
}

function cursorOf(
  log: DurableLog,
  record: Omit<ReaderRecord, "logId" | "doubtEnd">,
): DurableCursor {
  const cursor = log.cursor();
  const { variant } = record;
  // Nothing will be appended to a log that was shared.
  const isOwn = variant === null;
  const end = Math.min(record.end, isOwn ? Infinity : log.end);
  const endWeight = Math.min(record.endWeight, isOwn ? Infinity : log.weight);
  // The last pages may be lost. New entries at their positions must not be skipped.
  const position = Math.min(record.position, log.end);
  const weight = Math.min(record.weight, log.weight);
  cursor.restore(log.pageAt(position), position, weight, end, endWeight);
  return cursor;
}

function sentOf(record: ExchangeRecord, logs: Map<number, DurableLog>): StoredInflight {
  const { variant, qos, phase, logId, position } = record;
  const log = logs.get(logId);
  const page = phase === "pubcomp" || log === undefined ? null : log.pageAt(position);
  const isHeld = page !== null && position >= page.first && position < page.end;
  const hold = isHeld ? new MessageHold(log!, page, position) : null;
  const sent = new StoredInflight(null, variant, qos, hold);
  sent.wasSent = true;
  return sent;
}

function feedOf(broker: DurableHost, { filter, variant, noLocal }: FeedRecord): RetainedDelivery {
  return new RetainedDelivery(filter, broker.retained.match(filter), variant, noLocal);
}

export async function restoreSubscriptions(
  broker: DurableHost,
  rows: StoredRows,
  sessions: Map<number, RestoredSession>,
): Promise<void> {
  await rows.each("subscriptions", (key, value) => {
    const stored = sessions.get(numberOfKey(key));
    if (stored === undefined) return false;
    const { session, queue } = stored;
    if (queue.rows.isLeaving) return true;
    const options = subscriptionOptions(readOptions(new RecordReader(value)));
    const filter = textOfKey(key);
    mustBeSound("topic filter", topicFilterFault(filter));
    const subscription = new Subscription<Receiver>(session, filter, options);
    subscribeCharged(broker.router, session, subscription);
    return mustFit(broker);
  });
}

/** All clients are disconnected: sessions wait for them, or end when they expire. */
export function continueSessions(
  broker: DurableHost,
  sessions: Map<number, RestoredSession>,
): void {
  const now = broker.context.clock.now();
  for (const { session, queue } of sessions.values()) {
    const { rows } = queue;
    if (rows.isLeaving) {
      session.end();
      continue;
    }
    // A client that was connected when the broker ended counts as disconnected from now on.
    if (rows.disconnectedMs === null) {
      rows.disconnectedMs = now;
      queue.markChanged();
    }
    broker.sessions.wait(session, rows.disconnectedMs, session.will?.restoredDueMs ?? now);
  }
}
