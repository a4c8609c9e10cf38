/** The waiting messages of a session: a position in each log that it reads. */
import type { Tally } from "../base/memory_tally.ts";
import { Log, type Waiter } from "../../log/log.ts";
import type { Cursor } from "../../log/cursor.ts";
import { Trail } from "../../log/trail.ts";
import type { Variant } from "../../router/variant.ts";
import type { Message } from "../base/message.ts";

import {
  type BacklogLook,
  type BacklogPlace,
  isBehind,
  type LookedThrough,
} from "./waiting_message.ts";

/** Items of a segment of a session's own log. Few, because most sessions have a short backlog. */
const SEGMENT_ITEMS = 64;
/**
 * The maximum size of messages that all readers have passed and the log still holds, in bytes: one
 * segment.
 */
const SEGMENT_BYTES = 64 * 1024;

/** The reason why a backlog follows a log of messages. */
export interface MessageFollows {
  /** The flags of its messages. */
  readonly variant: Variant;
  /** The backlog no longer follows, because another message was appended for it. */
  onLeft(): void;
  /** A client is connected again. The writer of the log must check its backlog. */
  onAttached(): void;
}

/** A log of messages that sessions share, in memory or in a store. */
export interface MessageLog {
  /** The position of the next message. */
  readonly end: number;
  /** The total weight of all messages appended so far, in bytes. */
  readonly weight: number;
  /** Appends a message. Its bytes must have been kept. */
  append(message: Message): unknown;
}

/** Creates a log of messages that counts their weight. */
export function messageLog(): Log<Message> {
  return new Log<Message>({
    weigh: (message) => message.weight,
    segmentItems: SEGMENT_ITEMS,
    segmentWeight: SEGMENT_BYTES,
  });
}

type Way = { readonly variant: Variant; readonly follows: MessageFollows | null };

/**
 * The acknowledged messages that a session has not sent yet, as a trail over logs of messages: logs
 * that it shares with other sessions, and one of its own. A message that is appended to a followed
 * shared log is in the backlog of every follower, at no cost per follower.
 */
export class Backlog implements LookedThrough {
  readonly #trail = new Trail<Cursor<Message>, Way>();
  #own: Log<Message> | null = null;
  /** Messages in closed stretches. */
  #closedMessages = 0;
  #closedBytes = 0;
  /** Messages that were taken out so far. */
  #passed = 0;
  /** The waiter that is parked at the followed log, and the log's end at that time. */
  #parked: Waiter | null = null;
  #parkedAt = -1;

  /** The number of waiting messages. */
  get messages(): number {
    const open = this.#trail.open;
    return this.#closedMessages + (open === null ? 0 : open.cursor.lag);
  }

  /** Their weight, in bytes. */
  get bytes(): number {
    const open = this.#trail.open;
    if (open === null) return this.#closedBytes;
    return this.#closedBytes + open.cursor.log.weight - open.cursor.weight;
  }

  /** The followed log, to park at when everything was read. */
  get following(): Log<Message> | null {
    const open = this.#trail.open;
    return open === null || open.key.follows === null ? null : open.cursor.log;
  }

  /** Appends a message for this session alone. Its bytes must have been kept. */
  push(message: Message, variant: Variant): void {
    const own = this.#own ??= messageLog();
    const open = this.#trail.open;
    if (open === null || open.cursor.log !== own || open.key.variant !== variant) {
      this.leave();
      this.#trail.follow(own.cursor(), { variant, follows: null });
    }
    own.append(message);
  }

  /** Follows a shared log from its end on, until another message is appended. */
  follow(log: Log<Message>, follows: MessageFollows): void {
    this.leave();
    this.#parked = null;
    this.#trail.follow(log.cursor(), { variant: follows.variant, follows });
  }

  /** Stops following the log of `follows`, or any log if it is not given. */
  leave(follows?: MessageFollows): void {
    const open = this.#trail.open;
    if (open === null || (follows !== undefined && open.key.follows !== follows)) return;
    this.#closedMessages += open.cursor.lag;
    this.#closedBytes += open.cursor.log.weight - open.cursor.weight;
    // The log may continue without this session, so the reader must not hold its new messages.
    if (open.key.follows !== null && open.cursor.lag > 0) open.cursor.detach(open.cursor.log.end);
    this.#trail.close(0);
    // A log that was read to its end is released at once.
    this.#trail.current();
    open.key.follows?.onLeft();
  }

  /** The client is connected again. */
  onAttached(): void {
    this.#trail.open?.key.follows?.onAttached();
  }

  /** Wakes `waiter` when the followed log continues. Parking it twice has no effect. */
  park(waiter: Waiter): void {
    const log = this.following;
    if (log === null || (this.#parked === waiter && this.#parkedAt === log.end)) return;
    this.#parked = waiter;
    this.#parkedAt = log.end;
    log.park(waiter);
  }

  /** Adds the memory it holds; shared logs count once. */
  tally(tally: Tally): void {
    const { first, size } = this.#trail;
    tally.trail(first, size, ({ log }) => log.weight / Math.max(1, log.end));
  }

  /** The next message, without removing it; `null` if none waits. */
  peek(): Message | null {
    return this.#trail.current()?.cursor.peek() ?? null;
  }

  *look(after: BacklogPlace | null): BacklogLook {
    let number = this.#passed;
    for (let s = this.#trail.first; s !== null; s = s.next) {
      for (const message of s.cursor.ahead(s.limit)) {
        const place: BacklogPlace = [number++, 0];
        yield isBehind(place, after) ? { place, message, variant: s.key.variant } : null;
      }
    }
  }

  /** The flags of the message of {@linkcode peek}. */
  get variant(): Variant {
    return this.#trail.first!.key.variant;
  }

  /** Removes the message of {@linkcode peek}. */
  shift(): void {
    const stretch = this.#trail.current();
    if (stretch === null) return;
    const message = stretch.cursor.next()!;
    this.#passed++;
    if (stretch.end !== Infinity) {
      this.#closedMessages--;
      this.#closedBytes -= message.weight;
    } else if (stretch.cursor.lag === 0 && stretch.cursor.log === this.#own) {
      // No message waits: the log is released with everything it holds.
      this.#trail.clear();
      this.#own = null;
    }
  }

  /** Drops the oldest messages until the limits hold. Returns the number of dropped messages. */
  trim(messagesMax: number, bytesMax: number): number {
    let dropped = 0;
    while (this.messages > messagesMax || this.bytes > bytesMax) {
      if (this.peek() === null) break;
      this.shift();
      dropped++;
    }
    return dropped;
  }

  /** Removes all messages, oldest first, with their flags. */
  *drain(): Generator<[Message, Variant], void, void> {
    this.leave();
    for (let message = this.peek(); message !== null; message = this.peek()) {
      const { variant } = this;
      this.shift();
      yield [message, variant];
    }
  }
}
