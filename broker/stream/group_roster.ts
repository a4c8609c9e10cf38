/** The members of a group in their order, and whose turn it is. */
import type { PendingMessage } from "../../stream/stream_group.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { DropReason } from "../base/stats.ts";
import type { ClientLink } from "../session/client_link.ts";
import { ALONE_FROM, type GroupMember } from "./group_member.ts";

/** The reason why a member cannot receive a message, and the member. */
type Unfit = [reason: DropReason, clientId: string];

/**
 * The members of a group in the order in which they have joined, and whose turn it is. In an
 * exclusive group one member gets all messages, as long as it is connected.
 */
export class GroupRoster {
  readonly #limits: BrokerLimits;
  readonly #isExclusive: boolean;
  #members: GroupMember[] = [];
  #turn = 0;
  /** The member that gets the messages of an exclusive group. */
  #active: GroupMember | null = null;
  /**
   * The members that cannot receive a message, with the reason. A member that reconnects is
   * removed.
   */
  readonly #unfit = new WeakMap<PendingMessage, Map<ClientLink, Unfit>>();

  constructor(limits: BrokerLimits, isExclusive: boolean) {
    this.#limits = limits;
    this.#isExclusive = isExclusive;
  }

  /** All of them, connected or not. */
  get members(): readonly GroupMember[] {
    return this.#members;
  }

  /** Whether any member can receive a message now. */
  get isReady(): boolean {
    return this.#members.some((member) => this.#isActive(member) && member.isReady(this.#limits));
  }

  add(member: GroupMember): void {
    this.#members.push(member);
  }

  remove(member: GroupMember): void {
    this.#members = this.#members.filter((one) => one !== member);
  }

  /** Puts a member in the place of another one. */
  replace(old: GroupMember, member: GroupMember): void {
    this.#members = this.#members.map((one) => one === old ? member : one);
  }

  /** Removes all members, and returns them. */
  clear(): readonly GroupMember[] {
    this.#active = null;
    return this.#members.splice(0);
  }

  /** Records that a connected member cannot receive a message. */
  setUnfit(pending: PendingMessage, { session, clientId }: GroupMember, reason: DropReason): void {
    const unfit = this.#unfit.get(pending) ?? new Map<ClientLink, Unfit>();
    this.#unfit.set(pending, unfit.set(session.link!, [reason, clientId]));
  }

  /** The reason why no member could receive a message, and the first such member. */
  whyNobody(pending: PendingMessage): Unfit {
    for (const why of this.#unfit.get(pending)!.values()) return why;
    throw new Error("Somebody could be given the message");
  }

  /**
   * Chooses the active member of an exclusive group: the same one as long as it is connected.
   *
   * @returns The member that another has taken the place of now. What it has not acknowledged must
   * go to the new one, and not to it again when it returns: only so the order is kept.
   */
  chooseActive(): GroupMember | null {
    if (!this.#isExclusive) return null;
    const before = this.#active;
    // A member that has left may still acknowledge its messages. No other member gets any before
    // that.
    const isHeld = before !== null && before.isConnected &&
      (!before.hasLeft || before.exchanges.size > 0);
    if (isHeld) return null;
    const next = this.#members.find(({ isConnected }) => isConnected);
    // While nobody is connected, it keeps its place.
    if (next === undefined || next === before) return null;
    this.#active = next;
    return before;
  }

  /** Chooses the member for a message: none yet if members are busy or away, or none at all. */
  choose(pending: PendingMessage): GroupMember | "nobody yet" | "nobody" {
    const members = this.#members;
    const unfit = this.#unfit.get(pending);
    let [isUnfit, isBusy] = [false, false];
    for (let i = 0; i < members.length; i++) {
      const at = (this.#turn + i) % members.length;
      const member = members[at]!;
      if (!member.isConnected || !this.#isActive(member)) continue;
      const isFree = pending.deliveries < ALONE_FROM || member.exchanges.size === 0;
      if (unfit?.has(member.session.link!)) isUnfit = true;
      else if (!isFree || !member.isReady(this.#limits)) isBusy = true;
      else {
        this.#turn = (at + 1) % members.length;
        return member;
      }
    }
    return isUnfit && !isBusy ? "nobody" : "nobody yet";
  }

  /** Whether a member gets messages: all of them, or one in an exclusive group. */
  #isActive(member: GroupMember): boolean {
    return !this.#isExclusive || member === this.#active;
  }
}
