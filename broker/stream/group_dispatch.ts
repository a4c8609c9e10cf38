/** Gives each message of a group to one of its members, in turn. */
import { StreamCursor } from "../../stream/stream_cursor.ts";
import type { GroupDistributor, PendingMessage, StreamGroup } from "../../stream/stream_group.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { StreamWaiter } from "../../stream/stream_waiters.ts";
import type { BrokerContext } from "../base/context.ts";
import { Deadline } from "../base/scheduler.ts";
import type { DropReason } from "../base/stats.ts";
import type { UndeliverableReason } from "./undeliverable_message.ts";
import type { DispatchHost } from "./dispatch_host.ts";
import { UndeliverableMessages } from "./undeliverable_messages.ts";
import { ALONE_FROM, type GroupMember, type MemberOwner } from "./group_member.ts";
import { GroupRoster } from "./group_roster.ts";
import { GroupTimers } from "./group_timers.ts";
import { MessageFinder } from "./message_finder.ts";
import type { ReplayShare } from "./replay_share.ts";
import { isExpired, streamMessage } from "./stream_message.ts";
import { WaitingMessages } from "./waiting_messages.ts";

/** The cost of sending a message to a member, in units of the turn budget: about a microsecond. */
const UNITS_PER_MESSAGE = 2;
/** The cost of looking at a message that does not match. */
const UNITS_PER_SEARCH = 32;
/** The maximum number of messages that are skipped to find one that a member can take now. */
const PASSED_MAX = 64;
/** The time before a failed read of the store is retried, in milliseconds. */
const RETRY_MS = 1000;

/**
 * Sends each message of a group to one of its connected members, in turn. Messages of members that
 * are gone come first.
 */
export class GroupDispatch implements GroupDistributor, MemberOwner, StreamWaiter {
  readonly #context: BrokerContext;
  readonly #share: ReplayShare;
  readonly #log: StreamLog;
  readonly #group: StreamGroup;
  readonly #undeliverable: UndeliverableMessages;
  readonly #roster: GroupRoster;
  readonly #timers: GroupTimers;
  /** The position of the next message that no member has received. */
  #cursor: StreamCursor;
  readonly #finder: MessageFinder;
  /** Messages that must be sent again, or were skipped. */
  #again: WaitingMessages;
  #isParked = false;
  /** Whether messages are sent at the end of this turn, and whether in another turn. */
  #isSoon = false;
  #isLate = false;
  #isLoading = false;
  #isPumping = false;
  /** Whether so many messages are pending that no new ones are sent. */
  #isFull = false;
  readonly #retry = new Deadline(() => this.#goOn());

  constructor(host: DispatchHost, log: StreamLog, group: StreamGroup) {
    const context = this.#context = host.context;
    this.#share = host.share;
    this.#log = log;
    this.#group = group;
    this.#undeliverable = new UndeliverableMessages(host, log, group, () => this.soon());
    this.#roster = new GroupRoster(context.limits, group.isExclusive);
    this.#timers = new GroupTimers(context, log, group, this.#roster);
    this.#cursor = new StreamCursor(log, group.next, group.filter);
    this.#finder = new MessageFinder(log, group.filter);
    this.#again = new WaitingMessages(group.pending());
  }

  get members(): readonly string[] {
    return this.#roster.members.map(({ clientId }) => clientId);
  }

  /** Adds a member. */
  join(member: GroupMember): void {
    member.owner = this;
    this.#roster.add(member);
    this.#timers.onMembersChanged();
    this.soon();
  }

  /**
   * Removes a member. It may still acknowledge its messages in flight, as long as it is connected
   * [MQTT-3.10.4-3].
   *
   * @param successor The member that takes its place; `null` for none.
   */
  leave(member: GroupMember, successor: GroupMember | null): void {
    if (successor === null) this.#roster.remove(member);
    else {
      successor.owner = this;
      this.#roster.replace(member, successor);
    }
    this.#timers.onMembersChanged();
    member.hasLeft = true;
    if (!member.isConnected) this.passOn(member, true);
    this.soon();
  }

