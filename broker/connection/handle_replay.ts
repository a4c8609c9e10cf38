/** Makes the subscriptions that read a stream: checks, adds and reports them. */
import {
  packetSize,
  type QoS,
  ReasonCode,
  type SubscribePacket,
  type SubscriptionRequest,
  type UserProperty,
} from "../../codec/mod.ts";
import { cursorAt, TooManyTopicsError } from "../../stream/resolve_position.ts";
import type { LimitReason } from "../base/stats.ts";
import type { ClientAccess } from "../session/client_access.ts";
import type { ClientConnection } from "./client_connection.ts";
import { groupFault, joinGroup, knownGroup } from "./handle_group.ts";
import { maySubscribe } from "../session/subscriptions.ts";
import { partsOf, REPLAY_PREFIX, type ReplayPlans } from "./plan_replays.ts";
import { type ReplayPlan, wrongCode } from "./replay_plan.ts";

/**
 * The highest QoS of a member of a group. QoS 2 would promise that a message comes once, but the
 * message of a member that is lost goes to another one [MQTT-4.8.2-5].
 */
const GROUP_QOS_MAX = 1;

/**
 * Asks whether the client may read the streams, and finds where each subscription begins.
 *
 * @param codes The code of each filter so far.
 * @returns The codes, with those of this step.
 */
export async function prepareReplays(
  connection: ClientConnection,
  access: ClientAccess | null,
  { subscriptions }: SubscribePacket,
  plans: ReplayPlans,
  codes: readonly number[],
): Promise<number[]> {
  const prepared = [...codes];
  for (const [i, plan] of plans.entries()) {
    if (plan === null) continue;
    if (plan.code === 0 && prepared[i] === 0) {
      const { filter, qos } = subscriptions[i]!;
      if (access !== null && !await mayRead(access, plan.request!.stream, filter, qos)) {
        plan.code = ReasonCode.NotAuthorized;
      } else await findStart(connection, plan, subscriptions[i]!);
    }
    if (plan.code !== 0) prepared[i] = plan.code;
    if (!connection.isOpen) break;
  }
  return prepared;
}

/** Whether a client may read a stream: a permission of its own, which `#` does not include. */
export async function mayRead(
  access: ClientAccess,
  stream: string,
  filter: string,
  qos: QoS,
): Promise<boolean> {
  const [share, topics] = partsOf(filter);
  return await maySubscribe(access, `${share}${REPLAY_PREFIX}${stream}/${topics}`, qos);
}

/** Adds the subscription. Returns the QoS that is granted, or the code of a refusal. */
export function addReplay(
  connection: ClientConnection,
  plan: ReplayPlan,
  { qos: asked, noLocal }: SubscriptionRequest,
  identifier: number,
): number {
  const { host, context, policy } = connection;
  const replays = host.replaysOf(connection.session!);
  const { key } = plan.request!;
  const isNew = replays.get(key) === undefined && replays.memberships.get(key) === undefined;
  const { replaysMax, replaysTotalMax } = context.limits;
  if (isNew && replays.size >= replaysMax) {
    return tooMany(
      connection,
      plan,
      "replays",
      `A session reads at most ${replaysMax} streams at once`,
    );
  }
  if (isNew && plan.group === null && host.streams.replays >= replaysTotalMax) {
    const text = `${replaysTotalMax} subscriptions read streams already: come again later`;
    return tooMany(connection, plan, "replays-total", text);
  }
  const qosMax = plan.group === null ? policy.maximumQoS : GROUP_QOS_MAX;
  const qos = Math.min(asked, policy.maximumQoS, qosMax) as QoS;
  if (plan.group !== null) {
    const fault = joinGroup(connection, plan, { qos, identifier });
    if (fault === null) {
      plan.told = startOf(connection, plan);
      return qos;
    }
    plan.text = fault.text;
    return plan.code = fault.code;
  }
  const options = { qos, identifier, noLocal: noLocal || connection.isBridge };
  // Without a cursor it continues at its position, with the new options [MQTT-3.8.4-3].
  if (plan.cursor === null) replays.change(key, options);
  else replays.add(plan.request!, options, plan.stream!, plan.cursor);
  // Messages may be sent before SUBACK.
  plan.told = startOf(connection, plan);
  connection.outbox.hurry();
  return qos;
}

