import { ByteLog } from "../../log/byte_log.ts";
import type { Audience, Member, MemberObserver } from "../../router/audience.ts";
import type { Route } from "../../router/route_cache.ts";
import type { Variant } from "../../router/variant.ts";
import { WIRE_CLASS_OWN } from "../../router/subscription.ts";
import { type MessageFollows, type MessageLog, messageLog } from "./backlog.ts";
import type { Message } from "../base/message.ts";
import type { Follows } from "./outbox.ts";
import { type Receiver, type Wire, wireOf } from "./subscriber.ts";
import type { PublishBatch } from "./publish_batch.ts";
import { sendToLog } from "./publish_sender.ts";
import { ReadAccessFilter } from "./read_access_filter.ts";

/** The number of bytes appended between two checks of the members' lag. */
const CHECK_BYTES = 64 * 1024;
/** The maximum number of messages appended between two checks of the backlogs. */
const CHECK_MESSAGES_MAX = 256;
/** If no member is connected: the maximum as a share of the fullest member's room. */
const AWAY_SHARE = 1 / 8;
/** The idle lists are compacted after this many removals plus as many as there are members. */
const REMOVED_MIN = 64;

/**
 * Members that receive the same bytes: one log of bytes for QoS 0, and one of messages for QoS 1
 * and 2. Members that follow cost nothing per message. Idle members start to follow at the next
 * one.
 */
class Group {
  readonly #wire: Wire;
  readonly #variant: Variant;
  /** In no specific order. */
  readonly #seats: Seat[] = [];
  readonly bytes = new ByteLog();
  readonly #newLog: () => MessageLog;
  #messages: MessageLog | null = null;
  #idleBytes: Seat[] = [];
  #idleMessages: Seat[] = [];
  /** Removals since the idle lists were compacted. */
  #removed = 0;
  /** The number of followers of the byte log. */
  bytesFollowed = 0;
  #checkLagAt = CHECK_BYTES;
  #checkBacklogAt = 0;
  #checkBacklogAtWeight = 0;
  /** The end of the log at which a follower's backlog could be full. */
  #fullAtMessages = 0;
  #fullAtWeight = 0;

  constructor(
    readonly key: string,
    wire: Wire,
    variant: Variant,
    newLog: () => MessageLog,
  ) {
    this.#wire = wire;
    this.#variant = variant;
    this.#newLog = newLog;
  }

  get size(): number {
    return this.#seats.length;
  }

  add(member: Member<Receiver>): void {
    const seat = new Seat(this, member);
    seat.index = this.#seats.push(seat) - 1;
    member.seat = seat;
    this.#idleBytes.push(seat);
    if (member.qos > 0) this.#idleMessages.push(seat);
  }

  remove(seat: Seat): void {
    const { subscriber } = seat.member;
    seat.isRemoved = true;
    seat.member.seat = null;
    subscriber.leaveBytes(seat.ofBytes);
    subscriber.leaveMessages(seat);
    const last = this.#seats.pop()!;
    if (last !== seat) this.#seats[last.index = seat.index] = last;
    if (++this.#removed > this.#seats.length + REMOVED_MIN) this.#tidy();
  }

  /** Without publications, removed members would stay in the lists. */
  #tidy(): void {
    this.#removed = 0;
    this.#idleBytes = this.#idleBytes.filter(({ isRemoved }) => !isRemoved);
    this.#idleMessages = this.#idleMessages.filter(({ isRemoved }) => !isRemoved);
  }

  run(run: PublishBatch): void {
    this.#followBytes();
    if (this.bytesFollowed > 0) {
      const { v5, packetBytesMax } = this.#wire;
      const same = v5 === run.v5 && this.#variant.identifiers === null &&
        run.frameBytesMax <= packetBytesMax;
      if (same) this.bytes.append(run.buffer, run.start, run.end, run.frames);
      else for (const message of run.messages()) this.#encode(message);
    }
    this.#checkLag();
  }

