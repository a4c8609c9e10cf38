/** The state of a group of a stream, for programs. */
import type { StreamGroup } from "./stream_group.ts";

/** A group that reads a stream together. */
export interface GroupInfo {
  /** Its name; below the mount point of its members, if they have one. */
  readonly name: string;
  /** The filter of the topics of its messages. */
  readonly filter: string;
  /** Whether one member at a time gets messages. */
  readonly isExclusive: boolean;
  /** All messages before this sequence are acknowledged. */
  readonly floor: number;
  /** The first sequence that no member has received. */
  readonly next: number;
  /** The number of unacknowledged messages that were sent to members, or will be sent again. */
  readonly pending: number;
  /** The client identifiers of its members, connected or not. */
  readonly members: readonly string[];
}

/** The unacknowledged messages of one member of a group. */
export interface PendingInfo {
  /** Its client identifier; `null` for messages that wait for a member. */
  readonly member: string | null;
  /** How many messages. */
  readonly messages: number;
  /** The lowest sequence. */
  readonly oldest: number;
  /**
   * When that message was last sent to a member, in milliseconds since 1970; 0 if not since the
   * start.
   */
  readonly oldestMs: number;
  /** The highest number of deliveries of one of these messages. */
  readonly deliveries: number;
}

/** Describes a group. */
export function groupInfoOf(group: StreamGroup): GroupInfo {
  const { name, filter, isExclusive, floor, next, size: pending } = group;
  return {
    ...{ name, filter, isExclusive, floor, next, pending },
    members: group.distributor?.members ?? [],
  };
}

/** Lists the unacknowledged messages of each member of a group, in the order of the sequences. */
export function pendingInfoOf(group: StreamGroup): PendingInfo[] {
  const byMember = new Map<string | null, PendingInfo>();
  for (const { seq, deliveries, deliveredMs, holder } of group.pending()) {
    const member = holder?.clientId ?? null;
    const known = byMember.get(member);
    byMember.set(member, {
      member,
      messages: (known?.messages ?? 0) + 1,
      oldest: known?.oldest ?? seq,
      oldestMs: known?.oldestMs ?? deliveredMs,
      deliveries: Math.max(known?.deliveries ?? 0, deliveries),
    });
  }
  return [...byMember.values()];
}
