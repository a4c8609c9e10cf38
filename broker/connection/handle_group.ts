/** Checks and adds subscriptions that join a consumer group of a stream. */
import { type QoS, ReasonCode } from "../../codec/mod.ts";
import { PendingMessage, type StreamGroup } from "../../stream/stream_group.ts";
import type { ClientConnection } from "./client_connection.ts";
import { type ReplayPlan, wrongCode } from "./replay_plan.ts";

/** The memory of a group without its name and filter, in bytes. */
const GROUP_BYTES = 1024;

/**
 * The name of the group of `$share/…` with the mount point: clients of other mount points have
 * other groups.
 */
export function groupNameOf({ policy }: ClientConnection, shown: string): string {
  if (policy.mount === null) return shown;
  const { prefix } = policy.mount;
  return `${prefix}${prefix.endsWith("/") ? "" : "/"}${shown}`;
}

/** The group of a plan, if the stream has it. */
export function knownGroup({ stream, group }: ReplayPlan): StreamGroup | undefined {
  return stream!.log.groups.get(group!.name);
}

/**
 * Why a client cannot become a member of a group; `null` if it can.
 *
 * @param filter The filter of the topics, with the mount point.
 */
export function groupFault(
  connection: ClientConnection,
  plan: ReplayPlan,
  filter: string,
): { code: number; text: string } | null {
  const { limits } = connection.context;
  const { name } = plan.stream!.declaration;
  const { isExclusive } = plan.group!;
  const wrong = (text: string) => ({ code: wrongCode(plan), text });
  const known = knownGroup(plan);
  if (known === undefined) {
    const chosen = plan.cursor?.chosen?.length ?? 0;
    if (chosen > limits.groupPendingMax) {
      const text = `A group has at most ${limits.groupPendingMax} messages to begin with`;
      return { code: ReasonCode.QuotaExceeded, text };
    }
    if (plan.stream!.log.groups.size < limits.groupsMax) return null;
    connection.reportLimit("groups");
    const text = `Stream "${name}" has ${limits.groupsMax} groups already`;
    return { code: ReasonCode.QuotaExceeded, text };
  }
  if (known.filter !== filter) {
    return wrong(
      `This group of stream "${name}" reads "${known.filter}": use that filter, or another group`,
    );
  }
  if (isExclusive !== null && isExclusive !== known.isExclusive) {
    const is = known.isExclusive ? "is exclusive" : "is not exclusive";
    return wrong(`This group of stream "${name}" ${is}: say so, or use another group`);
  }
  return null;
}

/** Adds the subscription to its group. The first member creates the group. */
export function joinGroup(
  connection: ClientConnection,
  plan: ReplayPlan,
  { qos, identifier }: { qos: QoS; identifier: number },
): { code: number; text: string } | null {
  const { limits } = connection.context;
  const { log, declaration } = plan.stream!;
  const { filter, key } = plan.request!;
  const { memberships } = connection.host.replaysOf(connection.session!);
  // Other members may have been added while the position was searched.
  const fault = groupFault(connection, plan, filter);
  if (fault !== null) return fault;
  const known = knownGroup(plan);
  const members = known?.distributor?.members.length ?? 0;
  if (memberships.get(key) === undefined && members >= limits.groupMembersMax) {
    connection.reportLimit("group-members");
    const text = `This group of stream "${declaration.name}" has ` +
      `${limits.groupMembersMax} members already`;
    return { code: ReasonCode.QuotaExceeded, text };
  }
  const bytes = GROUP_BYTES + 4 * (plan.group!.name.length + filter.length);
  const isRoom = known !== undefined ||
    connection.host.memory.admits("table", bytes, connection.session!.clientId);
  if (!isRoom) {
    const text = "The broker has no memory left for another group";
    return { code: ReasonCode.QuotaExceeded, text };
  }
  const group = known ?? beginGroup(plan);
  if (group === null) {
    return { code: ReasonCode.UnspecifiedError, text: "The group was removed: try again" };
  }
  const { name, isExclusive } = group;
  const request = { ...plan.request!, qos, identifier, noLocal: false, group: name, isExclusive };
  memberships.add(request, group, log);
  return null;
}

function beginGroup({ stream, request, group, cursor }: ReplayPlan): StreamGroup | null {
  if (cursor === null) return null;
  const chosen = (cursor.chosen ?? []).toReversed();
  return stream!.log.groups.add({
    name: group!.name,
    filter: request!.filter,
    isExclusive: group!.isExclusive ?? false,
    next: cursor.following,
    pending: chosen.map((seq) => new PendingMessage(seq, 0)),
  });
}
