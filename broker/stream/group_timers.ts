/** The times after which a silent member of a group is disconnected, and an idle group is removed. */
import { ReasonCode } from "../../codec/mod.ts";
import type { PendingMessage, StreamGroup } from "../../stream/stream_group.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { BrokerContext } from "../base/context.ts";
import { Deadline } from "../base/scheduler.ts";
import type { GroupMember } from "./group_member.ts";

/** The members of a group, as its timers need them. */
interface Members {
  readonly members: readonly GroupMember[];
}

/**
 * The timers of a group. A member that does not acknowledge in time is disconnected, so that others
 * get its messages. A group that has had no members for a long time is removed.
 */
export class GroupTimers {
  readonly #context: BrokerContext;
  readonly #log: StreamLog;
  readonly #group: StreamGroup;
  readonly #roster: Members;
  /** The start of the time without members, by the clock of the broker. */
  #idleFromMs = 0;
  readonly #silent: Deadline = new Deadline(() => this.#disconnectSilent());
  readonly #idle: Deadline = new Deadline(() => this.#removeIdle());

  constructor(context: BrokerContext, log: StreamLog, group: StreamGroup, roster: Members) {
    this.#context = context;
    this.#log = log;
    this.#group = group;
    this.#roster = roster;
    this.onMembersChanged();
  }

  /** A message was sent to a member, once more. */
  onSent(pending: PendingMessage): void {
    const { scheduler, clock, settings, limits: { groupAckSecondsMax } } = this.#context;
    pending.deliveries++;
    pending.deliveredMs = settings.wallClock();
    pending.sentMs = clock.now();
    if (groupAckSecondsMax === 0 || this.#silent.index >= 0) return;
    scheduler.set(this.#silent, clock.now() + groupAckSecondsMax * 1000);
  }

  /** A member was added or removed. */
  onMembersChanged(): void {
    const { scheduler, settings, calendar } = this.#context;
    if (this.#roster.members.length > 0) {
      this.#group.setIdleSince(0);
      return scheduler.clear(this.#idle);
    }
    if (this.#group.idleSinceMs === 0) this.#group.setIdleSince(Math.floor(settings.wallClock()));
    this.#idleFromMs = calendar.toClock(this.#group.idleSinceMs);
    this.#awaitIdle();
  }

  /** The group was removed. */
  clear(): void {
    this.#context.scheduler.clear(this.#silent);
    this.#context.scheduler.clear(this.#idle);
  }

  /** Disconnects the members whose oldest message is too old, and waits for the next ones. */
  #disconnectSilent(): void {
    const { scheduler, clock, limits: { groupAckSecondsMax } } = this.#context;
    if (groupAckSecondsMax === 0) return;
    let nextMs = Infinity;
    for (const { isConnected, exchanges, session, clientId } of [...this.#roster.members]) {
      const [oldest] = exchanges.keys();
      if (!isConnected || oldest === undefined) continue;
      const dueMs = oldest.sentMs + groupAckSecondsMax * 1000;
      if (dueMs > clock.now()) nextMs = Math.min(nextMs, dueMs);
      else {
        this.#context.reportLimit("group-ack", null, clientId);
        session.link!.disconnect(ReasonCode.ImplementationSpecificError);
      }
    }
    if (nextMs < Infinity) scheduler.set(this.#silent, nextMs);
  }

  get #idleEndMs(): number {
    return this.#idleFromMs + this.#context.limits.groupIdleSecondsMax * 1000;
  }

  #awaitIdle(): void {
    const { scheduler, clock, limits: { groupIdleSecondsMax } } = this.#context;
    if (groupIdleSecondsMax === 0) return;
    scheduler.set(this.#idle, Math.max(this.#idleEndMs, clock.now() + 1));
  }

  #removeIdle(): void {
    const { limits: { groupIdleSecondsMax }, clock } = this.#context;
    // The limit may be another one by now.
    if (groupIdleSecondsMax === 0 || clock.now() < this.#idleEndMs) return this.#awaitIdle();
    this.#context.reportLimit("group-idle", null, null);
    this.#log.groups.remove(this.#group.name);
  }
}
