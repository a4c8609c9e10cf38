/** Handles the filters of SUBSCRIBE that read a stream. */
import {
  packetSize,
  type QoS,
  ReasonCode,
  type SubscribePacket,
  type SubscriptionRequest,
  type UserProperty,
} from "../../codec/mod.ts";
import { parseSharedFilter, topicFilterFault } from "../../router/topic.ts";
import { parsePosition, type Position, POSITIONS } from "../../stream/position.ts";
import { cursorAt, TooManyTopicsError } from "../../stream/resolve_position.ts";
import type { LimitReason } from "../base/stats.ts";
import type { ClientAccess } from "../session/client_access.ts";
import type { DeclaredStream } from "../stream/broker_streams.ts";
import { covers, isExcludedFilter, type StreamDeclaration } from "../stream/stream_options.ts";
import type { ClientConnection } from "./client_connection.ts";
import { groupFault, groupNameOf, joinGroup, knownGroup } from "./handle_group.ts";
import { maySubscribe } from "../session/subscriptions.ts";
import { refusal, type ReplayPlan, wrongCode } from "./replay_plan.ts";

/** The prefix with which a client of any version subscribes to a stream. */
const REPLAY_PREFIX = "$replay/";
const HOW = "use $replay/STREAM/POSITION/FILTER";
/** The highest QoS of a subscription that reads a stream. */
const QOS_MAX = 1;

/** The plan for each filter of a SUBSCRIBE; `null` for a filter that reads no stream. */
export type ReplayPlans = readonly (ReplayPlan | null)[];

/**
 * Finds the filters of a SUBSCRIBE that read a stream: those with the prefix `$replay/` in any
 * version, and in 5.0 all filters of a packet with the user property `stream-offset` or
 * `stream-name`. In the packet `$replay/…` is replaced by the filter of the topics.
 *
 * @returns `null` if none does.
 */
export function planReplays(
  connection: ClientConnection,
  packet: SubscribePacket,
): ReplayPlans | null {
  const user = packet.properties.userProperties ?? [];
  const offset = propertyOf(user, "stream-offset");
  const name = propertyOf(user, "stream-name");
  const isAsked = offset !== undefined || name !== undefined;
  const isReplayFilter = ({ filter }: SubscriptionRequest) =>
    filter.includes(REPLAY_PREFIX) && partsOf(filter)[1].startsWith(REPLAY_PREFIX);
  if (!isAsked && !packet.subscriptions.some(isReplayFilter)) return null;
  const exclusive = propertyOf(user, "group-exclusive");
  const plans = packet.subscriptions.map((request) => {
    const isByFilter = isReplayFilter(request);
    if (!isByFilter && !isAsked) return null;
    const [share, filter] = partsOf(request.filter);
    const plan = isByFilter
      ? planByFilter(connection, request.filter, filter)
      : planByProperty(connection, request.filter, filter, offset ?? "latest", name);
    return share === "" || plan.code !== 0
      ? plan
      : withGroup(connection, plan, share.split("/")[1]!, exclusive);
  });
  packet.subscriptions = packet.subscriptions.map((request, i) => {
    const inner = plans[i]?.request;
    if (!inner || inner.prefix === "") return request;
    return { ...request, filter: partsOf(request.filter)[0] + inner.filter };
  });
  return plans;
}

/** Splits `$share/…/` from the rest of a filter. */
function partsOf(filter: string): [share: string, filter: string] {
  const shared = parseSharedFilter(filter);
  return shared === null ? ["", filter] : [`$share/${shared.group}/`, shared.filter];
}

/** Plans a member of a group with the name `shown`. */
function withGroup(
  connection: ClientConnection,
  plan: ReplayPlan,
  shown: string,
  exclusive: string | undefined,
): ReplayPlan {
  if (exclusive !== undefined && exclusive !== "true" && exclusive !== "false") {
    return refusal(wrongCode(plan), "group-exclusive is true or false");
  }
  const isDeclared = plan.stream!.declaration.exclusiveGroups.includes(shown);
  const isExclusive = exclusive === undefined ? isDeclared || null : exclusive === "true";
  return { ...plan, group: { name: groupNameOf(connection, shown), isExclusive } };
}

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
  const qos = Math.min(asked, policy.maximumQoS, QOS_MAX) as QoS;
  if (plan.group !== null) {
    const fault = joinGroup(connection, plan, { qos, identifier });
    if (fault === null) return qos;
    plan.text = fault.text;
    return plan.code = fault.code;
  }
  const options = { qos, identifier, noLocal: noLocal || connection.isBridge };
  // Without a cursor it continues at its position, with the new options [MQTT-3.8.4-3].
  if (plan.cursor === null) replays.change(key, options);
  else replays.add(plan.request!, options, plan.stream!, plan.cursor);
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
    if (plan.code === 0) userProperties.push(...told(connection, plan));
    else reasonString ||= plan.text;
  }
  const properties = {
    ...(reasonString === "" ? {} : { reasonString }),
    ...(userProperties.length === 0 ? {} : { userProperties }),
  };
  const suback = { type: "suback", packetId, reasonCodes: codes, properties } as const;
  return packetSize(suback, 5) <= connection.wire.packetBytesMax ? properties : {};
}

