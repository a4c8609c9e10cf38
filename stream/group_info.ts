/** What a program learns of the groups of a stream. */
import type { StreamGroup } from "./stream_group.ts";

/** A group that reads a stream together. */
export interface GroupInfo {
  /** Its name; below the mount point of its members, if they have one. */
  readonly name: string;
  /** What the topics of its messages match. */
  readonly filter: string;
  /** Whether one member at a time gets messages. */
  readonly isExclusive: boolean;
  /** Everything in front of this sequence is acknowledged. */
  readonly floor: number;
  /** The first sequence that no member was given yet. */
  readonly next: number;
  /** How many messages were given to members, or are to be given again, and are not acknowledged. */
  readonly pending: number;
  /** The client identifiers of its members, connected or not. */
  readonly members: readonly string[];
}

/** What one member of a group has not acknowledged. */
export interface PendingInfo {
  /** Its client identifier; `null` for what waits for a member. */
  readonly member: string | null;
  /** How many messages. */
  readonly messages: number;
  /** The lowest sequence. */
  readonly oldest: number;
  /** When a member was given that message last, in milliseconds since 1970; 0 for not since the start. */
  readonly oldestMs: number;
  /** How often the message that was given most often was given to members. */
  readonly deliveries: number;
}

/** Tells about a group. */
export function groupInfoOf(group: StreamGroup): GroupInfo {
  const { name, filter, isExclusive, floor, next, size: pending } = group;
  return {
    ...{ name, filter, isExclusive, floor, next, pending },
    members: group.distributor?.members ?? [],
  };
}

/** Tells what each member of a group has not acknowledged, in the order of the sequences. */
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
