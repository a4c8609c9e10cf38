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
import type { StreamCursor } from "../../stream/stream_cursor.ts";
import type { ClientAccess } from "../session/client_access.ts";
import type { DeclaredStream } from "../stream/broker_streams.ts";
import { covers, isExcludedFilter } from "../stream/stream_options.ts";
import type { ReplayRequest } from "../stream/replay.ts";
import type { ClientConnection } from "./client_connection.ts";
import { mayKeep } from "./reauthorization.ts";

/** Below this a client of any version subscribes to a stream. */
const DOOR = "$replay/";
const HOW = "use $replay/STREAM/POSITION/FILTER";
const GROUPS = "Streams are not read by groups yet: subscribe without $share";
/** The highest QoS of a subscription that reads a stream. */
const QOS_MAX = 1;

/** What is planned for one filter of a SUBSCRIBE that reads a stream, or why it is refused. */
export interface ReplayPlan {
  /** The reason code of the refusal; 0 for none. */
  code: number;
  /** What would be right. */
  text: string;
  readonly stream: DeclaredStream | null;
  request: ReplayRequest | null;
  readonly position: Position | null;
  /** Whether it goes on where the session has left it, if it has. */
  readonly isResumed: boolean;
  /** Where it begins; `null` until that was found, and where it goes on. */
  cursor: StreamCursor | null;
}

/** For each filter of a SUBSCRIBE what is planned; `null` for an ordinary one. */
export type ReplayPlans = readonly (ReplayPlan | null)[];

/**
 * Finds out which filters of a SUBSCRIBE read a stream: those with `$replay/` in front in any
 * version, and in 5.0 all of a packet with the user property `stream-offset` or `stream-name`. In
 * the packet the filter of the topics takes the place of `$replay/…`.
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
  const isAtDoor = ({ filter }: SubscriptionRequest) =>
    (parseSharedFilter(filter)?.filter ?? filter).startsWith(DOOR);
  if (!isAsked && !packet.subscriptions.some(isAtDoor)) return null;
  const plans = packet.subscriptions.map((request) => {
    if (parseSharedFilter(request.filter) !== null && (isAsked || isAtDoor(request))) {
      return refusal(ReasonCode.SharedSubscriptionsNotSupported, GROUPS);
    }
    if (isAtDoor(request)) return planAtDoor(connection, request.filter);
    return isAsked ? planByProperty(connection, request.filter, offset ?? "latest", name) : null;
  });
  packet.subscriptions = packet.subscriptions.map((request, i) => {
    const inner = plans[i]?.request;
    return inner && inner.prefix !== "" ? { ...request, filter: inner.filter } : request;
  });
  return plans;
}

/**
 * Asks whether the client may read the streams, and finds where each subscription begins.
 *
 * @param codes What holds for each filter by now.
 * @returns The same, with what has come of this.
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

/** Whether a client may read a stream: a right of its own, that nobody has by `#`. */
export async function mayRead(
  access: ClientAccess,
  stream: string,
  filter: string,
  qos: QoS,
): Promise<boolean> {
  return await mayKeep(access, `${DOOR}${stream}/${filter}`, qos);
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
  const isNew = replays.get(key) === undefined;
  if (isNew && replays.size >= context.limits.replaysMax) {
    connection.reportLimit("replays");
    plan.text = `A session reads at most ${context.limits.replaysMax} streams at once`;
    return plan.code = ReasonCode.QuotaExceeded;
  }
  const qos = Math.min(asked, policy.maximumQoS, QOS_MAX) as QoS;
  const options = { qos, identifier, noLocal: noLocal || connection.isBridge };
  // Without one it goes on with what it has.
  if (plan.cursor !== null) replays.add(plan.request!, options, plan.stream!, plan.cursor);
  connection.outbox.hurry();
  return qos;
}

/** What a SUBACK of 5.0 says of the streams, as far as the client wants to know, and it fits. */
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

function told(connection: ClientConnection, { stream, request }: ReplayPlan): UserProperty[] {
  const { first, last } = stream!.log;
  const at = connection.host.replaysOf(connection.session!).get(request!.key)?.resumeAt || first;
  const properties: UserProperty[] = [
    ["stream-first", `${first}`],
    ["stream-last", `${last}`],
    ["stream-start", `${Math.max(at, first)}`],
  ];
  if (at < first) properties.push(["stream-gap", `${at}..${first - 1}`]);
  return properties;
}

function planAtDoor(connection: ClientConnection, filter: string): ReplayPlan {
  const wrong = (text: string) => refusal(ReasonCode.TopicFilterInvalid, text);
  const [, name = "", text = "", ...levels] = filter.split("/");
  const inner = levels.join("/");
  if (text === "" || inner === "" || topicFilterFault(inner) !== null) return wrong(HOW);
  const stream = connection.host.streams.get(name);
  if (stream === undefined) return wrong(unknown(connection, name));
  return planOf(connection, stream, text, inner, {
    key: filter,
    prefix: `${DOOR}${name}/${text}/`,
    code: ReasonCode.TopicFilterInvalid,
  });
}

function planByProperty(
  connection: ClientConnection,
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
    declaration.filters.some((wide) => covers(wide, known)) &&
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
  return planOf(connection, stream, offset, filter, { key: known, prefix: "", code });
}

function planOf(
  connection: ClientConnection,
  stream: DeclaredStream,
  text: string,
  filter: string,
  door: { key: string; prefix: string; code: number },
): ReplayPlan {
  const { mount } = connection.policy;
  const { key, prefix, code } = door;
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
  return { code: 0, text: "", stream, request, position, isResumed, cursor: null };
}

/** Finds where a subscription begins. One that goes on gets no cursor. */
async function findStart(
  connection: ClientConnection,
  plan: ReplayPlan,
  { filter, retainHandling }: SubscriptionRequest,
): Promise<void> {
  const { context, host, session } = connection;
  const { log } = plan.stream!;
  const isKnown = host.replaysOf(session!).get(plan.request!.key) !== undefined;
  // The filter as the broker knows it, below the mount point.
  plan.request = { ...plan.request!, filter };
  if (isKnown && (plan.isResumed || retainHandling > 0)) return;
  const position = retainHandling === 2 ? { kind: "latest" } as const : plan.position!;
  try {
    plan.cursor = await cursorAt(log, position, {
      filter,
      topicsMax: context.limits.replayTopicsMax,
      pause: () => context.turns.next(),
    });
  } catch (error) {
    if (error instanceof TooManyTopicsError) {
      connection.reportLimit("replay-topics");
      plan.code = ReasonCode.QuotaExceeded;
    } else if (error instanceof RangeError) {
      const isAtDoor = plan.request!.prefix !== "";
      plan.code = isAtDoor ? ReasonCode.TopicFilterInvalid : ReasonCode.ImplementationSpecificError;
    } else {
      context.reportError(error);
      plan.code = ReasonCode.UnspecifiedError;
    }
    plan.text = error instanceof Error ? error.message : String(error);
  }
}

function refusal(code: number, text: string): ReplayPlan {
  return {
    ...{ code, text, stream: null, request: null, position: null },
    ...{ isResumed: false, cursor: null },
  };
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