function told(connection: ClientConnection, plan: ReplayPlan): UserProperty[] {
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

function planByFilter(connection: ClientConnection, key: string, filter: string): ReplayPlan {
  const wrong = (text: string) => refusal(ReasonCode.TopicFilterInvalid, text);
  const [, name = "", text = "", ...levels] = filter.split("/");
  const inner = levels.join("/");
  if (text === "" || inner === "" || topicFilterFault(inner) !== null) return wrong(HOW);
  const stream = connection.host.streams.get(name);
  if (stream === undefined) return wrong(unknown(connection, name));
  return planOf(connection, stream, text, inner, {
    key,
    prefix: `${REPLAY_PREFIX}${name}/${text}/`,
    code: ReasonCode.TopicFilterInvalid,
  });
}

function planByProperty(
  connection: ClientConnection,
  asked: string,
  filter: string,
  offset: string,
  name: string | undefined,
): ReplayPlan {
  const wrong = (text: string) => refusal(ReasonCode.ImplementationSpecificError, text);
  const { streams } = connection.host;
  const known = connection.policy.mount?.filter(filter) ?? filter;
  if (name !== undefined && streams.get(name) === undefined) {
    return wrong(unknown(connection, name));
  }
  const covering = streams.declared.filter(({ declaration }) =>
    (name === undefined || declaration.name === name) &&
    hasAll(declaration, known, name !== undefined) &&
    !isExcludedFilter(declaration, known)
  );
  const [stream] = covering;
  if (stream === undefined) {
    return wrong(
      `No stream ${name === undefined ? "" : `"${name}" `}has all topics of "${filter}"`,
    );
  }
  if (covering.length > 1) {
    const names = covering.map(({ declaration }) => declaration.name).join(", ");
    return wrong(`Several streams have them: choose one with stream-name: ${names}`);
  }
  const code = ReasonCode.ImplementationSpecificError;
  const key = connection.policy.mount?.filter(asked) ?? asked;
  return planOf(connection, stream, offset, filter, { key, prefix: "", code });
}

/** Whether a stream has all topics of a filter; one without declared topics if it is named. */
function hasAll({ filters }: StreamDeclaration, filter: string, isNamed: boolean): boolean {
  return filters.some((wide) => covers(wide, filter)) || (isNamed && filters.length === 0);
}

function planOf(
  connection: ClientConnection,
  stream: DeclaredStream,
  text: string,
  filter: string,
  target: { key: string; prefix: string; code: number },
): ReplayPlan {
  const { mount } = connection.policy;
  const { key, prefix, code } = target;
  const isResumed = text === "resume" || text.startsWith("resume,");
  let position: Position;
  try {
    const wanted = isResumed ? text.slice("resume,".length) || "latest" : text;
    position = parsePosition(wanted, connection.context.settings.wallClock());
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return refusal(code, error.message.replace(POSITIONS, `${POSITIONS}, or resume`));
  }
  const request = {
    key,
    stream: stream.declaration.name,
    position: text,
    filter,
    prefix,
    mountBytes: mount?.bytes.length ?? 0,
  };
  return { code: 0, text: "", stream, request, position, group: null, isResumed, cursor: null };
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

function unknown({ host }: ClientConnection, name: string): string {
  const names = host.streams.declared.map(({ declaration }) => declaration.name).join(", ");
  return `There is no stream "${name.slice(0, 64)}"; there ${
    names === "" ? "is none" : `are: ${names}`
  }`;
}

function propertyOf(user: readonly UserProperty[], name: string): string | undefined {
  return user.find(([key]) => key === name)?.[1];
}
