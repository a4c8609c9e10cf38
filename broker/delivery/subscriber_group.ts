/** Members of a wide audience that receive the same bytes, from logs that they share. */
import type { QoS } from "../../codec/mod.ts";
import type { Member } from "../../router/member.ts";
import type { Variant } from "../../router/variant.ts";
import type { Message } from "../base/message.ts";
import { type MessageLog, messageLog } from "./backlog.ts";
import type { Follows } from "./outbox_trail.ts";
import type { PublishBatch } from "./publish_batch.ts";
import { type ByteSeat, SharedByteLog } from "./shared_byte_log.ts";
import { type MessageSeat, SharedMessageLog } from "./shared_message_log.ts";
import { type Follower, type Receiver, wireOf } from "./subscriber.ts";

/** Idle lists are tidied when as many members have left as there are, and this number more. */
const REMOVED_MIN = 64;

/** A log of bytes for QoS 0, a log of messages for QoS 1 and 2, and the members that read them. */
export class SubscriberGroup {
  readonly #variant: Variant;
  /** In no order. */
  readonly #seats: Seat[] = [];
  readonly bytes: SharedByteLog;
  readonly messages: SharedMessageLog;
  /** How many members have left since the idle lists were tidied. */
  #removed = 0;

  /** @param newLog Makes the log of messages of durable sessions. */
  constructor(
    readonly key: string,
    readonly wireClass: number,
    readonly isDurable: boolean,
    variant: Variant,
    newLog: () => MessageLog,
  ) {
    this.#variant = variant;
    this.bytes = new SharedByteLog(this.#seats, wireOf(wireClass), variant);
    this.messages = new SharedMessageLog(this.#seats, isDurable ? newLog : messageLog);
  }

  /** Whether its members are receivers of this kind. */
  hasAll(wireClass: number, isDurable: boolean): boolean {
    return this.wireClass === wireClass && this.isDurable === isDurable;
  }

  /** Whether messages are sent to its members with these flags; false if that is not known at once. */
  isLike({ qos, retainAsPublished, identifiers }: Variant): boolean {
    const one = this.#variant;
    return one.qos === qos && one.retainAsPublished === retainAsPublished &&
      one.identifiers === identifiers;
  }

  /** How many members there are. */
  get size(): number {
    return this.#seats.length;
  }

  /** Adds a member. */
  add(member: Member<Receiver>, follower: Follower): void {
    const seat = new Seat(this, member, follower, this.#seats.length);
    this.#seats.push(seat);
    member.seat = seat;
    this.bytes.onJoined(seat);
    if (member.qos > 0) this.messages.onJoined(seat);
  }

  /** Removes a member. */
  remove(seat: Seat): void {
    const { index } = seat;
    seat.leave();
    const last = this.#seats.pop()!;
    if (last !== seat) this.#seats[last.index = index] = last;
    if (++this.#removed <= this.#seats.length + REMOVED_MIN) return;
    // Without a publication nothing else empties the list, and members that have left would stay in
    // it.
    this.#removed = 0;
    this.bytes.tidy();
    this.messages.tidy();
  }

  /**
   * Does some of the work of the next message with a QoS, for at most `count` members.
   *
   * @returns How many members it has handled; 0 if nothing is left to do.
   */
  prepare(qos: QoS, count: number): number {
    const isAcknowledged = Math.min(qos, this.#variant.qos) > 0;
    return isAcknowledged ? this.messages.prepare(count) : this.bytes.prepare(count);
  }

  /** Hands a message to everyone. */
  message(message: Message): void {
    if (Math.min(message.qos, this.#variant.qos) > 0) this.messages.append(message);
    else this.bytes.message(message);
  }

  /** Hands a run of QoS 0 frames to everyone. */
  run(run: PublishBatch): void {
    this.bytes.run(run);
  }

  /** Whether a member's backlog has no room for an acknowledged message. */
  isFull(bytes: number): boolean {
    return this.#variant.qos > 0 && this.messages.isFull(bytes);
  }
}

/**
 * The place of a member in a group. A backlog that follows the group's log of messages holds it.
 */
export class Seat implements ByteSeat, MessageSeat {
  #ofBytes: Follows | null = null;

  constructor(
    readonly group: SubscriberGroup,
    readonly member: Member<Receiver>,
    readonly follower: Follower,
    /** Where it stands in its group; -1 for nowhere any more. */
    public index: number,
  ) {}

  get isRemoved(): boolean {
    return this.index < 0;
  }

  get variant(): Variant {
    return this.member;
  }

  /** Made for a member that is connected when a message with QoS 0 comes. */
  get ofBytes(): Follows {
    return this.#ofBytes ??= new BytesOf(this);
  }

  /** The member has left the group. */
  leave(): void {
    this.index = -1;
    this.member.seat = null;
    if (this.#ofBytes !== null) this.follower.leaveBytes(this.#ofBytes);
    this.follower.leaveMessages(this);
  }

  onLeft(): void {
    this.group.messages.onLeft(this);
  }

  onAttached(): void {
    this.group.messages.checkSoon();
  }
}

/** The reason why an outbox follows the log of bytes of a group. */
class BytesOf implements Follows {
  readonly #seat: Seat;

  constructor(seat: Seat) {
    this.#seat = seat;
  }

  onLeft(): void {
    this.#seat.group.bytes.onLeft(this.#seat);
  }
}
