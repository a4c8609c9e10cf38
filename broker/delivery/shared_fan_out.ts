/** How a message reaches a wide audience. */
import type { QoS } from "../../codec/mod.ts";
import type { Audience, MemberObserver } from "../../router/audience.ts";
import type { Member } from "../../router/member.ts";
import type { Route } from "../../router/route_cache.ts";
import type { Variant } from "../../router/variant.ts";
import { WIRE_CLASS_OWN } from "../../router/subscription.ts";
import type { MessageLog } from "./backlog.ts";
import type { Message } from "../base/message.ts";
import type { Origin } from "../base/origin.ts";
import type { Receiver } from "./subscriber.ts";
import type { PublishBatch } from "./publish_batch.ts";
import { ReadAccessFilter } from "./read_access_filter.ts";
import { type Seat, SubscriberGroup } from "./subscriber_group.ts";

/** How many members are prepared for a message at once: this takes a millisecond or two. */
export const PREPARED_AT_ONCE = 256;

const NO_MEMBERS: readonly Member<Receiver>[] = [];

/**
 * Delivers a message to a wide audience: once for each combination of flags, however many members
 * have it.
 */
export class FanOut implements MemberObserver<Receiver> {
  readonly #groups = new Map<string, SubscriberGroup>();
  /** The group of the last added member: most members are in one group. */
  #lastGroup: SubscriberGroup | null = null;
  /** Members that must be looked at one by one. */
  readonly #alone = new Set<Member<Receiver>>();
  /**
   * Finds members of the groups that may not receive a topic; `null` while all may receive
   * everything.
   */
  #accessFilter: ReadAccessFilter | null = null;
  readonly #newLog: () => MessageLog;
  /** The first members. Those from `#seen` on are in no group yet, unless they have left. */
  #first: readonly Member<Receiver>[];
  #seen = 0;
  /** First members that have left before they were put into a group; `null` for none. */
  #gone: Set<Member<Receiver>> | null = null;

  /** @param newLog Creates logs of messages for durable sessions. */
  constructor(audience: Audience<Receiver>, newLog: () => MessageLog) {
    this.#newLog = newLog;
    this.#first = audience.members.slice();
  }

  /**
   * Does some of the work that the next message with a QoS causes for new members. Thousands may
   * have been added since the last message.
   *
   * @returns Whether nothing is left.
   */
  prepare(qos: QoS): boolean {
    if (this.#seen < this.#first.length) {
      this.#see(PREPARED_AT_ONCE);
      return false;
    }
    let left = PREPARED_AT_ONCE;
    for (const group of this.#groups.values()) {
      left -= group.prepare(qos, left);
      if (left === 0) return false;
    }
    return left === PREPARED_AT_ONCE;
  }

  /** Puts some members into their groups. */
  #see(count: number): void {
    const first = this.#first;
    const end = Math.min(first.length, this.#seen + count);
    while (this.#seen < end) {
      const member = first[this.#seen++]!;
      if (!this.#gone?.delete(member)) this.onAdded(member);
    }
    if (end < first.length || end === 0) return;
    this.#first = NO_MEMBERS;
    this.#seen = 0;
    this.#gone = null;
  }

  onAdded(member: Member<Receiver>): void {
    const { wireClass, follower } = member.subscriber;
    if (wireClass === WIRE_CLASS_OWN || follower === null || member.own !== undefined) {
      this.#alone.add(member);
      return;
    }
    this.#groupOf(member).add(member, follower);
    if (member.subscriber.isRestricted) (this.#accessFilter ??= new ReadAccessFilter()).add(member);
  }

  /** The group of a member; made for the first one. */
  #groupOf(member: Member<Receiver>): SubscriberGroup {
    const { qos, retainAsPublished, identifiers, subscriber: { wireClass, isDurable } } = member;
    const last = this.#lastGroup;
    // Without making a key, which ten thousand members would need all the same.
    if (last?.hasAll(wireClass, isDurable) && last.isLike(member)) return last;
    const key = `${wireClass} ${isDurable} ${qos} ${retainAsPublished} ${identifiers}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new SubscriberGroup(key, wireClass, isDurable, member, this.#newLog);
      this.#groups.set(key, group);
    }
    return this.#lastGroup = group;
  }

  onRemoved(member: Member<Receiver>): void {
    this.#accessFilter?.delete(member);
    if (this.#alone.delete(member)) return;
    if (member.seat !== null) this.#leaveGroup(member);
    else (this.#gone ??= new Set()).add(member);
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
    this.#see(Infinity);
    if (this.#accessFilter !== null) this.#setApart(run.route);
    for (const group of this.#groups.values()) group.run(run);
    for (const member of this.#alone) {
      const variant = variantFor(member, run.origin);
      if (variant !== null) member.subscriber.receiveRun(run, variant);
    }
  }

  /** Sends a message to all members. */
  message(route: Route<Receiver>, message: Message): void {
    this.#see(Infinity);
    if (this.#accessFilter !== null) this.#setApart(route);
    message.encodeFor(this.#groups.size + this.#alone.size);
    for (const group of this.#groups.values()) group.message(message);
    for (const member of this.#alone) {
      const variant = variantFor(member, message.origin);
      if (variant !== null) member.subscriber.receive(message, variant);
    }
  }

  /** Whether the backlog of a member has no room for a message. */
  isFull({ name, weight }: Message): boolean {
    this.#see(Infinity);
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
export function variantFor(member: Member<Receiver>, origin: Origin): Variant | null {
  const { own, subscriber } = member;
  return own === undefined || !subscriber.isOrigin(origin) ? member : own;
}
