import { Subscription, subscriptionOptions } from "../../router/subscription.ts";
import { topicFilterFault, topicNameFault } from "../../router/topic.ts";
import { compareKeys } from "../../store/keys.ts";
import { numberOfKey, RecordReader, textOfKey } from "../../store/record.ts";
import { type Store, StoreError } from "../../store/store.ts";
import { ClientAccess } from "../session/client_access.ts";
import type { DurableHost } from "./durable_host.ts";
import { RetainedDeliveryQueue } from "../delivery/retained_delivery_queue.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { RetainedDelivery } from "../delivery/retained_delivery.ts";
import { MemoryQueue } from "../session/memory_queue.ts";
import { NEVER_EXPIRES, Session } from "../session/session.ts";
import { Hold, readerOf } from "./durable_backlog.ts";
import { DurableQueue } from "./durable_queue.ts";
import type { DurableCursor } from "./durable_cursor.ts";
import type { DurableLog } from "./durable_log.ts";
import { readJoin, SharedStart } from "./shared_start.ts";
import { Journal, type JournalHost, NEXT_ID_KEY } from "./journal.ts";
import { MessagePage } from "./message_page.ts";
import { type PageSummary, summarisePage } from "./message_page_record.ts";
import { readMessage, readOptions, readWill, type WillRecord } from "./records.ts";
import {
  type FeedRecord,
  type FlightRecord,
  type ReaderRecord,
  readSession,
  type SessionRecord,
} from "./session_record.ts";
import { StoredInflight } from "./stored_inflight.ts";
import { StoredRows } from "./stored_rows.ts";

/** A session that was in the store, and its queue. */
interface StoredSession {
  readonly session: Session;
  readonly queue: DurableQueue;
}
/** How many times the budget of the memory what is restored may take. */
const RESTORE_SHARE = 1.5;

/**
 * Takes everything up where the store says it was left: sessions with their
 * subscriptions, positions and flights, retained messages and wills. Messages
 * that wait stay where they are.
 *
 * @returns The journal, which the broker uses from then on.
 * @throws {StoreError} If the store cannot be read.
 */
export async function restore(
  broker: DurableHost,
  store: Store,
  journalHost: JournalHost,
): Promise<Journal> {
  const rows = new StoredRows(store);
  const journal = new Journal(store, journalHost, await nextIdOf(store));
  broker.journal = journal;
  await restoreRetained(broker, rows);
  const logs = await restoreLogs(rows, journal, broker);
  if (store.damage !== null) await removeOrphans(rows, journal);
  const sessions = await restoreSessions(broker, rows, journal, logs);
  await restoreJoins(rows, journal, logs, sessions);
  await restoreSubscriptions(broker, rows, sessions);
  const wills = await readWills(rows);
  // What was lost with a part of the file may have been the row that tells which are used.
  journal.skipIds(rows.idMost);
  for (const log of logs.values()) log.begin();
  restoreWills(broker, wills);
  goOn(broker, sessions);
  discard(rows, journal, broker);
  journal.begin();
  return journal;
}

async function nextIdOf(store: Store): Promise<number> {
  const [value] = await store.get("meta", [NEXT_ID_KEY]);
  if (!value) return 1;
  try {
    return Math.max(1, new RecordReader(value).number());
  } catch {
    // As if the row were not there: the identifiers in use tell as much.
    return 1;
  }
}

/** Removes what is of no use to anybody, and tells of what should have been. */
function discard(rows: StoredRows, journal: Journal, broker: DurableHost): void {
  for (const [table, key] of rows.useless) journal.discard(table, key);
  const { unreadable } = rows;
  if (unreadable === 0) return;
  broker.context.stats.storeRowsLost += unreadable;
  broker.context.failed(
    new StoreError(`The store has ${unreadable} rows that make no sense: removed`),
  );
}

/** Where the file was damaged, messages may be left to which nothing leads. */
async function removeOrphans(rows: StoredRows, journal: Journal): Promise<void> {
  await rows.each("messages", (key) => journal.hasChunk(rows.idOf(key)));
}

