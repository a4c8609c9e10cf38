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
import type { SweptLog } from "./expiry_sweep.ts";
import { type Reader, readerOf } from "./log_reader.ts";
import { MessageHold } from "./message_hold.ts";
import { DurableQueue } from "./durable_queue.ts";
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
import { SortedTable } from "./sorted_table.ts";
import type { StoredRows } from "./stored_rows.ts";
import type { PackedLog } from "./packed_log.ts";
import { PackedRows } from "./packed_rows.ts";
import { cursorOf } from "./restored_cursor.ts";
import type { RestoredLogs } from "./restored_logs.ts";
import { AsleepSession, AwakeSession, type RestoredSession } from "./restored_session.ts";
import { canSleep, SleepingSession } from "./sleeping_session.ts";
import { mustBeSound, mustFit } from "./restore_retained.ts";

/** Restores the sessions of the store, each asleep if it can be. */
export class SessionRestore {
  readonly #broker: DurableHost;
  readonly #rows: StoredRows;
  readonly #journal: Journal;
  readonly #logs: RestoredLogs;
  readonly #packed = new PackedRows();
  /** By their numbers in the store. */
  readonly #sessions = new SortedTable<RestoredSession>();
  /** Those of which messages expire while they sleep. */
  readonly #expiring: SweptLog[] = [];

  constructor(broker: DurableHost, rows: StoredRows, journal: Journal, logs: RestoredLogs) {
    this.#broker = broker;
    this.#rows = rows;
    this.#journal = journal;
    this.#logs = logs;
  }

