/** The log of messages that members of a group share: what is acknowledged, kept once for all. */
import type { Member } from "../../router/member.ts";
import type { Message } from "../base/message.ts";
import type { MessageFollows, MessageLog } from "./backlog.ts";
import type { BacklogRoom, MessageFollower, Receiver } from "./subscriber.ts";

/** At most so many bytes are appended between two checks of the members' backlogs. */
const CHECK_BYTES_MAX = 64 * 1024;
/** At most so many messages are appended between two checks of the members' backlogs. */
const CHECK_MESSAGES_MAX = 256;
/**
 * While all members are away, the part of the room in the fullest backlog that may be used between
 * two checks.
 */
const AWAY_SHARE = 1 / 8;

/** The place of a member in a group, as the log of messages sees it. */
export interface MessageSeat extends MessageFollows {
  /** Whether the member has left the group. */
  readonly isRemoved: boolean;
  readonly member: Member<Receiver>;
  readonly follower: MessageFollower;
}

/**
 * Members that follow the log cost nothing per message. Members on the idle list begin to follow it
 * at the next message.
 */
export class SharedMessageLog {
  /** All members of the group. */
  readonly #seats: readonly MessageSeat[];
  readonly #newLog: () => MessageLog;
  /** The log; made for the first message. */
  #log: MessageLog | null = null;
  /** Members that do not follow the log, and some that are gone. */
  #idle: MessageSeat[] = [];
  /** Idle members that could not follow when they were asked since the last append. */
  #refused: MessageSeat[] = [];
  /** A check of the backlogs that has begun before an append; `null` for none. */
  #check: BacklogCheck | null = null;
  /**
   * The check of those that have begun to follow since the last append: each while it is looked at
   * anyway. `null` for none.
   */
  #joined: BacklogCheck | null = null;
  /**
   * Whether a check is complete, and nothing was appended since. So a nearly full backlog is not
   * checked again and again.
   */
  #isChecked = false;
  /** The position of the log from which on the backlogs are checked again. */
  #checkAtMessages = 0;
  #checkAtWeight = 0;
  /** The position of the log from which on a backlog of a follower could be full. */
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

  /** A member no longer follows the log, because something else was appended for it. */
  onLeft(seat: MessageSeat): void {
    // It may be among those that were counted.
    this.#joined = null;
    if (!seat.isRemoved) this.#idle.push(seat);
  }

  /** Removes members that are gone from the idle list. */
  tidy(): void {
    this.#idle = this.#idle.filter(({ isRemoved }) => !isRemoved);
    this.#refused = this.#refused.filter(({ isRemoved }) => !isRemoved);
  }

  /** Whether a member's backlog has no room for so many bytes. */
  isFull(bytes: number): boolean {
    const log = this.#log;
    const isRoom = log !== null && log.end < this.#fullAtMessages &&
      log.weight + bytes <= this.#fullAtWeight;
    // Followers have as much room as when they were checked, or more.
    for (const { isRemoved, member } of isRoom ? this.#waiting() : this.#seats) {
      if (!isRemoved && member.subscriber.isFull(bytes)) return true;
    }
    return false;
  }