  /** The client of a member has reconnected. It is sent again what no other member has received. */
  onReturned(member: GroupMember): void {
    const { exchanges } = member;
    for (const pending of [...exchanges.keys()]) {
      this.#again.delete(pending);
      if (this.#group.isPending(pending)) this.#timers.onSent(pending);
      else member.forget(pending);
    }
    this.soon();
  }

  onAnswered(member: GroupMember, pending: PendingMessage, reasonCode: number): void {
    if (reasonCode < 0x80) this.#group.settle(pending);
    else this.#giveUp(pending, "refused", member.clientId);
    if (member.hasLeft) this.soon();
  }

  onGivenUp(member: GroupMember, pending: PendingMessage): void {
    if (this.#group.isPending(pending)) this.#giveOther(pending, member, "read-denied");
    this.soon();
  }

  onMoved(): void {
    this.#undeliverable.clear();
    this.#unpark();
    this.#again = new WaitingMessages(this.#group.pending());
    this.#cursor = new StreamCursor(this.#log, this.#group.next, this.#group.filter);
    this.#isFull = false;
    this.soon();
  }

  onEnded(): void {
    this.#undeliverable.clear();
    this.#timers.clear();
    this.#unpark();
    this.#context.scheduler.clear(this.#retry);
    const members = this.#roster.clear();
    for (const member of members) {
      member.owner = null;
      for (const pending of [...member.exchanges.keys()]) member.forget(pending);
    }
    for (const member of members) member.onGroupEnded();
  }

  wake(): void {
    this.#isParked = false;
    this.soon();
  }

  /** Sends messages to members at the end of this turn. */
  soon(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    queueMicrotask(() => {
      this.#isSoon = false;
      this.#context.guard(() => this.pump());
    });
  }

  /**
   * Sends messages to members, as long as there are messages, members take them, and the turn has
   * time.
   *
   * @returns Whether it has sent any.
   */
  pump(): boolean {
    // Sending a message may end a connection, and so change the group.
    const isIdle = this.#isParked && this.#again.size === 0 && this.#undeliverable.isEmpty;
    if (isIdle || this.#isPumping || this.#isLate) return false;
    if (!this.#share.begin()) {
      this.#goOnLater();
      return false;
    }
    this.#isPumping = true;
    try {
      return this.#giveAll();
    } finally {
      this.#share.end();
      this.#isPumping = false;
      this.#cursor.release();
      this.#finder.cursor.release();
      this.#countGaps(this.#cursor.missed);
      this.#cursor.missed = 0;
    }
  }

  #giveAll(): boolean {
    let hasGiven = false;
    while (!this.#isLate && !this.#isLoading) {
      const replaced = this.#roster.chooseActive();
      if (replaced !== null) this.passOn(replaced, true);
      const units = this.#keepUndeliverable() || this.#giveAgain() || this.#giveNext();
      if (units <= 0) break;
      if (units === UNITS_PER_MESSAGE) hasGiven = true;
      if (this.#share.spend(units)) this.#goOnLater();
    }
    return hasGiven;
  }

  /** Each of these steps returns its cost; 0 if there was nothing to do, -1 to stop. */
  #keepUndeliverable(): number {
    const taken = this.#undeliverable.takeNext(this.#finder);
    if (taken === "none") return 0;
    if (taken === "unloaded") return this.#load(this.#finder.cursor);
    if (taken === "gone") this.#countGaps(1);
    return UNITS_PER_MESSAGE;
  }

  #giveAgain(): number {
    if (this.#again.size === 0) return 0;
    let passed = 0;
    for (const pending of this.#again) {
      if (++passed > PASSED_MAX) break;
      const chosen = this.#roster.choose(pending);
      // It must go to a member without other messages, so others must not be sent first.
      if (chosen === "nobody yet" && pending.deliveries >= ALONE_FROM) return -1;
      if (chosen === "nobody yet") continue;
      const found = this.#finder.find(pending.seq);
      if (found === "unloaded") return this.#load(this.#finder.cursor);
      this.#again.delete(pending);
      if (found === "gone") {
        this.#countGaps(1);
        this.#forgetHolder(pending);
        this.#group.settle(pending);
      } else if (chosen === "nobody") this.#giveUp(pending, ...this.#roster.whyNobody(pending));
      else this.#give(pending, chosen, this.#finder.cursor);
      return UNITS_PER_MESSAGE;
    }
    return 0;
  }

  #giveNext(): number {
    if (!this.#roster.isReady) return 0;
    if (this.#group.size >= this.#context.limits.groupPendingMax) {
      if (!this.#isFull) this.#context.reportLimit("group-pending", null, null);
      this.#isFull = true;
      return 0;
    }
    this.#isFull = false;
    const found = this.#cursor.next();
    this.#group.passTo(this.#cursor.at);
    if (found === "busy") return UNITS_PER_SEARCH;
    if (found === "unloaded") return this.#load(this.#cursor);
    if (found === "end") {
      this.#log.waiters.add(this);
      this.#isParked = true;
      return 0;
    }
    const pending = this.#group.add(this.#cursor.seq);
    const chosen = this.#roster.choose(pending);
    if (typeof chosen === "string") this.#again.add(pending);
    else this.#give(pending, chosen, this.#cursor);
    return UNITS_PER_MESSAGE;
  }

  /** Sends a message to a member, unless it has expired, or cannot be sent to this member. */
  #give(pending: PendingMessage, member: GroupMember, cursor: StreamCursor): void {
    const context = this.#context;
    const { session, prefix } = member;
    if (isExpired(cursor.record, context)) return this.#giveUp(pending, "expired", null);
    if (!session.mayReceive(cursor.topic)) return this.#giveOther(pending, member, "read-denied");
    const sent = prefix.before(cursor.knownTopic);
    if (!member.sendAsIs(pending, cursor, sent.bytes)) {
      const isMarked = session.link!.wire.v5;
      const deliveries = pending.deliveries + 1;
      const message = streamMessage(cursor, sent, isMarked, cursor.gap, deliveries, context);
      const why = member.send(pending, message, cursor.topic);
      if (why !== null) return this.#giveOther(pending, member, why);
    }
    cursor.gap = null;
    if (pending.holder !== member) this.#forgetHolder(pending);
    pending.holder = member;
    this.#timers.onSent(pending);
    // QoS 0 has no acknowledgement, so the message is done when it is written.
    if (member.qos === 0) this.#group.settle(pending);
  }

  #giveOther(pending: PendingMessage, member: GroupMember, reason: DropReason): void {
    this.#roster.setUnfit(pending, member, reason);
    this.#again.add(pending);
  }

  /**
   * The client of a member is gone. Its unacknowledged messages go to other members, or to the dead
   * letters after too many deliveries.
   *
   * @param isOver Whether the member will not return.
   */
  passOn(member: GroupMember, isOver: boolean): void {
    if (member.exchanges.size === 0) return;
    for (const pending of [...member.exchanges.keys()]) {
      const isPending = this.#group.isPending(pending);
      const isTooOften = pending.deliveries >= this.#undeliverable.deliveriesMax;
      if (isOver || isTooOften || !isPending) member.forget(pending);
      if (!isPending) continue;
      if (isTooOften) this.#giveUp(pending, "max-deliver", member.clientId);
      else this.#again.add(pending);
      if (isOver) pending.holder = null;
    }
    this.#group.markChanged();
    this.soon();
  }

  #forgetHolder(pending: PendingMessage): void {
    (pending.holder as GroupMember | null)?.forget(pending);
    pending.holder = null;
  }

  #giveUp(pending: PendingMessage, reason: UndeliverableReason, clientId: string | null): void {
    this.#forgetHolder(pending);
    this.#undeliverable.add(pending, reason, clientId);
    this.soon();
  }

  /** Loads a chunk, and then continues. */
  #load(cursor: StreamCursor): number {
    this.#isLoading = true;
    cursor.load().then(() => this.#goOn(), (error) => {
      this.#context.reportError(error);
      this.#context.scheduler.set(this.#retry, this.#context.clock.now() + RETRY_MS);
    });
    return -1;
  }

  /** Continues in a later turn, after other work. */
  #goOnLater(): void {
    this.#isLate = true;
    this.#share.later(() => {
      this.#isLate = false;
      this.pump();
    });
  }

  #goOn(): void {
    this.#isLoading = false;
    this.soon();
  }

  #unpark(): void {
    this.#log.waiters.delete(this);
    this.#isParked = false;
  }

  /** Counts messages that have left the stream before a member received them. */
  #countGaps(count: number): void {
    this.#context.stats.dropped["stream-gap"] += count;
  }
}
