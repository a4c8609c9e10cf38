import { Subscription, subscriptionOptions } from "../../router/subscription.ts";
import { numberOfKey, RecordReader, textOfKey } from "../../store/record.ts";
import type { Row, Store, Table } from "../../store/store.ts";
import { Access } from "../access.ts";
import type { Core } from "../core.ts";
import { FeedQueue } from "../feed_queue.ts";
import type { Receiver } from "../receiver.ts";
import { RetainedFeed } from "../retained_feed.ts";
import { Sent } from "../sent.ts";
import { Session } from "../session.ts";
import { Hold, readerOf } from "./durable_backlog.ts";
import type { DurableCursor } from "./durable_cursor.ts";
import type { DurableLog } from "./durable_log.ts";
import { Join, readJoin } from "./join.ts";
import { Journal, type JournalHost, NEXT_ID_KEY } from "./journal.ts";
import { Page } from "./page.ts";
import { summarisePage } from "./page_record.ts";
import { readMessage, readOptions, readWill } from "./records.ts";
import {
  type FeedRecord,
  type FlightRecord,
  type ReaderRecord,
  readSession,
} from "./session_record.ts";

/** How much is read of a table at once. */
const PAGE = { rows: 4096, bytes: 1024 * 1024 };
const FIRST_KEY = new Uint8Array();

/**
 * Takes everything up where the store says it was left: sessions with their
 * subscriptions, positions and flights, retained messages and wills. Messages
 * that wait stay where they are.
 *
 * @returns The journal, which the broker uses from then on.
 * @throws {StoreError} If the store cannot be read.
 */
export async function restore(core: Core, store: Store, host: JournalHost): Promise<Journal> {
  const [nextId] = await store.get("meta", [NEXT_ID_KEY]);
  const journal = new Journal(store, host, nextId ? new RecordReader(nextId).number() : 1);
  core.journal = journal;
  await restoreRetained(core, store);
  const logs = await restoreLogs(store, journal, core);
  const sessions = await restoreSessions(core, store, journal, logs);
  await restoreJoins(store, journal, logs, sessions);
  await restoreSubscriptions(core, store, sessions);
  for (const log of logs.values()) log.release(log.firstPage);
  await restoreWills(core, store);
  goOn(core, sessions);
  return journal;
}

/** Every row of a table, a page of them at a time. */
async function* rowsOf(store: Store, table: Table): AsyncGenerator<readonly Row[], void, void> {
  for (let from = FIRST_KEY;;) {
    const rows = await store.scan(table, from, null, PAGE);
    if (rows.length === 0) return;
    yield rows;
    const last = rows.at(-1)!.key;
    from = new Uint8Array(last.length + 1);
    from.set(last);
  }
}

/** The logs with their pages, each held so that it does not go before its readers are there. */
async function restoreLogs(
  store: Store,
  journal: Journal,
  core: Core,
): Promise<Map<number, DurableLog>> {
  const logs = new Map<number, DurableLog>();
  let pages: Page[] = [];
  let logId = -1;
  const finish = () => {
    if (pages.length === 0) return;
    const log = journal.restoreLog(logId, 0, 0);
    log.restore(pages);
    log.hold(log.firstPage);
    logs.set(logId, log);
    journal.watch(log);
    pages = [];
  };
  for await (const rows of rowsOf(store, "entries")) {
    for (const { key, value } of rows) {
      if (numberOfKey(key) !== logId) finish();
      logId = numberOfKey(key);
      pages.push(pageOf(journal, core, numberOfKey(key, 1), value));
    }
  }
  finish();
  return logs;
}

function pageOf(journal: Journal, core: Core, first: number, value: Uint8Array): Page {
  const summary = summarisePage(value);
  const page = new Page(first, summary.weightBefore);
  page.entries = null;
  page.count = summary.count;
  page.weight = summary.weight;
  page.isSealed = true;
  const { expiresWallMs } = summary;
  page.expiresMs = expiresWallMs === Infinity ? Infinity : core.calendar.toClock(expiresWallMs);
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
    log.hold(log.firstPage);
  }
  return log;
}

/** The sessions by the number they are stored under. */
async function restoreSessions(
  core: Core,
  store: Store,
  journal: Journal,
  logs: Map<number, DurableLog>,
): Promise<Map<number, Session>> {
  const sessions = new Map<number, Session>();
  for await (const rows of rowsOf(store, "sessions")) {
    for (const { key, value } of rows) {
      const id = numberOfKey(key);
      const record = readSession(value);
      const session = new Session(core, record.clientId, id);
      session.expirySeconds = record.expirySeconds;
      const durable = session.durable!;
      for (const reader of record.readers) {
        const { variant } = reader;
        const log = logOf(journal, logs, reader.logId, reader.position, reader.weight);
        const restored = readerOf(cursorOf(log, reader), variant, null);
        restored.doubtEnd = record.disconnectedWallMs === 0 ? log.end : reader.doubtEnd;
        durable.backlog.restore(restored);
      }
      const flights = record.flights.map((flight) =>
        [flight.packetId, flight.phase, sentOf(flight, logs)] as const
      );
      session.restoreFlights(record.lastId, flights, record.inboundIds);
      if (record.feeds.length > 0) {
        session.feeds = new FeedQueue(record.feeds.map((feed) => feedOf(core, feed)));
      }
      const { disconnectedWallMs } = record;
      durable.isLeaving = record.isLeaving;
      durable.stamp = record.stamp;
      durable.disconnectedMs = disconnectedWallMs === 0
        ? null
        : core.calendar.toClock(disconnectedWallMs);
      sessions.set(id, session);
      if (!record.isLeaving) core.sessions.restore(session);
    }
  }
  return sessions;
}

