import type { Waiter } from "../../log/log.ts";
import type { Variant } from "../../router/variant.ts";
import type { MessageFollows } from "../delivery/backlog.ts";
import { READER_BYTES } from "../base/memory_costs.ts";
import type { Tally } from "../base/memory_tally.ts";
import type { Message } from "../base/message.ts";
import type { DurableCursor } from "./durable_cursor.ts";
import { current, type DurableLog } from "./durable_log.ts";
import type { SharedStart } from "./shared_start.ts";
import type { Place } from "./message_chunk.ts";
import { type Entry, LOST_VARIANT, type MessagePage } from "./message_page.ts";

/**
 * Logs that a session reads at once: all of them are looked at for each message, and written with
 * the session. Past it the session has a log of its own for what comes.
 */
const READERS_MAX = 128;

/** A log that a session reads, and why. */
export interface Reader {
  readonly cursor: DurableCursor;
  /** How its messages are sent; `null` for the session's own log, whose entries say it. */
  readonly variant: Variant | null;
  /** Who is told that it is no longer followed; `null` once it is not. */
  follows: MessageFollows | null;
  /** Up to where the client may have been sent them with QoS 1 before the broker crashed. */
  doubtEnd: number;
  /** The join that says that it is read, while the session's own row does not; else `null`. */
  join: SharedStart | null;
  /** Who is parked at the log, and as of which append. */
  parked: Waiter | null;
  parkedAt: number;
}

/** A reader that starts where its cursor is. */
export function readerOf(
  cursor: DurableCursor,
  variant: Variant | null,
  follows: MessageFollows | null,
): Reader {
  return { cursor, variant, follows, doubtEnd: 0, join: null, parked: null, parkedAt: -1 };
}

/** What keeps a message in flight in its log until it is acknowledged. */
export class Hold {
  constructor(readonly log: DurableLog, readonly page: MessagePage, readonly position: number) {
    log.hold(page);
  }

  /** The entry; `null` while it has to be loaded, or when it has expired. */
  get entry(): Entry | null {
    const page = current(this.page);
    return page.entries?.[this.position - page.first] ?? null;
  }

  /** Whether the entry is gone for good. */
  get isGone(): boolean {
    return current(this.page).first > this.position;
  }

  /** Has the entry loaded, and calls back. */
  load(done: () => void): void {
    this.log.keeper.load(this.log, current(this.page), done);
  }

  /** The message is acknowledged. */
  release(): void {
    this.log.release(this.page);
  }
}

/**
 * The acknowledged messages that a durable session has not been sent yet: a
 * cursor in each of the logs that it shares with others, and one in a log of
 * its own. Where every message came in the order is known from where it is
 * stored, so the cursors together are one line, as it was published.
 */
export class DurableBacklog {
  readonly #newLog: () => DurableLog;
  readonly #loaded: () => void;
  readonly #changed: () => void;
  #readers: Reader[] = [];
  #own: Reader | null = null;
  /** The reader of the entry of the last {@linkcode peek}. */
  #next: Reader | null = null;
  #isLoading = false;
  /** Whether messages of shared subscriptions may wait. */
  mayBeShared = false;

  /**
   * @param newLog Makes the session's own log.
   * @param changed Called when other logs are read than before, or from elsewhere.
   * @param loaded Called when what {@linkcode peek} could not give has been loaded.
   */
  constructor(newLog: () => DurableLog, changed: () => void, loaded: () => void) {
    this.#newLog = newLog;
    this.#changed = changed;
    this.#loaded = loaded;
  }

  /** Adds what it costs to know where it reads; pages are counted by the cache that keeps them. */
  tally(tally: Tally): void {
    tally.bytes += this.#readers.length * READER_BYTES;
  }

