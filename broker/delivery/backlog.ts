import type { Tally } from "../base/memory_tally.ts";
import { Log, type Waiter } from "../../log/log.ts";
import type { Cursor } from "../../log/cursor.ts";
import { Trail } from "../../log/trail.ts";
import type { Variant } from "../../router/variant.ts";
import type { Message } from "../base/message.ts";

/** Items of a segment of a session's own log: most sessions have a short backlog. */
const SEGMENT_ITEMS = 64;
/** What messages that everyone has passed may still hold on to, in bytes: one segment's worth. */
const SEGMENT_BYTES = 64 * 1024;

/** What a log of messages is followed for. */
export interface MessageFollows {
  /** How its messages are sent. */
  readonly variant: Variant;
  /** The backlog no longer follows, because something else was appended for it. */
  left(): void;
  /** Somebody is there again to take what waits: who fills the log has to look at that. */
  returned(): void;
}

/** A log of messages that sessions share, in memory or in a store. */
export interface MessageLog {
  /** The position that the next message will get. */
  readonly end: number;
  /** What everything appended so far weighs, in bytes. */
  readonly weight: number;
  /** Appends a message. It must be kept by then. */
  append(message: Message): unknown;
}

/** Makes a log of messages that knows how much it holds. */
export function messageLog(): Log<Message> {
  return new Log<Message>({
    weigh: (message) => message.weight,
    segmentItems: SEGMENT_ITEMS,
    segmentWeight: SEGMENT_BYTES,
  });
}

type Way = { readonly variant: Variant; readonly follows: MessageFollows | null };

/**
 * The acknowledged messages that a session has not been sent yet, as a trail
 * over logs of messages: those it shares with other sessions, and one of its
 * own. While a shared log is followed, what is appended there is in the backlog
 * of every session that follows, and costs none of them anything.
 */
export class Backlog {
  readonly #trail = new Trail<Cursor<Message>, Way>();
  #own: Log<Message> | null = null;
  /** What is left of stretches that are closed. */
  #closedMessages = 0;
  #closedBytes = 0;
  /** Who was parked at the log that is followed, and where that ended then. */
  #parked: Waiter | null = null;
  #parkedAt = -1;

  /** How many messages wait. */
  get messages(): number {
    const open = this.#trail.open;
    return this.#closedMessages + (open === null ? 0 : open.cursor.lag);
  }

  /** How many bytes those are. */
  get bytes(): number {
    const open = this.#trail.open;
    if (open === null) return this.#closedBytes;
    return this.#closedBytes + open.cursor.log.weight - open.cursor.weight;
  }

  /** The log that is followed, to be parked at when everything was read. */
  get following(): Log<Message> | null {
    const open = this.#trail.open;
    return open === null || open.key.follows === null ? null : open.cursor.log;
  }

  /** Appends a message for this session alone. It must be kept by then. */
  push(message: Message, variant: Variant): void {
    const own = this.#own ??= messageLog();
    const open = this.#trail.open;
    if (open === null || open.cursor.log !== own || open.key.variant !== variant) {
      this.leave();
      this.#trail.follow(own.cursor(), { variant, follows: null });
    }
    own.append(message);
  }

  /** Follows a log that is shared, from its end on, until something else is appended. */
  follow(log: Log<Message>, follows: MessageFollows): void {
    this.leave();
    this.#parked = null;
    this.#trail.follow(log.cursor(), { variant: follows.variant, follows });
  }

  /** Leaves the log that is followed for `follows`, or whichever is, without one. */
  leave(follows?: MessageFollows): void {
    const open = this.#trail.open;
    if (open === null || (follows !== undefined && open.key.follows !== follows)) return;
    this.#closedMessages += open.cursor.lag;
    this.#closedBytes += open.cursor.log.weight - open.cursor.weight;
    // The log may go on for ever without this session, and must not be held meanwhile.
    if (open.key.follows !== null && open.cursor.lag > 0) open.cursor.detach(open.cursor.log.end);
    this.#trail.close(0);
    // One that is read to its end is forgotten at once.
    this.#trail.current();
    open.key.follows?.left();
  }

  /** Somebody is there again to take what waits. */
  returned(): void {
    this.#trail.open?.key.follows?.returned();
  }

  /** Has `waiter` woken when the log that is followed goes on; again, until then, does nothing. */
  park(waiter: Waiter): void {
    const log = this.following;
    if (log === null || (this.#parked === waiter && this.#parkedAt === log.end)) return;
    this.#parked = waiter;
    this.#parkedAt = log.end;
    log.park(waiter);
  }

  /** Adds what it holds; logs that are shared count once. */
  tally(tally: Tally): void {
    const { first, size } = this.#trail;
    tally.trail(first, size, ({ log }) => log.weight / Math.max(1, log.end));
  }

  /** The message to be sent next, which stays where it is; `null` when none waits. */
  peek(): Message | null {
    return this.#trail.current()?.cursor.peek() ?? null;
  }

  /** How the message of {@linkcode peek} is sent. */
  get variant(): Variant {
    return this.#trail.first!.key.variant;
  }

  /** Passes the message of {@linkcode peek}. */
  shift(): void {
    const stretch = this.#trail.current();
    if (stretch === null) return;
    const message = stretch.cursor.next()!;
    if (stretch.end !== Infinity) {
      this.#closedMessages--;
      this.#closedBytes -= message.weight;
    } else if (stretch.cursor.lag === 0 && stretch.cursor.log === this.#own) {
      // Nothing waits: the log goes, and with it its hold on what it contained.
      this.#trail.clear();
      this.#own = null;
    }
  }

  /** Passes the oldest messages until no more than this is left. Returns how many it passed. */
  trim(messagesMax: number, bytesMax: number): number {
    let dropped = 0;
    while (this.messages > messagesMax || this.bytes > bytesMax) {
      if (this.peek() === null) break;
      this.shift();
      dropped++;
    }
    return dropped;
  }

  /** Takes everything out, oldest first, with how it would have been sent. */
  *drain(): Generator<[Message, Variant], void, void> {
    this.leave();
    for (let message = this.peek(); message !== null; message = this.peek()) {
      const { variant } = this;
      this.shift();
      yield [message, variant];
    }
  }
}
