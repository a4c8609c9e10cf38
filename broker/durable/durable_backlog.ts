/** The waiting messages of a durable session: its position in each log that it reads. */
import type { Waiter } from "../../log/log.ts";
import type { Variant } from "../../router/variant.ts";
import type { MessageFollows } from "../delivery/backlog.ts";
import type { BacklogLook, BacklogPlace, LookedThrough } from "../delivery/waiting_message.ts";
import { READER_BYTES } from "../base/memory_costs.ts";
import type { Tally } from "../base/memory_tally.ts";
import type { Message } from "../base/message.ts";
import type { DurableCursor } from "./durable_cursor.ts";
import { Join, joinedBytes, joinedMessages, joinsOf } from "./join.ts";
import type { DurableLog } from "./durable_log.ts";
import { type Reader, readerOf, READERS_MAX } from "./log_reader.ts";
import { lookThrough } from "./look_through.ts";
import type { Place } from "./message_chunk.ts";
import { MessageHold } from "./message_hold.ts";
import { type Entry, LOST_VARIANT } from "./message_page.ts";
import type { SharedStart } from "./shared_start.ts";

const NO_READERS: readonly Reader[] = [];

/** The queue of a session, as its backlog needs it. */
export interface BacklogOwner {
  /** Creates the session's own log. */
  newLog(): DurableLog;
  /** The set of readers, or the position of a reader, must be stored. */
  markChanged(): void;
  /** The entry that {@linkcode DurableBacklog.peek} could not return was loaded. */
  onLoaded(): void;
}

/**
 * The acknowledged messages that a durable session has not sent yet: a cursor in each of the logs
 * that it shares with others, and one in its own log. Their order is the order of the places in the
 * store, so all cursors together form one queue in the order of publication.
 */
export class DurableBacklog implements LookedThrough {
  readonly #owner: BacklogOwner;
  /** Replaced and never changed: a list that grows by itself keeps room for many more. */
  #readers: readonly Reader[] = NO_READERS;
  /** The logs that it follows and has not read yet: no readers so far. */
  #joins: Join | null = null;
  #own: Reader | null = null;
  /** The reader of the entry of the last {@linkcode peek}. */
  #next: Reader | null = null;
  #isLoading = false;
  /** Whether messages of shared subscriptions may wait. */
  mayBeShared = false;

  constructor(owner: BacklogOwner) {
    this.#owner = owner;
  }

  look(after: BacklogPlace | null): BacklogLook {
    return lookThrough(this.readers, after);
  }

  /** Adds the memory of its positions. The page cache counts the pages. */
  tally(tally: Tally): void {
    tally.bytes += this.#logs * READER_BYTES;
  }