/** Refuses a subscription beyond a limit. Returns the code. */
function tooMany(
  connection: ClientConnection,
  plan: ReplayPlan,
  reason: LimitReason,
  text: string,
): number {
  connection.reportLimit(reason);
  plan.text = text;
  return plan.code = ReasonCode.QuotaExceeded;
}

/** The properties of a SUBACK of 5.0 about streams, if the client takes them and they fit. */
export function replayProperties(
  connection: ClientConnection,
  packetId: number,
  codes: number[],
  plans: ReplayPlans,
): { reasonString?: string; userProperties?: UserProperty[] } {
  if (connection.version < 5 || !connection.wantsReasons) return {};
  const userProperties: UserProperty[] = [];
  let reasonString = "";
  for (const plan of plans) {
    if (plan === null) continue;
    if (plan.code === 0) userProperties.push(...plan.told);
    else reasonString ||= plan.text;
  }
  const properties = {
    ...(reasonString === "" ? {} : { reasonString }),
    ...(userProperties.length === 0 ? {} : { userProperties }),
  };
  const suback = { type: "suback", packetId, reasonCodes: codes, properties } as const;
  return packetSize(suback, 5) <= connection.wire.packetBytesMax ? properties : {};
}

/** The ends of the stream, the start of a subscription that was added, and what is gone. */
function startOf(connection: ClientConnection, plan: ReplayPlan): UserProperty[] {
  const { first, last } = plan.stream!.log;
  const replays = connection.host.replaysOf(connection.session!);
  const at = plan.group === null
    ? replays.get(plan.request!.key)?.resumeAt || first
    : knownGroup(plan)?.floor ?? first;
  const properties: UserProperty[] = [
    ["stream-first", `${first}`],
    ["stream-last", `${last}`],
    ["stream-start", `${Math.max(at, first)}`],
  ];
  if (at < first) properties.push(["stream-gap", `${at}..${first - 1}`]);
  return properties;
}

/** Finds the position at which a subscription begins. A resumed one gets no cursor. */
async function findStart(
  connection: ClientConnection,
  plan: ReplayPlan,
  { filter, retainHandling }: SubscriptionRequest,
): Promise<void> {
  const { context, host, session } = connection;
  const { log } = plan.stream!;
  const isKnown = host.replaysOf(session!).get(plan.request!.key) !== undefined;
  const isGroup = plan.group !== null;
  // The filter with the mount point.
  const topics = partsOf(filter)[1];
  plan.request = { ...plan.request!, filter: topics };
  const fault = isGroup ? groupFault(connection, plan, topics) : null;
  if (fault !== null) Object.assign(plan, fault);
  if (isGroup && (fault !== null || knownGroup(plan) !== undefined)) return;
  if (isKnown && (plan.isResumed || retainHandling > 0)) return;
  if (!host.replaysOf(session!).mayBegin()) {
    const { replaySubscribesPerSecondMax: rate, replaySubscribesBurst: burst } = context.limits;
    const text = `At most ${rate} replays in a second begin, ${burst} at once: come again later`;
    return void tooMany(connection, plan, "replay-rate", text);
  }
  const position = retainHandling === 2 && !isGroup ? { kind: "latest" } as const : plan.position!;
  try {
    plan.cursor = await cursorAt(log, position, {
      filter: topics,
      topicsMax: context.limits.replayTopicsMax,
      pause: () => context.turns.next(),
    });
  } catch (error) {
    if (error instanceof TooManyTopicsError) {
      tooMany(connection, plan, "replay-topics", error.message);
    } else if (error instanceof RangeError) {
      plan.code = wrongCode(plan);
    } else {
      context.reportError(error);
      plan.code = ReasonCode.UnspecifiedError;
    }
    plan.text = error instanceof Error ? error.message : String(error);
  }
}