  /** Reads the rows of the sessions. */
  async readSessions(): Promise<void> {
    const { sessions } = this.#broker;
    await this.#rows.each("sessions", (key, value) => {
      const id = this.#rows.idOf(key);
      const record = readSession(value);
      this.#rows.inUse(record.stamp);
      for (const { logId } of record.readers) this.#rows.inUse(logId);
      // A client has one session, besides ended ones with messages to hand over.
      if (!record.isLeaving && sessions.get(record.clientId) !== undefined) return false;
      const restored = this.#sleepingOf(id, record, value) ?? this.#awakeOf(id, record);
      this.#sessions.add(id, restored);
      if (!record.isLeaving) sessions.restore(restored.session);
      const { readers, exchanges, inboundIds } = record;
      countKept(
        readers.length * READER_BYTES + exchanges.length * INFLIGHT_BYTES +
          inboundIds.length * INBOUND_ID_BYTES,
      );
      return mustFit(this.#broker);
    });
  }

  /** A session that sleeps; `null` if this one cannot. */
  #sleepingOf(id: number, record: SessionRecord, value: Uint8Array): RestoredSession | null {
    if (!canSleep(record)) return null;
    const own = record.readers.find(({ variant }) => variant === null);
    let log: PackedLog | null = null;
    if (own !== undefined) {
      if (!this.#logs.isFree(own.logId)) return null;
      // Pages that it has read must be removed now.
      if ((this.#logs.peek(own.logId)?.firstPageEnd ?? Infinity) <= own.position) return null;
      log = this.#logs.take(own.logId);
    }
    const { sessionHost } = this.#broker;
    const sinceMs = this.#sinceOf(record.disconnectedWallMs);
    const row = this.#packed.keep(value);
    const asleep = new SleepingSession(this.#broker, id, row, log, sinceMs);
    for (const reader of record.readers) {
      if (reader.variant !== null) asleep.addReader(this.#readerOf(reader, reader.doubtEnd));
    }
    const session = new Session(sessionHost, record.clientId, asleep);
    session.expirySeconds = Math.min(record.expirySeconds, NEVER_EXPIRES);
    if (log !== null && log.expiresWallMs !== Infinity) this.#wakeToExpire(session, log);
    return new AsleepSession(session, asleep);
  }

  #wakeToExpire(session: Session, { expiresWallMs }: PackedLog): void {
    const { pages } = this.#journal;
    const atMs = this.#broker.context.calendar.toClock(expiresWallMs);
    const asleep = {
      dropExpired: (nowMs: number) => {
        if (nowMs < atMs && session.isAsleep) return 0;
        pages.unwatch(asleep);
        // From now on its log itself is watched.
        void session.queue;
        return 0;
      },
    };
    this.#expiring.push(asleep);
  }

  #awakeOf(id: number, record: SessionRecord): RestoredSession {
    const { exchanges, feeds, disconnectedWallMs } = record;
    const { queue, session } = newSession(this.#broker, id, record.clientId);
    session.expirySeconds = Math.min(record.expirySeconds, NEVER_EXPIRES);
    for (const one of record.readers) {
      const reader = this.#readerOf(one, one.doubtEnd);
      if (disconnectedWallMs === 0) reader.doubtEnd = reader.cursor.log.end;
      queue.backlog.restore(reader);
    }
    const sent = exchanges.map((exchange) => {
      const place = exchange.phase === "pubrec" ? record.places.get(exchange.packetId) : undefined;
      if (place === undefined) return sentOf(exchange, this.#logs);
      return this.#broker.replaysOf(session).restoreInflight(place, exchange.variant);
    });
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
      session.feeds = new RetainedDeliveryQueue(feeds.map((feed) => feedOf(this.#broker, feed)));
    }
    for (const replay of record.replays) this.#broker.restoreReplay(session, replay);
    const { rows } = queue;
    rows.isLeaving = record.isLeaving;
    rows.stamp = record.stamp;
    rows.disconnectedMs = disconnectedWallMs === 0 ? null : this.#sinceOf(disconnectedWallMs);
    return new AwakeSession(session, queue);
  }

  /** A clock that was set back must not extend the session. */
  #sinceOf(disconnectedWallMs: number): number {
    const { clock, calendar } = this.#broker.context;
    return Math.min(clock.now(), calendar.toClock(disconnectedWallMs));
  }

  #readerOf(record: Omit<ReaderRecord, "doubtEnd">, doubtEnd: number): Reader {
    const log = this.#logs.open(record.logId, record.position, record.weight);
    const reader = readerOf(cursorOf(log, record), record.variant, null);
    reader.doubtEnd = doubtEnd;
    return reader;
  }

  /** Reads the logs that sessions have started to read since their rows were written. */
  async readSharedStarts(): Promise<void> {
    await this.#rows.each("joins", (key, value) => {
      const id = this.#rows.idOf(key);
      const { logId, position, weight, variant, sessions } = readSharedStart(value);
      const log = this.#logs.open(this.#rows.inUse(logId), position, weight);
      const start = new SharedStart(id, log, position, weight, variant);
      for (const sessionId of new Set(sessions)) {
        const session = this.#sessions.get(sessionId);
        if (session === undefined || session.stamp > id) continue;
        const at = { logId, position, weight, end: Infinity, endWeight: Infinity, variant };
        const reader = this.#readerOf(at, session.disconnectedMs === null ? log.end : 0);
        reader.start = start;
        start.sessions.push(sessionId);
        start.pending++;
        session.addReader(reader);
      }
      return start.pending > 0;
    });
  }

  /** Reads the subscriptions of the sessions. */
  async readSubscriptions(): Promise<void> {
    const { router } = this.#broker;
    await this.#rows.each("subscriptions", (key, value) => {
      const stored = this.#sessions.get(numberOfKey(key));
      if (stored === undefined) return false;
      const { session, isLeaving } = stored;
      if (isLeaving) return true;
      const options = subscriptionOptions(readOptions(new RecordReader(value)));
      const filter = textOfKey(key);
      mustBeSound("topic filter", topicFilterFault(filter));
      subscribeCharged(router, session, new Subscription<Receiver>(session, filter, options));
      return mustFit(this.#broker);
    });
  }

  /** All clients are disconnected: sessions wait for them, or end when they expire. */
  continue(): void {
    const now = this.#broker.context.clock.now();
    // Before all their readers were known, none could wake.
    for (const asleep of this.#expiring) this.#journal.pages.watch(asleep);
    for (const [, restored] of this.#sessions.entries()) {
      const { session, isLeaving } = restored;
      if (isLeaving) {
        session.end();
        continue;
      }
      // A client that was connected when the broker ended counts as disconnected from now on.
      if (restored.disconnectedMs === null) restored.disconnect(now);
      const sinceMs = restored.disconnectedMs ?? now;
      this.#broker.sessions.wait(session, sinceMs, session.will?.restoredDueMs ?? now);
    }
  }
}

function newSession(
  broker: DurableHost,
  id: number,
  clientId: string,
): { session: Session; queue: DurableQueue } {
  let queue: DurableQueue;
  const session = new Session(broker.sessionHost, clientId, (owner) => {
    return queue = new DurableQueue(broker, owner, id, true);
  });
  return { session, queue: queue! };
}

function sentOf(record: ExchangeRecord, logs: RestoredLogs): StoredInflight {
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