/** The logs with their pages, each held so that it does not go before its readers are there. */
async function restoreLogs(
  rows: StoredRows,
  journal: Journal,
  broker: DurableHost,
): Promise<Map<number, DurableLog>> {
  const logs = new Map<number, DurableLog>();
  let pages: MessagePage[] = [];
  let logId = -1;
  const finish = () => {
    if (pages.length === 0) return;
    const log = journal.restoreLog(logId, 0, 0);
    log.restore(pages);
    logs.set(logId, log);
    journal.watch(log);
    pages = [];
  };
  await rows.each("entries", (key, value) => {
    const id = rows.idOf(key);
    if (id !== logId) finish();
    logId = id;
    const summary = summarisePage(value);
    const first = numberOfKey(key, 1);
    if (summary.count === 0 || first < (pages.at(-1)?.end ?? 0)) return false;
    for (const chunkId of summary.chunkIds) rows.inUse(chunkId);
    pages.push(pageOf(journal, broker, first, summary));
    return true;
  });
  finish();
  return logs;
}

function pageOf(
  journal: Journal,
  broker: DurableHost,
  first: number,
  summary: PageSummary,
): MessagePage {
  const page = new MessagePage(first, summary.weightBefore);
  page.entries = null;
  page.count = summary.count;
  page.weight = summary.weight;
  page.isSealed = true;
  const { expiresWallMs } = summary;
  page.expiresMs = expiresWallMs === Infinity
    ? Infinity
    : broker.context.calendar.toClock(expiresWallMs);
  page.refs = summary.chunkIds.map((id) => {
    const chunk = journal.chunkOf(id);
    chunk.live++;
    return chunk;
  });
  journal.counted(summary.weight);
  return page;
}

/** A log that may have no pages left; held as those that have. */
function logOf(
  journal: Journal,
  logs: Map<number, DurableLog>,
  id: number,
  end: number,
  weight: number,
): DurableLog {
  let log = logs.get(id);
  if (log === undefined) {
    logs.set(id, log = journal.restoreLog(id, end, weight));
    log.restore([]);
  }
  return log;
}

/** The sessions by the number they are stored under. */
async function restoreSessions(
  broker: DurableHost,
  rows: StoredRows,
  journal: Journal,
  logs: Map<number, DurableLog>,
): Promise<Map<number, StoredSession>> {
  const sessions = new Map<number, StoredSession>();
  await rows.each("sessions", (key, value) => {
    const id = rows.idOf(key);
    const record = readSession(value);
    rows.inUse(record.stamp);
    for (const { logId } of record.readers) rows.inUse(logId);
    // There is one session of a client, but for those that only have something left to give.
    if (!record.isLeaving && broker.sessions.get(record.clientId) !== undefined) return false;
    const restored = restoreSession(broker, journal, logs, id, record);
    sessions.set(id, restored);
    if (!record.isLeaving) broker.sessions.restore(restored.session);
    return true;
  });
  return sessions;
}

function restoreSession(
  broker: DurableHost,
  journal: Journal,
  logs: Map<number, DurableLog>,
  id: number,
  record: SessionRecord,
): StoredSession {
  const { disconnectedWallMs, flights, feeds } = record;
  const { queue, session } = newSession(broker, id, record.clientId);
  session.expirySeconds = Math.min(record.expirySeconds, NEVER_EXPIRES);
  for (const reader of record.readers) {
    const log = logOf(journal, logs, reader.logId, reader.position, reader.weight);
    const restored = readerOf(cursorOf(log, reader), reader.variant, null);
    restored.doubtEnd = disconnectedWallMs === 0 ? log.end : reader.doubtEnd;
    queue.backlog.restore(restored);
  }
  const sent = flights.map((flight) => sentOf(flight, logs));
  session.restoreFlights(
    record.lastId,
    flights.map(({ packetId, phase }, at) => [packetId, phase, sent[at]!] as const),
    record.inboundIds,
  );
  // Where its log stood, there may be something else the next time.
  if (flights.some(({ logId }, at) => logId !== 0 && sent[at]!.hold === null)) queue.changed();
  if (feeds.length > 0) {
    session.feeds = new RetainedDeliveryQueue(feeds.map((feed) => feedOf(broker, feed)));
  }
  queue.isLeaving = record.isLeaving;
  queue.stamp = record.stamp;
  // A clock that was set back must not keep a session for longer.
  queue.disconnectedMs = disconnectedWallMs === 0
    ? null
    : Math.min(broker.context.clock.now(), broker.context.calendar.toClock(disconnectedWallMs));
  return { session, queue };
}

