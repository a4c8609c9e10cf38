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

/** How many bytes are appended between two looks at how far the members lag. */
const LOOK_BYTES = 64 * 1024;
/** At most so many messages are appended between two looks at their backlogs. */
const LOOK_MESSAGES_MAX = 256;
/** And while everyone is away, at most this part of the room that the fullest of them has. */
const AWAY_SHARE = 1 / 8;
/** How many members must have gone, beside as many as there are, for idle lists to be tidied. */
const GONE_MIN = 64;

/**
 * Members that are sent the same: one log of bytes for QoS 0, one of messages
 * for what is acknowledged. Members that follow cost nothing per message; those
 * on the idle lists take up following at the next one.
 */
class Group {
  readonly #wire: Wire;
  readonly #variant: Variant;
  /** In no order. */
  readonly #seats: Seat[] = [];
  readonly bytes = new ByteLog();
  readonly #newLog: () => MessageLog;
  #messages: MessageLog | null = null;
  #idleBytes: Seat[] = [];
  #idleMessages: Seat[] = [];
  /** How many have gone since the idle lists were tidied. */
  #gone = 0;
  /** How many follow the log of bytes. */
  bytesFollowed = 0;
  #lookAtBytes = LOOK_BYTES;
  #lookAtMessages = 0;
  #lookAtWeight = 0;
  /** Where the log may come to before one of those that follow it could be full. */
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
    seat.isGone = true;
    seat.member.seat = null;
    subscriber.leaveBytes(seat.ofBytes);
    subscriber.leaveMessages(seat);
    const last = this.#seats.pop()!;
    if (last !== seat) this.#seats[last.index = seat.index] = last;
    if (++this.#gone > this.#seats.length + GONE_MIN) this.#tidy();
  }