/** What sessions have begun to read since their own rows were written. */
async function restoreJoins(
  store: Store,
  journal: Journal,
  logs: Map<number, DurableLog>,
  sessions: Map<number, Session>,
): Promise<void> {
  for await (const rows of rowsOf(store, "joins")) {
    for (const { key, value } of rows) {
      const id = numberOfKey(key);
      const record = readJoin(value);
      const { position, weight, variant } = record;
      const log = logOf(journal, logs, record.logId, position, weight);
      const join = new Join(id, log, position, weight, variant);
      for (const sessionId of record.sessions) {
        const durable = sessions.get(sessionId)?.durable;
        if (!durable || durable.stamp > id) continue;
        const at = { position, weight, end: Infinity, endWeight: Infinity, variant };
        const reader = readerOf(cursorOf(log, at), variant, null);
        if (durable.disconnectedMs === null) reader.doubtEnd = log.end;
        reader.join = join;
        join.sessions.push(sessionId);
        join.pending++;
        durable.backlog.restore(reader);
      }
      if (join.pending === 0) journal.removeJoin(join);
    }
  }
}

function cursorOf(
  log: DurableLog,
  record: Omit<ReaderRecord, "logId" | "doubtEnd">,
): DurableCursor {
  const cursor = log.cursor();
  const { position, weight, variant } = record;
  // Nothing will be appended any more to a log that was shared.
  const isOwn = variant === null;
  const end = Math.min(record.end, isOwn ? Infinity : log.end);
  const endWeight = Math.min(record.endWeight, isOwn ? Infinity : log.weight);
  cursor.restore(pageAt(log, position), position, weight, end, endWeight);
  return cursor;
}

function sentOf(record: FlightRecord, logs: Map<number, DurableLog>): Sent {
  const { variant, qos, logId, position } = record;
  const log = logs.get(logId);
  const isHeld = record.phase !== "pubcomp" && log !== undefined && position >= log.start &&
    position < log.end;
  const hold = isHeld ? new Hold(log, pageAt(log, position), position) : null;
  const sent = new Sent(null, variant, qos, hold);
  sent.wasSent = true;
  return sent;
}

function feedOf(core: Core, { filter, variant, noLocal }: FeedRecord): RetainedFeed {
  return new RetainedFeed(filter, core.retained.match(filter), variant, noLocal);
}

/** The page that holds a position, or the one before which it stands. */
function pageAt(log: DurableLog, position: number): Page {
  let page = log.firstPage;
  while (page.end <= position && page.next !== null) page = page.next;
  return page;
}

async function restoreSubscriptions(
  core: Core,
  store: Store,
  sessions: Map<number, Session>,
): Promise<void> {
  for await (const rows of rowsOf(store, "subscriptions")) {
    for (const { key, value } of rows) {
      const session = sessions.get(numberOfKey(key));
      if (session === undefined || session.durable!.isLeaving) continue;
      const options = readOptions(new RecordReader(value));
      const subscription = new Subscription<Receiver>(
        session,
        textOfKey(key),
        subscriptionOptions(options),
      );
      core.router.subscribe(subscription);
      session.subscriptions.set(subscription);
    }
  }
}

async function restoreRetained(core: Core, store: Store): Promise<void> {
  for await (const rows of rowsOf(store, "retained")) {
    for (const { value } of rows) {
      const reader = new RecordReader(value);
      const publisher = reader.text();
      const message = readMessage(reader, core.calendar, publisher === "" ? null : publisher);
      core.retained.restore(message);
    }
  }
}

/** Gives wills back to sessions that go on, and publishes those of clients that were lost. */
async function restoreWills(core: Core, store: Store): Promise<void> {
  const now = core.clock.now();
  for await (const rows of rowsOf(store, "wills")) {
    for (const { key, value } of rows) {
      const { clientId, username, will, dueWallMs } = readWill(new RecordReader(value));
      // One without a session that survives had a clean session, which has ended.
      const session = core.sessions.get(clientId) ?? new Session(core, clientId);
      if (session.willId !== 0) continue;
      session.willId = numberOfKey(key);
      session.will = will;
      session.username = username;
      session.permit(accessOf(core, clientId, username));
      const delayMs = (will.properties.willDelayInterval ?? 0) * 1000;
      session.willDueMs = dueWallMs === 0 ? now + delayMs : core.calendar.toClock(dueWallMs);
      if (session.durable === null) core.sessions.wait(session, now, now);
    }
  }
}

/** What a client may do, of which this is all that is known until it returns. */
function accessOf(core: Core, clientId: string, username: string | null): Access | null {
  const { authorizer } = core.settings;
  if (authorizer === null) return null;
  return new Access(core, authorizer, { clientId, username, address: "", protocolVersion: 5 });
}

/** The clients are away: sessions wait for them, or end when their time is over. */
function goOn(core: Core, sessions: Map<number, Session>): void {
  const now = core.clock.now();
  for (const session of sessions.values()) {
    const durable = session.durable!;
    if (durable.isLeaving) {
      session.end();
      continue;
    }
    // One that was connected when the broker ended is away from now on.
    if (durable.disconnectedMs === null) {
      durable.disconnectedMs = now;
      durable.changed();
    }
    core.sessions.wait(session, durable.disconnectedMs, session.willDueMs ?? now);
    session.willDueMs = null;
  }
}