function newSession(broker: DurableHost, id: number, clientId: string): StoredSession {
  let queue: DurableQueue;
  const session = new Session(broker.sessionHost, clientId, (owner) => {
    return queue = new DurableQueue(broker, owner, id, true);
  });
  return { session, queue: queue! };
}

/** What sessions have begun to read since their own rows were written. */
async function restoreJoins(
  rows: StoredRows,
  journal: Journal,
  logs: Map<number, DurableLog>,
  sessions: Map<number, StoredSession>,
): Promise<void> {
  await rows.each("joins", (key, value) => {
    const id = rows.idOf(key);
    const record = readJoin(value);
    const { position, weight, variant } = record;
    const log = logOf(journal, logs, rows.inUse(record.logId), position, weight);
    const join = new SharedStart(id, log, position, weight, variant);
    for (const sessionId of new Set(record.sessions)) {
      const queue = sessions.get(sessionId)?.queue;
      if (!queue || queue.stamp > id) continue;
      const at = { position, weight, end: Infinity, endWeight: Infinity, variant };
      const reader = readerOf(cursorOf(log, at), variant, null);
      if (queue.disconnectedMs === null) reader.doubtEnd = log.end;
      reader.join = join;
      join.sessions.push(sessionId);
      join.pending++;
      queue.backlog.restore(reader);
    }
    return join.pending > 0;
  });
}

function cursorOf(
  log: DurableLog,
  record: Omit<ReaderRecord, "logId" | "doubtEnd">,
): DurableCursor {
  const cursor = log.cursor();
  const { variant } = record;
  // Nothing will be appended any more to a log that was shared.
  const isOwn = variant === null;
  const end = Math.min(record.end, isOwn ? Infinity : log.end);
  const endWeight = Math.min(record.endWeight, isOwn ? Infinity : log.weight);
  // The last pages may be lost: what takes their place is not to be passed over.
  const position = Math.min(record.position, log.end);
  const weight = Math.min(record.weight, log.weight);
  cursor.restore(log.pageAt(position), position, weight, end, endWeight);
  return cursor;
}

function sentOf(record: FlightRecord, logs: Map<number, DurableLog>): StoredInflight {
  const { variant, qos, phase, logId, position } = record;
  const log = logs.get(logId);
  const page = phase === "pubcomp" || log === undefined ? null : log.pageAt(position);
  const isHeld = page !== null && position >= page.first && position < page.end;
  const hold = isHeld ? new Hold(log!, page, position) : null;
  const sent = new StoredInflight(null, variant, qos, hold);
  sent.wasSent = true;
  return sent;
}

function feedOf(broker: DurableHost, { filter, variant, noLocal }: FeedRecord): RetainedDelivery {
  return new RetainedDelivery(filter, broker.retained.match(filter), variant, noLocal);
}

async function restoreSubscriptions(
  broker: DurableHost,
  rows: StoredRows,
  sessions: Map<number, StoredSession>,
): Promise<void> {
  await rows.each("subscriptions", (key, value) => {
    const stored = sessions.get(numberOfKey(key));
    if (stored === undefined) return false;
    const { session, queue } = stored;
    if (queue.isLeaving) return true;
    const options = subscriptionOptions(readOptions(new RecordReader(value)));
    const filter = textOfKey(key);
    mustBeSound("topic filter", topicFilterFault(filter));
    const subscription = new Subscription<Receiver>(session, filter, options);
    broker.router.subscribe(subscription);
    session.subscriptions.set(subscription);
    return mustFit(broker);
  });
}