  /** A list that nothing is published for would gather whoever came and went. */
  #tidy(): void {
    this.#gone = 0;
    this.#idleBytes = this.#idleBytes.filter(({ isGone }) => !isGone);
    this.#idleMessages = this.#idleMessages.filter(({ isGone }) => !isGone);
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
    this.#look();
  }

  message(message: Message): void {
    if (Math.min(message.qos, this.#variant.qos) > 0) return this.#append(message);
    this.#followBytes();
    if (this.bytesFollowed > 0) this.#encode(message);
    this.#look();
  }

  isFull(bytes: number): boolean {
    if (this.#variant.qos === 0) return false;
    const log = this.#messages;
    const isRoom = log !== null && log.end < this.#fullAtMessages &&
      log.weight + bytes <= this.#fullAtWeight;
    // Those that follow have as much room as when they were looked at, or more.
    for (const { isGone, member } of isRoom ? this.#idleMessages : this.#seats) {
      if (!isGone && member.subscriber.isFull(bytes)) return true;
    }
    return false;
  }

  leftBytes(seat: Seat): void {
    this.bytesFollowed--;
    if (!seat.isGone) this.#idleBytes.push(seat);
  }

  /** One that may be full, or have to slow publishers down, is there from now on. */
  lookSoon(): void {
    const log = this.#messages;
    if (log === null) return;
    const messages = log.end + LOOK_MESSAGES_MAX;
    const weight = log.weight + LOOK_BYTES;
    this.#lookAtMessages = Math.min(this.#lookAtMessages, messages);
    this.#lookAtWeight = Math.min(this.#lookAtWeight, weight);
    this.#fullAtMessages = Math.min(this.#fullAtMessages, messages);
    this.#fullAtWeight = Math.min(this.#fullAtWeight, weight);
  }

  leftMessages(seat: Seat): void {
    if (!seat.isGone) this.#idleMessages.push(seat);
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
      // One that is not connected takes a new seat when it is again.
      if (seat.isGone || !seat.member.subscriber.followBytes(this.bytes, seat.ofBytes)) continue;
      this.bytesFollowed++;
    }
  }

  #append(message: Message): void {
    const log = this.#messages ??= this.#newLog();
    const idle = this.#idleMessages;
    this.#idleMessages = [];
    for (const seat of idle) {
      if (seat.isGone) continue;
      if (!seat.member.subscriber.followMessages(log, seat)) {
        seat.member.subscriber.receive(message, seat.member);
        this.#idleMessages.push(seat);
      }
    }
    if (idle.length > this.#idleMessages.length) this.lookSoon();
    log.append(message.keep());
    if (log.end >= this.#lookAtMessages || log.weight >= this.#lookAtWeight) {
      this.#lookAtBacklogs(log);
    }
  }

  #look(): void {
    if (this.bytes.end < this.#lookAtBytes) return;
    this.#lookAtBytes = this.bytes.end + LOOK_BYTES;
    for (const { member } of this.#seats) member.subscriber.lookAtBytes();
  }

  /** Looks again when the first of them could be full. */
  #lookAtBacklogs(log: MessageLog): void {
    let messages = Infinity;
    let bytes = Infinity;
    let isAnyoneThere = false;
    // One that is full may leave its seat.
    for (const { member } of [...this.#seats]) {
      const room = member.subscriber.lookAtMessages();
      if (!room.isAway) isAnyoneThere = true;
      messages = Math.min(messages, room.messages);
      bytes = Math.min(bytes, room.bytes);
    }
    // Their backlogs may grow by other logs, too, and so they are looked at now and then.
    const messagesMost = isAnyoneThere ? 0 : messages * AWAY_SHARE;
    const bytesMost = isAnyoneThere ? 0 : bytes * AWAY_SHARE;
    messages = Math.min(messages, Math.max(LOOK_MESSAGES_MAX, messagesMost));
    bytes = Math.min(bytes, Math.max(LOOK_BYTES, bytesMost));
    this.#fullAtMessages = log.end + messages;
    this.#fullAtWeight = log.weight + bytes;
    this.#lookAtMessages = log.end + Math.max(1, messages);
    this.#lookAtWeight = log.weight + Math.max(1, bytes);
  }
}

/** The place of a member in a group, and what its log of messages is followed for. */
class Seat implements MessageFollows {
  isGone = false;
  /** Where it stands in its group. */
  index = -1;
  readonly ofBytes: ByteSeat = new ByteSeat(this);

  constructor(readonly group: Group, readonly member: Member<Receiver>) {}

  get variant(): Variant {
    return this.member;
  }

  left(): void {
    this.group.leftMessages(this);
  }

  returned(): void {
    this.group.lookSoon();
  }
}

/** What the log of bytes of a group is followed for. */
class ByteSeat implements Follows {
  readonly #seat: Seat;

  constructor(seat: Seat) {
    this.#seat = seat;
  }

  left(): void {
    this.#seat.group.leftBytes(this.#seat);
  }
}

/**
 * How a message reaches a wide audience: once for each way in which it is
 * wanted, however many want it that way.
 */
export class FanOut implements MemberObserver<Receiver> {
  readonly #groups = new Map<string, Group>();
  /** The group of the last member that was added: most are of one. */
  #lastGroup: Group | null = null;
  /** Members that must be looked at one by one. */
  readonly #alone = new Set<Member<Receiver>>();
  /** Finds members of the groups that may not receive a topic; `null` while all may receive all. */
  #accessFilter: ReadAccessFilter | null = null;
  readonly #newLog: () => MessageLog;

  /** @param newLog Makes logs of messages for those who survive a restart. */
  constructor(audience: Audience<Receiver>, newLog: () => MessageLog) {
    this.#newLog = newLog;
    for (const member of audience.members) this.added(member);
  }

  added(member: Member<Receiver>): void {
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

  removed(member: Member<Receiver>): void {
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

  /** Whoever may not receive a topic no longer gets what is sent to all: it is asked each time. */
  #setApart(route: Route<Receiver>): void {
    for (const member of this.#accessFilter!.denied(route)) {
      this.#leaveGroup(member);
      this.#alone.add(member);
    }
  }

  /** Hands a run of QoS 0 frames to everyone. */
  run(run: PublishBatch): void {
    if (this.#accessFilter !== null) this.#setApart(run.route);
    for (const group of this.#groups.values()) group.run(run);
    for (const member of this.#alone) {
      const variant = variantFor(member, run.publisher);
      if (variant !== null) member.subscriber.receiveRun(run, variant);
    }
  }

  /** Hands a message to everyone. */
  message(route: Route<Receiver>, message: Message): void {
    if (this.#accessFilter !== null) this.#setApart(route);
    for (const group of this.#groups.values()) group.message(message);
    for (const member of this.#alone) {
      const variant = variantFor(member, message.publisher);
      if (variant !== null) member.subscriber.receive(message, variant);
    }
  }

  /** Whether a member's backlog has no room for an acknowledged message. */
  isFull({ name, weight }: Message): boolean {
    for (const group of this.#groups.values()) if (group.isFull(weight)) return true;
    for (const { qos, subscriber } of this.#alone) {
      if (qos > 0 && subscriber.isFull(weight) && subscriber.mayReceive(name)) return true;
    }
    return false;
  }
}

/** How a member receives what `publisher` publishes; `null` for not at all [MQTT-3.8.3-3]. */
export function variantFor(member: Member<Receiver>, publisher: string | null): Variant | null {
  const { own, subscriber } = member;
  return own === undefined || subscriber.clientId !== publisher ? member : own;
}
