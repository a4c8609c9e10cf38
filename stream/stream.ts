/** A stream as a program uses it. */
import type { Properties, QoS } from "../codec/mod.ts";
import { Receipt } from "../log/receipt.ts";
import { matchesFilter, topicFilterFault, topicNameFault } from "../router/topic.ts";
import { StoreError } from "../store/store.ts";
import { type GroupInfo, groupInfoOf, type PendingInfo, pendingInfoOf } from "./group_info.ts";
import { parsePosition, type Position } from "./position.ts";
import { cursorAt, TOPICS_MAX } from "./resolve_position.ts";
import type { Retention } from "./retention.ts";
import type { StreamCursor } from "./stream_cursor.ts";
import type { StreamLog } from "./stream_log.ts";
import { decodeProperties, encodeProperties } from "./stream_properties.ts";

/** A message of a stream as a program gets it. */
export interface StreamMessage {
  /** Its sequence: 1, 2, 3 … A missing number was dropped by a limit, or could not be stored. */
  readonly seq: number;
  /** When it arrived, in milliseconds since 1970. */
  readonly timeMs: number;
  /** The topic it was published to. */
  readonly topic: string;
  /** A copy of its payload. */
  readonly payload: Uint8Array;
  /** The QoS as published. */
  readonly qos: QoS;
  /** The RETAIN flag as published. */
  readonly retain: boolean;
  /** The properties as published, in their order. */
  readonly properties: Properties;
  /** The client identifier of its publisher; `null` for none. */
  readonly publisher: string | null;
}

/** How a program appends a message. */
export interface AppendOptions {
  /** The QoS; 0 by default. */
  readonly qos?: QoS;
  /** The RETAIN flag; false by default. */
  readonly retain?: boolean;
  /**
   * Message expiry, payload format, content type, response topic, correlation data, user
   * properties.
   */
  readonly properties?: Properties;
}

/** What a program reads. At most one position may be given. Without one, only new messages. */
export interface ReadOptions {
  /** A position in text, as in a subscription: `"earliest"`, `"since=1h"`, `"last=10"` … */
  readonly position?: string;
  /** Messages after this sequence; 0 for all messages. */
  readonly after?: number;
  /** Messages from this sequence on. */
  readonly from?: number;
  /** Messages that arrived at this time or later: a date, or milliseconds since 1970. */
  readonly since?: Date | number;
  /** This many of the last messages that match. */
  readonly last?: number;
  /** This many of the last messages of each topic that match. */
  readonly lastPerTopic?: number;
  /** The topic filter; `#` by default. */
  readonly filter?: string;
  /** Whether reading ends at the current end instead of waiting for more; false by default. */
  readonly isFinite?: boolean;
  /** Ends reading. The iterator throws the reason of the signal. */
  readonly signal?: AbortSignal;
  /**
   * Called and awaited where no message has matched for a while, so that other work can run; by
   * default it has a turn.
   */
  readonly pause?: () => Promise<void>;
}

/** The messages that {@linkcode Stream.purge} removes. */
export interface PurgeOptions {
  /**
   * Messages before this sequence, or that arrived before this date; with a filter, all messages by
   * default.
   */
  readonly before?: number | Date;
  /** Only messages whose topics match; all by default. */
  readonly filter?: string;
}

/** The store and the clock, as a stream needs them. */
export interface StreamKeeper {
  /** The time of the wall clock, in milliseconds since 1970. */
  now(): number;
  /** Resolves when other work has had its turn: sockets were read, and timers have run. */
  pause(): Promise<void>;
  /**
   * Resolves when everything that was appended up to now is on the disk. Rejects if it cannot be
   * stored.
   *
   * @param input The appended message. It is revoked if it cannot be stored.
   */
  whenStored(input: { isRevoked: boolean }): Promise<void>;
}

const encoder = new TextEncoder();

/** A stream as a program uses it: appends, and reads from any position on. */
export class Stream {
  readonly #log: StreamLog;
  readonly #keeper: StreamKeeper;

  /** Use {@linkcode Streams.declare}, or `Broker.stream()`. */
  constructor(log: StreamLog, keeper: StreamKeeper) {
    this.#log = log;
    this.#keeper = keeper;
  }