async function restoreRetained(broker: DurableHost, rows: StoredRows): Promise<void> {
  await rows.each("retained", (key, value) => {
    const reader = new RecordReader(value);
    const publisher = reader.text();
    const message = readMessage(
      reader,
      broker.context.calendar,
      publisher === "" ? null : publisher,
    );
    mustBeSound("topic name", topicNameFault(message.name));
    // Under another key it could not be replaced.
    if (compareKeys(key, message.topic) !== 0) throw new StoreError("A key and its row differ");
    broker.retained.restore(message);
    return mustFit(broker);
  });
}

/**
 * What is acknowledged is there again after a restart, also where the budget has become smaller
 * and nothing may be added for now; but a process that would not survive it says so instead.
 *
 * @throws {Error} If it is far too much.
 */
function mustFit({ memory }: DurableHost): true {
  const { bytes, bytesMax } = memory;
  if (bytes <= bytesMax * RESTORE_SHARE) return true;
  const text = `The store holds more than fits into memory: over ${megabytes(bytes)} MB, of ` +
    `${megabytes(bytesMax)} MB (memoryBytesMax, fairway_limit_memory_bytes_max, --max-memory): ` +
    "give it more, and V8 by --v8-flags=--max-old-space-size=MEGABYTES";
  throw new RangeError(text);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

/** The wills that are stored, and under which number. */
async function readWills(rows: StoredRows): Promise<Map<number, WillRecord>> {
  const wills = new Map<number, WillRecord>();
  const clients = new Set<string>();
  await rows.each("wills", (key, value) => {
    const id = rows.idOf(key);
    const record = readWill(new RecordReader(value));
    mustBeSound("topic name", topicNameFault(record.will.topic));
    // A client has one, beside those that were due when the disk was full.
    if (record.dueWallMs === 0 && clients.has(record.clientId)) return false;
    if (record.dueWallMs === 0) clients.add(record.clientId);
    wills.set(id, record);
    return true;
  });
  return wills;
}

/** Gives wills back to sessions that go on, and publishes those of clients that were lost. */
function restoreWills(broker: DurableHost, wills: Map<number, WillRecord>): void {
  const now = broker.context.clock.now();
  for (const [id, { clientId, username, will, dueWallMs }] of wills) {
    // One without a session that survives had a clean session, which has ended.
    const known = broker.sessions.get(clientId);
    const session = known?.willId === 0 ? known : new Session(
      broker.sessionHost,
      clientId,
      (owner) => new MemoryQueue(broker.context, owner),
    );
    session.willId = id;
    broker.sessions.restoreWill(session, will);
    session.username = username;
    session.permit(accessOf(broker, clientId, username));
    const delayMs = (will.properties.willDelayInterval ?? 0) * 1000;
    session.willDueMs = dueWallMs === 0
      ? now + delayMs
      : broker.context.calendar.toClock(dueWallMs);
    if (session !== known) broker.sessions.wait(session, now, now);
  }
}

/** @throws {StoreError} If there is a fault. */
function mustBeSound(what: string, fault: string | null): void {
  if (fault !== null) throw new StoreError(`The store has a ${what} with a fault: ${fault}`);
}

/** What a client may do, of which this is all that is known until it returns. */
function accessOf(
  broker: DurableHost,
  clientId: string,
  username: string | null,
): ClientAccess | null {
  const { authorizer } = broker.context.settings;
  if (authorizer === null) return null;
  return new ClientAccess(broker.context, authorizer, {
    clientId,
    username,
    address: "",
    protocolVersion: 5,
  });
}

/** The clients are away: sessions wait for them, or end when their time is over. */
function goOn(broker: DurableHost, sessions: Map<number, StoredSession>): void {
  const now = broker.context.clock.now();
  for (const { session, queue } of sessions.values()) {
    if (queue.isLeaving) {
      session.end();
      continue;
    }
    // One that was connected when the broker ended is away from now on.
    if (queue.disconnectedMs === null) {
      queue.disconnectedMs = now;
      queue.changed();
    }
    broker.sessions.wait(session, queue.disconnectedMs, session.willDueMs ?? now);
    session.willDueMs = null;
  }
}