  message(message: Message): void {
    if (Math.min(message.qos, this.#variant.qos) > 0) return this.#append(message);
    this.#followBytes();
    if (this.bytesFollowed > 0) this.#encode(message);
    this.#checkLag();
  }

  isFull(bytes: number): boolean {
    if (this.#variant.qos === 0) return false;
    const log = this.#messages;
    const isRoom = log !== null && log.end < this.#fullAtMessages &&
      log.weight + bytes <= this.#fullAtWeight;
    // Followers have at least as much room as at the last check.
    for (const { isRemoved, member } of isRoom ? this.#idleMessages : this.#seats) {
      if (!isRemoved && member.subscriber.isFull(bytes)) return true;
    }
    return false;
  }

  leftBytes(seat: Seat): void {
    this.bytesFollowed--;
    if (!seat.isRemoved) this.#idleBytes.push(seat);
  }

  /** A member that may be full, or may have to slow publishers down, is connected now. */
  checkSoon(): void {
    const log = this.#messages;
    if (log === null) return;
    const messages = log.end + CHECK_MESSAGES_MAX;
    const weight = log.weight + CHECK_BYTES;
    this.#checkBacklogAt = Math.min(this.#checkBacklogAt, messages);
    this.#checkBacklogAtWeight = Math.min(this.#checkBacklogAtWeight, weight);
    this.#fullAtMessages = Math.min(this.#fullAtMessages, messages);
    this.#fullAtWeight = Math.min(this.#fullAtWeight, weight);
  }

  leftMessages(seat: Seat): void {
    if (!seat.isRemoved) this.#idleMessages.push(seat);
  }

  #encode(message: Message): void {
    const { v5, packetBytesMax } = this.#wire;
    sendToLog(this.bytes, message, this.#variant, v5 ? 5 : 4, packetBytesMax);
  }

  #followBytes(): void {
    if (this.#idleBytes.length === 0) return;
    const idle = this.#idleBytes;
    this.#idleBytes = [];
    for (const seat of idle) {
      // A disconnected member takes a new seat when it reconnects.
      if (seat.isRemoved || !seat.member.subscriber.followBytes(this.bytes, seat.ofBytes)) continue;
      this.bytesFollowed++;
    }
  }

  #append(message: Message): void {
    const log = this.#messages ??= this.#newLog();
    const idle = this.#idleMessages;
    this.#idleMessages = [];
    for (const seat of idle) {
      if (seat.isRemoved) continue;
      if (!seat.member.subscriber.followMessages(log, seat)) {
        seat.member.subscriber.receive(message, seat.member);
        this.#idleMessages.push(seat);
      }
    }
    if (idle.length > this.#idleMessages.length) this.checkSoon();
    log.append(message.keep());
    if (log.end >= this.#checkBacklogAt || log.weight >= this.#checkBacklogAtWeight) {
      this.#checkBacklogs(log);
    }
  }

  #checkLag(): void {
    if (this.bytes.end < this.#checkLagAt) return;
    this.#checkLagAt = this.bytes.end + CHECK_BYTES;
    for (const { member } of this.#seats) member.subscriber.checkLag();
  }

  /** Plans the next check for when the first member could be full. */
  #checkBacklogs(log: MessageLog): void {
    let messages = Infinity;
    let bytes = Infinity;
    let isAnyoneThere = false;
    // A member that is full may leave its seat.
    for (const { member } of [...this.#seats]) {
      const room = member.subscriber.checkBacklog();
      if (!room.isAway) isAnyoneThere = true;
      messages = Math.min(messages, room.messages);
      bytes = Math.min(bytes, room.bytes);
    }
    // Backlogs may also grow by other logs, so they are checked from time to time.
    const messagesMost = isAnyoneThere ? 0 : messages * AWAY_SHARE;
    const bytesMost = isAnyoneThere ? 0 : bytes * AWAY_SHARE;
    messages = Math.min(messages, Math.max(CHECK_MESSAGES_MAX, messagesMost));
    bytes = Math.min(bytes, Math.max(CHECK_BYTES, bytesMost));
    this.#fullAtMessages = log.end + messages;
    this.#fullAtWeight = log.weight + bytes;
    this.#checkBacklogAt = log.end + Math.max(1, messages);
    this.#checkBacklogAtWeight = log.weight + Math.max(1, bytes);
  }
}

/** The place of a member in a group. It follows the group's log of messages. */
class Seat implements MessageFollows {
  isRemoved = false;
  /** Its index in the group. */
  index = -1;
  readonly ofBytes: ByteSeat = new ByteSeat(this);

  constructor(readonly group: Group, readonly member: Member<Receiver>) {}

  get variant(): Variant {
    return this.member;
  }

  onLeft(): void {
    this.group.leftMessages(this);
  }

  onAttached(): void {
    this.group.checkSoon();
  }
}

/** Follows the group's log of bytes. */
class ByteSeat implements Follows {
  readonly #seat: Seat;

  constructor(seat: Seat) {
    this.#seat = seat;
  }

  onLeft(): void {
    this.#seat.group.leftBytes(this.#seat);
  }
}

/**
 * Delivers a message to a wide audience: once for each combination of flags, however many members
 * have it.
 */
export class FanOut implements MemberObserver<Receiver> {
  readonly #groups = new Map<string, Group>();
  /** The group of the last added member: most members are in one group. */
  #lastGroup: Group | null = null;
  /** Members that need their own bytes. */
  readonly #alone = new Set<Member<Receiver>>();
  /**
   * Finds members of the groups that may not receive a topic; `null` while all may receive
   * everything.
   */
  #accessFilter: ReadAccessFilter | null = null;
  readonly #newLog: () => MessageLog;

  /** @param newLog Creates logs of messages for durable sessions. */
  constructor(audience: Audience<Receiver>, newLog: () => MessageLog) {
    this.#newLog = newLog;
    for (const member of audience.members) this.onAdded(member);
  }

  onAdded(member: Member<Receiver>): void {
    const { wireClass, isDurable } = member.subscriber;
    if (wireClass === WIRE_CLASS_OWN || member.own !== undefined) {
      this.#alone.add(member);
      return;
    }
    const { qos, retainAsPublished, identifiers } = member;
    const key = `${wireClass} ${isDurable} ${qos} ${retainAsPublished} ${identifiers}`;
    let group = this.#lastGroup?.key === key ? this.#lastGroup : this.#groups.get(key);
    if (group === undefined) {
      group = new Group(key, wireOf(wireClass), member, isDurable ? this.#newLog : messageLog);
      this.#groups.set(key, group);
    }
    this.#lastGroup = group;
    group.add(member);
    if (member.subscriber.isRestricted) (this.#accessFilter ??= new ReadAccessFilter()).add(member);
  }

  onRemoved(member: Member<Receiver>): void {
    this.#accessFilter?.delete(member);
    if (this.#alone.delete(member)) return;
    this.#leaveGroup(member);
  }

  #leaveGroup(member: Member<Receiver>): void {
    const seat = member.seat as Seat;
    const { group } = seat;
    group.remove(seat);
    if (group.size > 0) return;
    this.#groups.delete(group.key);
    if (this.#lastGroup === group) this.#lastGroup = null;
  }

  /**
   * Removes members that may not receive a topic from the groups. They are checked for each message
   * from now on.
   */
  #setApart(route: Route<Receiver>): void {
    for (const member of this.#accessFilter!.takeDenied(route)) {
      this.#leaveGroup(member);
      this.#alone.add(member);
    }
  }

  /** Sends a batch of QoS 0 frames to all members. */
  run(run: PublishBatch): void {
    if (this.#accessFilter !== null) this.#setApart(run.route);
    for (const group of this.#groups.values()) group.run(run);
    for (const member of this.#alone) {
      const variant = variantFor(member, run.publisher);
      if (variant !== null) member.subscriber.receiveRun(run, variant);
    }
  }

  /** Sends a message to all members. */
  message(route: Route<Receiver>, message: Message): void {
    if (this.#accessFilter !== null) this.#setApart(route);
    for (const group of this.#groups.values()) group.message(message);
    for (const member of this.#alone) {
      const variant = variantFor(member, message.publisher);
      if (variant !== null) member.subscriber.receive(message, variant);
    }
  }

  /** Whether the backlog of a member has no room for a message. */
  isFull({ name, weight }: Message): boolean {
    for (const group of this.#groups.values()) if (group.isFull(weight)) return true;
    for (const { qos, subscriber } of this.#alone) {
      if (qos > 0 && subscriber.isFull(weight) && subscriber.mayReceive(name)) return true;
    }
    return false;
  }
}

/**
 * The flags for a member's copy of a message of `publisher`; `null` if it does not receive it
 * [MQTT-3.8.3-3].
 */
export function variantFor(member: Member<Receiver>, publisher: string | null): Variant | null {
  const { own, subscriber } = member;
  return own === undefined || subscriber.clientId !== publisher ? member : own;
}