  /** The name of the stream. */
  get name(): string {
    return this.#log.name;
  }

  /** The sequence of the oldest message; `last + 1` if there is none. */
  get first(): number {
    return this.#log.first;
  }

  /** The highest sequence; 0 if the stream has never had a message. */
  get last(): number {
    return this.#log.last;
  }

  /** How many messages there are. */
  get messages(): number {
    return this.#log.messages;
  }

  /**
   * The size of their records, in bytes. The store drops whole chunks, so it has up to 64 KiB more.
   */
  get bytes(): number {
    return this.#log.bytes;
  }

  /** The limits of the stream. */
  get retention(): Required<Retention> {
    return this.#log.retention;
  }

  /**
   * Appends a message.
   *
   * @param payload Bytes, which are copied, or text.
   * @returns Its sequence, once the message is on the disk.
   * @throws {TypeError} If the topic is not a valid topic name.
   * @throws {StoreError} If the message cannot be stored, so that no reader gets it, or the stream
   * is closed. The stream of a broker waits until the store has room.
   */
  async append(
    topic: string,
    payload: Uint8Array | string,
    options: AppendOptions = {},
  ): Promise<number> {
    const fault = topicNameFault(topic);
    if (fault !== null) throw new TypeError(`Cannot append to "${topic}": ${fault}`);
    if (this.#log.isEnded) {
      throw new StoreError(`Cannot append to stream "${this.name}": it is closed`);
    }
    const { qos = 0, retain = false, properties = {} } = options;
    const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
    const head = encodeProperties(properties);
    const buffer = new Uint8Array(head.length + bytes.length);
    buffer.set(head);
    buffer.set(bytes, head.length);
    const input = {
      topic: encoder.encode(topic),
      buffer,
      propertiesStart: 0,
      propertiesEnd: head.length,
      payloadStart: head.length,
      payloadEnd: buffer.length,
      qos,
      retain,
      expirySeconds: properties.messageExpiryInterval ?? -1,
      publisher: null,
      isRevoked: false,
    };
    const seq = this.#log.append(input, true);
    await this.#keeper.whenStored(input);
    return seq;
  }

