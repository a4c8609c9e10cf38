/** The log of messages that members of a group share: what is acknowledged, kept once for all. */
import type { Member } from "../../router/audience.ts";
import type { Message } from "../base/message.ts";
import type { MessageFollows, MessageLog } from "./backlog.ts";
import type { MessageFollower, Receiver } from "./subscriber.ts";

/** At most so many bytes are appended between two checks of the members' backlogs. */
const CHECK_BYTES_MAX = 64 * 1024;
/** At most so many messages are appended between two checks of the members' backlogs. */
const CHECK_MESSAGES_MAX = 256;
/** And while everyone is away, at most this part of the room that the fullest of them has. */
const AWAY_SHARE = 1 / 8;

/** The place of a member in a group, as far as the log of messages is concerned. */
export interface MessageSeat extends MessageFollows {
  /** Whether the member has left the group. */
  readonly isRemoved: boolean;
  readonly member: Member<Receiver>;
  readonly follower: MessageFollower;
}

/**
 * Members that follow the log cost nothing per message; those on the idle list take up following
 * at the next one.
 */
export class SharedMessageLog {
  /** All members of the group. */
  readonly #seats: readonly MessageSeat[];
  readonly #newLog: () => MessageLog;
  /** The log; made for the first message. */
  #log: MessageLog | null = null;
  /** Members that do not follow the log, and some that are gone. */
  #idle: MessageSeat[] = [];
  /** Where the log may come to before the backlogs are checked again. */
  #checkAtMessages = 0;
  #checkAtWeight = 0;
  /** Where the log may come to before one of those that follow it could be full. */
  #fullAtMessages = 0;
  #fullAtWeight = 0;

  /**
   * @param seats All members of the group; the group changes it.
   * @param newLog Makes the log.
   */
  constructor(seats: readonly MessageSeat[], newLog: () => MessageLog) {
    this.#seats = seats;
    this.#newLog = newLog;
  }

  /** A member has joined the group. */
  onJoined(seat: MessageSeat): void {
    this.#idle.push(seat);
  }

  /** A member does not follow the log any more, since something else was appended for it. */
  onLeft(seat: MessageSeat): void {
    if (!seat.isRemoved) this.#idle.push(seat);
  }

  /** Removes those who are gone from the idle list. */
  tidy(): void {
    this.#idle = this.#idle.filter(({ isRemoved }) => !isRemoved);
  }

  /** Whether a member's backlog has no room for so many bytes. */
  isFull(bytes: number): boolean {
    const log = this.#log;
    const isRoom = log !== null && log.end < this.#fullAtMessages &&
      log.weight + bytes <= this.#fullAtWeight;
    // Those that follow have as much room as when they were checked, or more.
    for (const { isRemoved, member } of isRoom ? this.#idle : this.#seats) {
      if (!isRemoved && member.subscriber.isFull(bytes)) return true;
    }
    return false;
  }

  /** Appends a message. */
  append(message: Message): void {
    const log = this.#log ??= this.#newLog();
    const idle = this.#idle;
    this.#idle = [];
    for (const seat of idle) {
      if (seat.isRemoved) continue;
      if (!seat.follower.followMessages(log, seat)) {
        seat.member.subscriber.receive(message, seat.member);
        this.#idle.push(seat);
      }
    }
    if (idle.length > this.#idle.length) this.checkSoon();
    log.append(message.keep());
    if (log.end >= this.#checkAtMessages || log.weight >= this.#checkAtWeight) {
      this.#checkBacklogs(log);
    }
  }

  /** One that may be full, or have to slow publishers down, is there from now on. */
  checkSoon(): void {
    const log = this.#log;
    if (log === null) return;
    const messages = log.end + CHECK_MESSAGES_MAX;
    const weight = log.weight + CHECK_BYTES_MAX;
    this.#checkAtMessages = Math.min(this.#checkAtMessages, messages);
    this.#checkAtWeight = Math.min(this.#checkAtWeight, weight);
    this.#fullAtMessages = Math.min(this.#fullAtMessages, messages);
    this.#fullAtWeight = Math.min(this.#fullAtWeight, weight);
  }

  /** The next check is due when the first of them could be full. */
  #checkBacklogs(log: MessageLog): void {
    let messages = Infinity;
    let bytes = Infinity;
    let isAnyoneThere = false;
    // One that is full may leave its seat.
    for (const { follower } of [...this.#seats]) {
      const room = follower.checkBacklog();
      if (!room.isAway) isAnyoneThere = true;
      messages = Math.min(messages, room.messages);
      bytes = Math.min(bytes, room.bytes);
    }
    // Their backlogs may grow by other logs, too, and so they are checked now and then.
    const messagesMost = isAnyoneThere ? 0 : messages * AWAY_SHARE;
    const bytesMost = isAnyoneThere ? 0 : bytes * AWAY_SHARE;
    messages = Math.min(messages, Math.max(CHECK_MESSAGES_MAX, messagesMost));
    bytes = Math.min(bytes, Math.max(CHECK_BYTES_MAX, bytesMost));
    this.#fullAtMessages = log.end + messages;
    this.#fullAtWeight = log.weight + bytes;
    this.#checkAtMessages = log.end + Math.max(1, messages);
    this.#checkAtWeight = log.weight + Math.max(1, bytes);
  }
}
