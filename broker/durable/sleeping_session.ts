/** A durable session that nothing has touched since the broker started. */
import { READER_BYTES } from "../base/memory_costs.ts";
import type { Tally } from "../base/memory_tally.ts";
import type { MessageFollows, MessageLog } from "../delivery/backlog.ts";
import type { SessionQueue, SleepingQueue, WakingSession } from "../session/session_queue.ts";
import type { DurableHost } from "./durable_host.ts";
import { DurableLog } from "./durable_log.ts";
import { DurableQueue } from "./durable_queue.ts";
import { Join, joinedBytes, joinedMessages, joinsOf } from "./join.ts";
import { type Reader, readerOf, READERS_MAX } from "./log_reader.ts";
import type { PackedLog } from "./packed_log.ts";
import { PackedRow, type RowPlace } from "./packed_rows.ts";
import { cursorOf } from "./restored_cursor.ts";
import { emptyLog } from "./restored_logs.ts";
import { type ReaderRecord, readSession, type SessionRecord } from "./session_record.ts";

/**
 * Whether a session can sleep: its client is away, nothing is in flight, and what waits for it alone
 * is in one log.
 */
export function canSleep({ readers, ...record }: SessionRecord): boolean {
  const { isLeaving, disconnectedWallMs, exchanges, inboundIds, feeds, replays } = record;
  return !isLeaving && disconnectedWallMs !== 0 && exchanges.length === 0 &&
    inboundIds.length === 0 && feeds.length === 0 && replays.length === 0 &&
    readers.filter(({ variant }) => variant === null).length <= 1;
}

const NO_READERS: readonly Reader[] = [];

/**
 * The queue of a session as the row of the session and the pages of its own log, as bytes. It keeps
 * them in memory, so that it wakes at once when a message comes. The logs that it shares with others
 * are read from the start on, since their pages must not be removed before it wakes.
 */
export class SleepingSession extends PackedRow implements SleepingQueue {
  readonly #host: DurableHost;
  readonly #id: number;
  /** Its own log; `null` if that has no pages. */
  readonly #log: PackedLog | null;
  /** Its readers of shared logs; `null` for none. */
  #readers: Reader[] | null = null;
  /** The logs that it has begun to follow while it slept. */
  #joins: Join | null = null;
  /** When it lost its connection, of the broker's clock. */
  readonly disconnectedMs: number;

  constructor(
    host: DurableHost,
    id: number,
    row: RowPlace,
    log: PackedLog | null,
    disconnectedMs: number,
  ) {
    super(row);
    this.#host = host;
    this.#id = id;
    this.#log = log;
    // A whole number of 32 bits takes no memory of its own.
    this.disconnectedMs = Math.round(disconnectedMs);
  }

  /** How many messages wait. */
  get messages(): number {
    let messages = joinedMessages(this.#joins);
    if (this.#log !== null) messages += this.#own!.messages;
    for (const { cursor } of this.#readers ?? NO_READERS) messages += cursor.lag;
    return messages;
  }

  get bytes(): number {
    let bytes = joinedBytes(this.#joins);
    if (this.#log !== null) bytes += this.#own!.bytes;
    for (const { cursor } of this.#readers ?? NO_READERS) bytes += cursor.lagWeight;
    return bytes;
  }

  /** What waits in its own log. */
  get #own(): { messages: number; bytes: number } | null {
    if (this.#log === null) return null;
    const { position, weight } = readSession(this.row).readers.find(isOwn)!;
    const { start, startWeight, end, endWeight } = this.#log.extent;
    return {
      messages: Math.max(0, end - Math.max(start, position)),
      bytes: Math.max(0, endWeight - (position < start ? startWeight : weight)),
    };
  }

  /** Shared starts that are newer than its row have a higher number. */
  get stamp(): number {
    return readSession(this.row).stamp;
  }

  /** Adds a reader of a shared log. */
  addReader(reader: Reader): void {
    (this.#readers ??= []).push(reader);
  }

  follow(log: MessageLog, follows: MessageFollows): boolean {
    if (!(log instanceof DurableLog) || this.#logs >= READERS_MAX) return false;
    const start = this.#host.journal!.starts.add(this.#id, log, follows.variant);
    this.#joins = new Join(start, follows, this.#joins);
    return true;
  }

  /** How many logs it reads. */
  get #logs(): number {
    return (this.#readers?.length ?? 0) + joinsOf(this.#joins) + (this.#log === null ? 0 : 1);
  }

  /** Adds what it costs to know where it reads. */
  tally(tally: Tally): void {
    tally.bytes += this.#logs * READER_BYTES;
  }

  wake(session: WakingSession): SessionQueue {
    const record = readSession(this.row);
    const queue = new DurableQueue(this.#host, session, this.#id, true);
    queue.rows.stamp = record.stamp;
    queue.rows.disconnectedMs = this.disconnectedMs;
    const own = record.readers.find(isOwn);
    if (own !== undefined) this.#restoreOwn(queue, own);
    for (const reader of this.#readers ?? []) queue.backlog.restore(reader);
    queue.backlog.restoreJoins(this.#joins);
    session.restoreInflight(record.lastId, [], []);
    return queue;
  }

  #restoreOwn(queue: DurableQueue, record: ReaderRecord): void {
    const log = this.#openLog(record);
    const reader = readerOf(cursorOf(log, record), null, null);
    reader.doubtEnd = record.doubtEnd;
    queue.backlog.restore(reader);
    log.begin();
  }

  #openLog({ logId, position, weight }: ReaderRecord): DurableLog {
    const { context: { calendar }, journal } = this.#host;
    if (this.#log === null) return emptyLog(logId, position, weight, journal!);
    journal!.pages.countAsleep(-1);
    return this.#log.unpack(journal!, calendar);
  }
}

function isOwn({ variant }: ReaderRecord): boolean {
  return variant === null;
}