  /**
   * Reads messages from a position on: first the stored ones and then each new one, in order and
   * once. Expired messages are left out. Reading ends when the stream is closed or removed.
   *
   * @throws {TypeError} If the filter is not a valid topic filter.
   * @throws {RangeError} If the position is invalid or in the future.
   * @throws {StoreError} If the store cannot be read.
   */
  async *read(options: ReadOptions = {}): AsyncGenerator<StreamMessage, void, void> {
    const { filter = "#", signal, isFinite = false } = options;
    const pause = options.pause ?? (() => this.#keeper.pause());
    const fault = topicFilterFault(filter);
    if (fault !== null) throw new TypeError(`Cannot read "${filter}": ${fault}`);
    const position = positionOf(options, this.#keeper.now());
    const search = { filter, signal, topicsMax: TOPICS_MAX, pause };
    const cursor = await cursorAt(this.#log, position, search);
    const end = isFinite ? this.#log.stored : Infinity;
    while (cursor.at <= end && !this.#log.isEnded) {
      signal?.throwIfAborted();
      const found = cursor.next();
      if (found === "message") {
        if (cursor.seq > end) return;
        if (this.#isExpired(cursor)) continue;
        const message = messageOf(cursor);
        // The caller may take its time.
        cursor.release();
        yield message;
      } else if (found === "unloaded") await cursor.load();
      else if (found === "busy") await pause();
      else if (isFinite) return;
      else {
        cursor.release();
        await this.#more(signal);
      }
    }
  }

  /**
   * Removes messages. Resolves when the disk has the change. If it fails midway, some of the
   * messages are removed.
   *
   * @throws {TypeError} If there is neither `before` nor `filter`, or the filter is not valid.
   * @throws {StoreError} If the store cannot be read, or not be written.
   */
  async purge({ before, filter = "#" }: PurgeOptions): Promise<void> {
    const fault = topicFilterFault(filter);
    if (fault !== null) throw new TypeError(`Cannot purge "${filter}": ${fault}`);
    const whenStored = () => this.#keeper.whenStored({ isRevoked: false });
    let seq: number;
    if (before instanceof Date) {
      const position: Position = { kind: "since", timeMs: before.getTime() };
      seq = (await cursorAt(this.#log, position, { filter: null })).at;
    } else if (before !== undefined) seq = before;
    else if (filter !== "#") seq = this.#log.last + 1;
    else throw new TypeError("What is purged? Give before, or filter, or both");
    if (filter !== "#") {
      const isPurged = (topic: string) => matchesFilter(filter, topic);
      return await this.#log.cleaner.purge(isPurged, seq, whenStored);
    }
    this.#log.purge(seq);
    await whenStored();
  }

  /** The groups of the stream, including those whose members are all disconnected. */
  groups(): GroupInfo[] {
    return [...this.#log.groups.values()].map(groupInfoOf);
  }

  /**
   * The unacknowledged messages of a group, by member.
   *
   * @throws {RangeError} If there is no such group.
   */
  pending(group: string): PendingInfo[] {
    return pendingInfoOf(this.#log.groups.find(group));
  }

  /**
   * Moves a group to another position. Its unacknowledged messages are not sent again, unless they
   * come after the position. Resolves when the disk has the change.
   *
   * @param position As in a subscription: `"earliest"`, `"since=1h"`, `"after=17"` …
   * @throws {RangeError} If there is no such group, or the position is none, or lies in the future.
   * @throws {StoreError} If the store cannot be read.
   */
  async seek(group: string, position: string): Promise<void> {
    const { filter } = this.#log.groups.find(group);
    const wanted = parsePosition(position, this.#keeper.now());
    const cursor = await cursorAt(this.#log, wanted, { filter, topicsMax: TOPICS_MAX });
    const chosen = (cursor.chosen ?? []).toReversed();
    this.#log.groups.find(group).moveTo(cursor.following, chosen);
    await this.#keeper.whenStored({ isRevoked: false });
  }

  /**
   * Removes a group with its progress, and ends the subscriptions of its members. Resolves when the
   * disk has the change, with whether there was such a group.
   */
  async remove(group: string): Promise<boolean> {
    if (!this.#log.groups.remove(group)) return false;
    await this.#keeper.whenStored({ isRevoked: false });
    return true;
  }

  #isExpired({ record }: StreamCursor): boolean {
    const { expirySeconds, timeMs } = record;
    return expirySeconds >= 0 && timeMs + expirySeconds * 1000 <= this.#keeper.now();
  }

  async #more(signal: AbortSignal | undefined): Promise<void> {
    const more = new Receipt();
    const waiter = { wake: () => more.close() };
    this.#log.waiters.add(waiter);
    try {
      await more.wait(signal);
    } finally {
      this.#log.waiters.delete(waiter);
    }
  }
}

function positionOf(options: ReadOptions, nowMs: number): Position {
  const { position, after, from, since, last, lastPerTopic } = options;
  const given = [position, after, from, since, last, lastPerTopic].filter((it) => it !== undefined);
  if (given.length > 1) throw new RangeError("A reader begins at one position, not at several");
  if (position !== undefined) return parsePosition(position, nowMs);
  if (after !== undefined) return { kind: "from", seq: whole("after", after, 0) + 1 };
  if (from !== undefined) return { kind: "from", seq: whole("from", from, 1) };
  if (since !== undefined) return { kind: "since", timeMs: Number(since) };
  if (last !== undefined) return { kind: "last", count: whole("last", last, 1) };
  if (lastPerTopic === undefined) return { kind: "latest" };
  return { kind: "last-per-topic", count: whole("lastPerTopic", lastPerTopic, 1) };
}

function whole(name: string, value: number, min: number): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new RangeError(`${name} must be a whole number from ${min} on, not ${value}`);
}

function messageOf(cursor: StreamCursor): StreamMessage {
  const { record, seq, topic } = cursor;
  const { bytes, timeMs, qos, retain, propertiesStart, propertiesEnd, expirySeconds } = record;
  return {
    seq,
    timeMs,
    topic,
    payload: bytes.slice(record.payloadStart, record.payloadEnd),
    qos: Math.min(2, qos) as QoS,
    retain,
    properties: decodeProperties(bytes.subarray(propertiesStart, propertiesEnd), expirySeconds),
    publisher: record.publisher,
  };
}
