/** Plans the filters of SUBSCRIBE that read a stream, by what the packet says. */
import {
  ReasonCode,
  type SubscribePacket,
  type SubscriptionRequest,
  type UserProperty,
} from "../../codec/mod.ts";
import { parseSharedFilter, topicFilterFault } from "../../router/topic.ts";
import { parsePosition, type Position, POSITIONS } from "../../stream/position.ts";
import type { DeclaredStream } from "../stream/broker_streams.ts";
import { covers, isExcludedFilter, type StreamDeclaration } from "../stream/stream_options.ts";
import type { ClientConnection } from "./client_connection.ts";
import { groupNameOf } from "./handle_group.ts";
import { refusal, type ReplayPlan, wrongCode } from "./replay_plan.ts";

/** The prefix with which a client of any version subscribes to a stream. */
export const REPLAY_PREFIX = "$replay/";
const HOW = "use $replay/STREAM/POSITION/FILTER";

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
  const isStream = streamFiltersOf(packet);
  if (isStream === null) return null;
  const user = packet.properties.userProperties ?? [];
  const offset = propertyOf(user, "stream-offset");
  const name = propertyOf(user, "stream-name");
  const exclusive = propertyOf(user, "group-exclusive");
  const plans = packet.subscriptions.map((request, i) => {
    if (!isStream[i]) return null;
    const isByFilter = isReplayFilter(request);
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

/**
 * Which filters of a SUBSCRIBE read streams: those that say so, or all of them, if its properties
 * do. `null` for none.
 */
export function streamFiltersOf({ properties, subscriptions }: SubscribePacket): boolean[] | null {
  const user = properties.userProperties ?? [];
  const isAsked = user.some(([key]) => key === "stream-offset" || key === "stream-name");
  if (!isAsked && !subscriptions.some(isReplayFilter)) return null;
  return subscriptions.map((request) => isAsked || isReplayFilter(request));
}

function isReplayFilter({ filter }: SubscriptionRequest): boolean {
  return filter.includes(REPLAY_PREFIX) && partsOf(filter)[1].startsWith(REPLAY_PREFIX);
}

/** Splits `$share/…/` from the rest of a filter. */
export function partsOf(filter: string): [share: string, filter: string] {
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
  const wide = streams.declared.filter(({ declaration }) =>
    (name === undefined || declaration.name === name) &&
    hasAll(declaration, known, name !== undefined)
  );
  const covering = wide.filter(({ declaration }) => !isExcludedFilter(declaration, known));
  const [stream] = covering;
  if (stream === undefined && wide.length > 0) {
    const { name } = wide[0]!.declaration;
    return wrong(
      `Stream "${name}" leaves out some topics of "${filter}": ` +
        `use ${REPLAY_PREFIX}${name}/${offset}/${filter} for those that it has`,
    );
  }
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
  return {
    ...{ code: 0, text: "", told: [], stream, request, position },
    ...{ group: null, isResumed, cursor: null },
  };
}

function unknown({ host }: ClientConnection, name: string): string {
  const names = host.streams.declared.map(({ declaration }) => declaration.name).join(", ");
  return `There is no stream "${name.slice(0, 64)}"; there ${
    names === "" ? "is none" : `are: ${names}`
  }`;
}

/** The first user property of a name. */
export function propertyOf(user: readonly UserProperty[], name: string): string | undefined {
  return user.find(([key]) => key === name)?.[1];
}
