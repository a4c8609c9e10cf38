/** The subscriptions of one session that are members of groups. */
import type { StreamGroup } from "../../stream/stream_group.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { StreamWaiter } from "../../stream/stream_waiters.ts";
import type { ReplayRecord } from "../session/session_replays.ts";
import type { DispatchHost } from "./dispatch_host.ts";
import type { GroupDispatch } from "./group_dispatch.ts";
import { dispatchOf } from "./group_dispatches.ts";
import { GroupMember, type MemberRequest } from "./group_member.ts";
import type { ReplayingSession } from "./replaying_session.ts";

/** The streams of the broker, as members of groups need them. */
export interface GroupHost extends DispatchHost {
  /** The stream with a name, if it is declared. */
  logOf(name: string): StreamLog | undefined;
  /** Wakes `waiter`, once, when a stream is declared. */
  whenDeclared(waiter: StreamWaiter): void;
  /** Removes a waiter. */
  forget(waiter: StreamWaiter): void;
}

/** A member, and its waiter while its stream is not declared. */
interface Membership {
  readonly member: GroupMember;
  dispatch: GroupDispatch | null;
  log: StreamLog | null;
  readonly waiter: StreamWaiter;
}

/** The subscriptions of one session that are members of groups. */
export class Memberships {
  readonly #host: GroupHost;
  readonly #session: ReplayingSession;
  readonly #byKey = new Map<string, Membership>();
  /** Members that have left with messages in flight. */
  readonly #leaving = new Set<Membership>();

  constructor(host: GroupHost, session: ReplayingSession) {
    this.#host = host;
    this.#session = session;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** The options of the subscription with a key. */
  get(key: string): MemberRequest | undefined {
    return this.#byKey.get(key)?.member.request;
  }

  /** Adds a member, in place of one with the same key, and joins its group. */
  add(request: MemberRequest, group: StreamGroup, log: StreamLog): void {
    const known = this.#byKey.get(request.key);
    const dispatch = known?.dispatch ?? null;
    const isSame = dispatch !== null && dispatch === group.distributor;
    if (!isSame) this.remove(request.key);
    const membership = this.#newMembership(request);
    if (isSame) {
      membership.dispatch = dispatch;
      membership.log = log;
      this.#leave(known!, membership.member);
    } else this.#join(membership, group, log);
    this.#session.queue.markChanged();
  }

  /** Adds a member from the store. It joins its group when the stream is declared. */
  restore({ at: _at, until: _until, lost: _lost, ...request }: ReplayRecord): void {
    this.#find(this.#newMembership(request));
  }

  /** The subscription ends. Returns whether there was one. */
  remove(key: string): boolean {
    const membership = this.#byKey.get(key);
    if (membership === undefined) return false;
    this.#byKey.delete(key);
    this.#leave(membership, null);
    this.#session.queue.markChanged();
    return true;
  }

  /** The records of them that are stored. */
  records(): ReplayRecord[] {
    const progress = { at: 0, until: 0, lost: null };
    return [...this.#byKey.values()].map(({ member }) => ({ ...member.request, ...progress }));
  }

  /** Makes the groups send messages. Returns whether any was sent. */
  sendNext(): boolean {
    let hasSent = false;
    for (const { dispatch } of this.#byKey.values()) if (dispatch?.pump()) hasSent = true;
    return hasSent;
  }

  /** The client is connected. */
  onAttached(): void {
    for (const { dispatch, member } of this.#byKey.values()) dispatch?.onReturned(member);
  }

  /** The client is away. */
  onDetached(): void {
    for (const { dispatch, member } of this.#byKey.values()) dispatch?.passOn(member, false);
    for (const { dispatch, member } of this.#leaving) dispatch?.passOn(member, true);
    this.#leaving.clear();
  }

  /** The session has ended. */
  end(): void {
    for (const membership of this.#byKey.values()) this.#leave(membership, null);
    this.#byKey.clear();
    this.#leaving.clear();
  }

  #leave(membership: Membership, successor: GroupMember | null): void {
    const { waiter, dispatch, member } = membership;
    this.#host.forget(waiter);
    dispatch?.leave(member, successor);
    if (member.exchanges.size > 0) this.#leaving.add(membership);
  }

  #newMembership(request: MemberRequest): Membership {
    const onGroupEnded = () => {
      membership.dispatch = null;
      // A stream of the same name may be declared again. A removed group stays removed.
      if (membership.log!.isRemoved) this.#host.whenDeclared(waiter);
      else this.remove(request.key);
    };
    const waiter = { wake: () => this.#find(membership) };
    const member = new GroupMember(this.#session, request, onGroupEnded);
    const membership: Membership = { member, dispatch: null, log: null, waiter };
    this.#byKey.set(request.key, membership);
    return membership;
  }

  /** Joins the group as soon as the stream is declared. */
  #find(membership: Membership): void {
    const { stream, group: name, filter, isExclusive } = membership.member.request;
    const log = this.#host.logOf(stream);
    if (log === undefined) return this.#host.whenDeclared(membership.waiter);
    // A member whose stream was removed begins with the first message of the new one.
    const group = log.groups.get(name) ??
      log.groups.add({ name, filter, isExclusive, next: log.first, pending: [] });
    this.#join(membership, group, log);
  }

  #join(membership: Membership, group: StreamGroup, log: StreamLog): void {
    membership.log = log;
    membership.dispatch = dispatchOf(this.#host, log, group);
    membership.dispatch.join(membership.member);
  }
}