  /**
   * Does some work of the next append in advance: makes members follow the log, then checks the
   * backlogs.
   *
   * @param count For how many members at most.
   * @returns How many members it has handled; 0 if nothing is left to do.
   */
  prepare(count: number): number {
    const log = this.#log ??= this.#newLog();
    if (this.#idle.length > 0) {
      const idle = this.#idle.splice(-count);
      this.#follow(log, idle);
      return idle.length;
    }
    const mayFollow = this.#seats.length > this.#refused.length;
    const mustCheck = mayFollow && !this.#isChecked && this.#isCheckDue(log.end + 1, log.weight);
    if (!mustCheck) return 0;
    if (this.#checkJoined(log)) {
      this.#isChecked = true;
      return 0;
    }
    this.#check ??= new BacklogCheck(this.#seats);
    if (this.#check.go(count)) {
      this.#onChecked(log, this.#check);
      this.#isChecked = true;
    }
    return Math.min(count, this.#seats.length);
  }

  /** Appends a message. */
  append(message: Message): void {
    const log = this.#log ??= this.#newLog();
    const idle = this.#waiting();
    this.#idle = [];
    this.#refused = [];
    if (idle.length > 0) this.#follow(log, idle);
    this.#checkJoined(log);
    const refused = this.#refused;
    this.#refused = [];
    this.#check = this.#joined = null;
    this.#isChecked = false;
    for (const seat of refused) {
      seat.member.subscriber.receive(message, seat.member);
      this.#idle.push(seat);
    }
    log.append(message.keep());
    if (!this.#isCheckDue(log.end, log.weight)) return;
    const check = new BacklogCheck(this.#seats);
    check.go(Infinity);
    this.#onChecked(log, check);
  }

  /** Makes idle members follow the log. Looks at their backlogs, too. */
  #follow(log: MessageLog, idle: readonly MessageSeat[]): void {
    const joined = this.#joined ??= new BacklogCheck([]);
    for (const seat of idle) {
      if (seat.isRemoved) continue;
      const room = seat.follower.followMessages(log, seat);
      if (room !== null) joined.count(room);
      else this.#refused.push(seat);
    }
    this.checkSoon();
  }

  /**
   * Often all members are new: their backlogs were looked at when they began to follow.
   *
   * @returns Whether that is so.
   */
  #checkJoined(log: MessageLog): boolean {
    const joined = this.#joined;
    const followers = this.#seats.length - this.#refused.length;
    if (joined === null || followers === 0 || joined.counted !== followers) return false;
    this.#onChecked(log, joined);
    return true;
  }

  /** Those that do not follow. */
  #waiting(): MessageSeat[] {
    return this.#refused.length === 0 ? this.#idle : this.#idle.concat(this.#refused);
  }

  #isCheckDue(messages: number, weight: number): boolean {
    return messages >= this.#checkAtMessages || weight >= this.#checkAtWeight;
  }

  /** A new follower may be full, or may have to slow publishers down. */
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

  /** The next check is due when the first backlog could be full. */
  #onChecked(log: MessageLog, check: BacklogCheck): void {
    this.#check = null;
    let { messages, bytes } = check;
    // Their backlogs may also grow by other logs, so they are checked now and then.
    const messagesMost = check.isAnyoneThere ? 0 : messages * AWAY_SHARE;
    const bytesMost = check.isAnyoneThere ? 0 : bytes * AWAY_SHARE;
    messages = Math.min(messages, Math.max(CHECK_MESSAGES_MAX, messagesMost));
    bytes = Math.min(bytes, Math.max(CHECK_BYTES_MAX, bytesMost));
    this.#fullAtMessages = log.end + messages;
    this.#fullAtWeight = log.weight + bytes;
    this.#checkAtMessages = log.end + Math.max(1, messages);
    this.#checkAtWeight = log.weight + Math.max(1, bytes);
  }
}

/** Finds the member whose backlog has the least room, a part of the members at a time. */
class BacklogCheck {
  /** The least room that was found so far. */
  messages = Infinity;
  bytes = Infinity;
  /** Whether one of them is connected. */
  isAnyoneThere = false;
  /** A copy, because a full member may leave its seat during the check. */
  readonly #seats: readonly MessageSeat[];
  #next = 0;
  /** How many were counted. */
  counted = 0;

  constructor(seats: readonly MessageSeat[]) {
    this.#seats = [...seats];
  }

  /** Checks `count` more members. Returns whether that were all. */
  go(count: number): boolean {
    const end = Math.min(this.#seats.length, this.#next + count);
    while (this.#next < end) {
      const seat = this.#seats[this.#next++]!;
      if (!seat.isRemoved) this.count(seat.follower.checkBacklog());
    }
    return end === this.#seats.length;
  }

  /** Counts the room of a member. */
  count(room: BacklogRoom): void {
    this.counted++;
    if (!room.isAway) this.isAnyoneThere = true;
    this.messages = Math.min(this.messages, room.messages);
    this.bytes = Math.min(this.bytes, room.bytes);
  }
}