  /** How many messages wait. */
  get messages(): number {
    let messages = 0;
    for (const { cursor } of this.#readers) messages += cursor.lag;
    return messages;
  }

  /** How many bytes those are. */
  get bytes(): number {
    let bytes = 0;
    for (const { cursor } of this.#readers) bytes += cursor.lagWeight;
    return bytes;
  }

  /** The logs that are read. */
  get readers(): readonly Reader[] {
    return this.#readers;
  }

  /** Goes on with a log as it was stored. */
  restore(reader: Reader): void {
    this.#readers.push(reader);
    if (reader.variant !== null) return;
    this.#own = reader;
    this.mayBeShared = reader.cursor.lag > 0;
  }

  /** Appends a message for this session alone. */
  push(message: Message, variant: Variant): void {
    if (this.#own === null) {
      this.#own = readerOf(this.#newLog().cursor(), null, null);
      this.#readers.push(this.#own);
      this.#changed();
    }
    if (variant.shared !== null) this.mayBeShared = true;
    this.#own.cursor.log.append(message, variant);
  }

  /** Whether one more log may be followed; for it, those are left that are read to their end. */
  makeRoom(): boolean {
    if (this.#readers.length < READERS_MAX) return true;
    for (const { cursor, follows } of [...this.#readers]) {
      if (follows !== null && cursor.lag <= 0) this.leave(follows);
    }
    return this.#readers.length < READERS_MAX;
  }

  /** Follows a log that is shared, from its end on. */
  follow(log: DurableLog, follows: MessageFollows): Reader {
    const { variant } = follows;
    const reader = readerOf(log.cursor(), variant, follows);
    this.#readers.push(reader);
    return reader;
  }

  /** Leaves the log that is followed for `follows`, or, without one, every log. */
  leave(follows?: MessageFollows): void {
    for (const reader of [...this.#readers]) {
      if (reader.follows === null || (follows !== undefined && reader.follows !== follows)) {
        continue;
      }
      const { follows: left } = reader;
      reader.follows = null;
      reader.cursor.close();
      left.left();
      this.#changed();
    }
    this.#forgetRead();
  }

  /** Somebody is there again to take what waits. */
  returned(): void {
    for (const { follows } of this.#readers) follows?.returned();
  }

  /** Has `waiter` woken when a shared log goes on; again, until then, does nothing. */
  park(waiter: Waiter): void {
    for (const reader of this.#readers) {
      const { log } = reader.cursor;
      if (reader.follows === null) continue;
      if (reader.parked === waiter && reader.parkedAt === log.appends) continue;
      reader.parked = waiter;
      reader.parkedAt = log.appends;
      log.park(waiter);
    }
  }

  /**
   * The message to be sent next, which stays where it is; `null` when none
   * waits, and while it has to be loaded.
   */
  peek(): Entry | null {
    this.#next = null;
    let next: Reader | null = null;
    let nextPlace: Place | null = null;
    for (const reader of this.#readers) {
      const { cursor } = reader;
      if (cursor.lag <= 0) continue;
      const place = cursor.locate();
      if (place === null) return this.#load(cursor);
      if (nextPlace !== null && !place.isBefore(nextPlace)) continue;
      nextPlace = place;
      next = reader;
    }
    if (next === null) return null;
    // Of the others only the places are needed: what is loaded for one must not push another out.
    const entry = next.cursor.peek();
    if (entry === null) return this.#load(next.cursor);
    this.#next = next;
    return entry;
  }

  /** How the message of {@linkcode peek} is sent. */
  get variant(): Variant {
    const { variant, cursor } = this.#next!;
    return variant ?? cursor.peek()!.variant ?? LOST_VARIANT;
  }

  /** Whether the client may have the message of {@linkcode peek} from before a crash. */
  get isDoubtful(): boolean {
    const { cursor, doubtEnd } = this.#next!;
    return cursor.position < doubtEnd;
  }

  /** Passes the message of {@linkcode peek}. */
  shift(): void {
    this.#next!.cursor.pass();
    this.#changed();
    this.#forgetRead();
  }

  /** Passes the message of {@linkcode peek} and holds it until it is acknowledged. */
  take(): Hold {
    const { cursor } = this.#next!;
    const hold = new Hold(cursor.log, cursor.page, cursor.position);
    this.shift();
    return hold;
  }

  /** Passes the oldest messages until no more than this is left. Returns how many it passed. */
  trim(messagesMax: number, bytesMax: number): number {
    const before = this.messages;
    while (this.messages > messagesMax || this.bytes > bytesMax) {
      const oldest = this.#oldest();
      if (oldest === null) break;
      if (oldest.isUnloaded) oldest.passPage();
      else oldest.pass();
    }
    this.#changed();
    this.#forgetRead();
    return before - this.messages;
  }

  /** Forgets what waits in logs shared with others. Returns how many messages that were. */
  leaveShared(): number {
    const { messages } = this;
    this.leave();
    for (const { cursor, variant } of this.#readers) if (variant !== null) cursor.leave();
    this.#readers = this.#readers.filter(({ variant }) => variant === null);
    return messages - this.messages;
  }

  /** Forgets everything. Returns how many messages were left. */
  clear(): number {
    const { messages } = this;
    this.leave();
    for (const { cursor } of this.#readers) cursor.leave();
    this.#readers = [];
    this.#own = this.#next = null;
    return messages;
  }

  /** The cursor that is furthest behind, as far as is known without loading anything. */
  #oldest(): DurableCursor | null {
    let oldest: DurableCursor | null = null;
    for (const { cursor } of this.#readers) {
      if (cursor.lag <= 0) continue;
      if (oldest === null || placeOf(cursor) < placeOf(oldest)) oldest = cursor;
    }
    return oldest;
  }

  #load(cursor: DurableCursor): null {
    if (this.#isLoading) return null;
    this.#isLoading = true;
    cursor.load(() => {
      this.#isLoading = false;
      // It is there now, and need not be any more when the others are.
      cursor.locate();
      this.#loaded();
    });
    return null;
  }

  /** Lets go of logs that were left and read to where that was. */
  #forgetRead(): void {
    if (!this.#readers.some(isRead)) return;
    for (const reader of this.#readers) if (isRead(reader)) reader.cursor.leave();
    this.#readers = this.#readers.filter((reader) => !isRead(reader));
    if (this.#own !== null && !this.#readers.includes(this.#own)) this.#own = null;
  }
}

function isRead({ cursor }: Reader): boolean {
  return cursor.end !== Infinity && cursor.lag <= 0;
}

function placeOf(cursor: DurableCursor): number {
  return (cursor.locate()?.chunk ?? cursor.page.firstChunk)?.id ?? 0;
}