  /** How many messages wait. */
  get messages(): number {
    let messages = joinedMessages(this.#joins);
    for (const { cursor } of this.#readers) messages += cursor.lag;
    return messages;
  }

  /** Their weight, in bytes. */
  get bytes(): number {
    let bytes = joinedBytes(this.#joins);
    for (const { cursor } of this.#readers) bytes += cursor.lagWeight;
    return bytes;
  }

  /** The readers of all logs. To ask for them makes one of each join. */
  get readers(): readonly Reader[] {
    for (; this.#joins !== null; this.#joins = this.#joins.before) {
      this.#add(this.#joins.toReader());
    }
    return this.#readers;
  }

  /** How many logs it reads. */
  get #logs(): number {
    return this.#readers.length + joinsOf(this.#joins);
  }

  /** Adds a reader from the store. */
  restore(reader: Reader): void {
    this.#add(reader);
    if (reader.variant !== null) return;
    this.#own = reader;
    this.mayBeShared = reader.cursor.lag > 0;
  }

  /** Continues with the joins of the session while it slept. */
  restoreJoins(joins: Join | null): void {
    this.#joins = joins;
  }

  /** Appends a message for this session alone. */
  push(message: Message, variant: Variant): void {
    if (this.#own === null) {
      this.#own = readerOf(this.#owner.newLog().cursor(), null, null);
      this.#add(this.#own);
      this.#owner.markChanged();
    }
    if (variant.shared !== null) this.mayBeShared = true;
    this.#own.cursor.log.append(message, variant);
  }

  /**
   * Whether one more log may be followed. If necessary, logs that were read to their end are left.
   */
  makeRoom(): boolean {
    if (this.#logs < READERS_MAX) return true;
    for (const { cursor, follows } of [...this.readers]) {
      if (follows !== null && cursor.lag <= 0) this.leave(follows);
    }
    return this.#readers.length < READERS_MAX;
  }

  /** Follows a shared log from a start on that the session was added to. */
  follow(start: SharedStart, follows: MessageFollows): void {
    this.#joins = new Join(start, follows, this.#joins);
  }

  /** Most sessions read one log or two. */
  #add(reader: Reader): void {
    this.#readers = this.#readers.length === 0 ? [reader] : [...this.#readers, reader];
  }

  /** Stops following the log of `follows`, or all logs if it is not given. */
  leave(follows?: MessageFollows): void {
    for (const reader of [...this.readers]) {
      if (reader.follows === null || (follows !== undefined && reader.follows !== follows)) {
        continue;
      }
      const { follows: left } = reader;
      reader.follows = null;
      reader.cursor.close();
      left.onLeft();
      this.#owner.markChanged();
    }
    this.#forgetRead();
  }

  /** The client is connected again. */
  onAttached(): void {
    for (const { follows } of this.readers) follows?.onAttached();
  }

  /** Wakes `waiter` when a shared log continues. Parking it twice has no effect. */
  park(waiter: Waiter): void {
    for (const reader of this.readers) {
      const { log } = reader.cursor;
      if (reader.follows === null) continue;
      if (reader.parked === waiter && reader.parkedAt === log.appends) continue;
      reader.parked = waiter;
      reader.parkedAt = log.appends;
      log.park(waiter);
    }
  }

  /** The next message, without removing it; `null` if none waits, or while it is not loaded. */
  peek(): Entry | null {
    this.#next = null;
    let next: Reader | null = null;
    let nextPlace: Place | null = null;
    for (const reader of this.readers) {
      const { cursor } = reader;
      if (cursor.lag <= 0) continue;
      const place = cursor.locate();
      if (place === null) return this.#load(cursor);
      if (nextPlace !== null && !place.isBefore(nextPlace)) continue;
      nextPlace = place;
      next = reader;
    }
    if (next === null) return null;
    // For the other readers only the places are needed: loading one entry must not evict another.
    const entry = next.cursor.peek();
    if (entry === null) return this.#load(next.cursor);
    this.#next = next;
    return entry;
  }

  /** The flags of the message of {@linkcode peek}. */
  get variant(): Variant {
    const { variant, cursor } = this.#next!;
    return variant ?? cursor.peek()!.variant ?? LOST_VARIANT;
  }

  /** Whether the client may have received the message of {@linkcode peek} before a crash. */
  get isDoubtful(): boolean {
    const { cursor, doubtEnd } = this.#next!;
    return cursor.position < doubtEnd;
  }

  /** Removes the message of {@linkcode peek}. */
  shift(): void {
    this.#next!.cursor.pass();
    this.#owner.markChanged();
    this.#forgetRead();
  }

  /** Removes the message of {@linkcode peek} and holds it until it is acknowledged. */
  take(): MessageHold {
    const { cursor } = this.#next!;
    const hold = new MessageHold(cursor.log, cursor.page, cursor.position);
    this.shift();
    return hold;
  }

  /** Drops the oldest messages until the limits hold. Returns the number of dropped messages. */
  trim(messagesMax: number, bytesMax: number): number {
    const before = this.messages;
    while (this.messages > messagesMax || this.bytes > bytesMax) {
      const oldest = this.#oldest();
      if (oldest === null) break;
      if (oldest.isUnloaded) oldest.passPage();
      else oldest.pass();
    }
    this.#owner.markChanged();
    this.#forgetRead();
    return before - this.messages;
  }

  /** Drops the messages in shared logs. Returns their number. */
  leaveShared(): number {
    const { messages } = this;
    this.leave();
    for (const { cursor, variant } of this.#readers) if (variant !== null) cursor.leave();
    this.#readers = this.#readers.filter(({ variant }) => variant === null);
    return messages - this.messages;
  }

  /** Drops all messages. Returns their number. */
  clear(): number {
    const { messages } = this;
    this.leave();
    for (const { cursor } of this.#readers) cursor.leave();
    this.#readers = NO_READERS;
    this.#own = this.#next = null;
    return messages;
  }

  /** The cursor with the oldest entry, as far as is known without loading. */
  #oldest(): DurableCursor | null {
    let oldest: DurableCursor | null = null;
    for (const { cursor } of this.readers) {
      if (cursor.lag <= 0) continue;
      if (oldest === null || isOlder(cursor, oldest)) oldest = cursor;
    }
    return oldest;
  }

  #load(cursor: DurableCursor): null {
    if (this.#isLoading) return null;
    this.#isLoading = true;
    cursor.load(() => {
      this.#isLoading = false;
      // The entry is in memory now, and may be evicted when the others are loaded. Its place stays
      // known.
      cursor.locate();
      this.#owner.onLoaded();
    });
    return null;
  }

  /** Releases logs that were left and read to their end. */
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

/** Whether the next entry of a cursor is older than that of another, as far as is known. */
function isOlder(cursor: DurableCursor, other: DurableCursor): boolean {
  const [place, otherPlace] = [cursor.locate(), other.locate()];
  if (place !== null && otherPlace !== null) return place.isBefore(otherPlace);
  return chunkOf(cursor, place) < chunkOf(other, otherPlace);
}

function chunkOf(cursor: DurableCursor, place: Place | null): number {
  return (place?.chunk ?? cursor.page.firstChunk)?.id ?? 0;
}
