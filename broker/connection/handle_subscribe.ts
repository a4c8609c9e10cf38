/** Handles SUBSCRIBE: checks, permissions, subscriptions, and SUBACK. */
import {
  MalformedPacketError,
  packetSize,
  ProtocolError,
  type QoS,
  ReasonCode,
  type SubscribePacket,
  type SubscriptionRequest,
} from "../../codec/mod.ts";
import { Subscription, subscriptionOptions } from "../../router/subscription.ts";
import {
  hasWildcard,
  isEmptyFilter,
  parseSharedFilter,
  topicFilterFault,
} from "../../router/topic.ts";
import { retainedVariant } from "../../router/variant.ts";
import type { ClientAccess } from "../session/client_access.ts";
import { addReplay, prepareReplays, replayProperties } from "./handle_replay.ts";
import { planReplays, type ReplayPlans } from "./plan_replays.ts";
import {
  type AnswerElsewhere,
  joinedCodes,
  propertiesElsewhere,
  subscribeElsewhere,
} from "./subscribe_elsewhere.ts";
import { replyAfter } from "./responses.ts";
import type { ClientConnection } from "./client_connection.ts";
import { type MatchFault, matchFault, subscribeCharged } from "../session/match_share.ts";
import { endSubscription, maySubscribe } from "../session/subscriptions.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { RetainedDeliveryQueue } from "../delivery/retained_delivery_queue.ts";
import { RetainedDelivery } from "../delivery/retained_delivery.ts";
import { isBeyondLimits } from "../limits/topic_limits.ts";

/** The memory of a subscription without its filter, in bytes. */
const SUBSCRIBE_BYTES = 512;
/** The cost of adding or removing a filter, in units of the turn budget. */
const UNITS_PER_FILTER = 4;
/**
 * The cost of asking an authorizer. Its time is unknown, so this makes the turn budget read the
 * clock.
 */
const UNITS_PER_QUESTION = 64;

/** A subscription that is to get the retained messages that there are. */
type RetainedWish = Pick<RetainedDelivery, "filter" | "variant" | "noLocal">;

/** Handles a SUBSCRIBE (§3.8). One SUBACK has a code for each filter [MQTT-3.8.4-6]. */
export function subscribe(
  connection: ClientConnection,
  packet: SubscribePacket,
): PromiseLike<void> | null {
  const { policy } = connection;
  if (identifierOf(packet) !== 0 && !policy.subscriptionIdentifiersAvailable) {
    throw new ProtocolError(
      "Subscription identifier",
      0,
      "§3.2.2.3.12",
      ReasonCode.SubscriptionIdentifiersNotSupported,
    );
  }
  const isPassedOn = subscribeElsewhere(
    connection,
    packet,
    (rest, elsewhere) => subscribeHere(connection, rest, elsewhere),
  );
  return isPassedOn ? null : subscribeHere(connection, packet, null);
}

/** Subscribes to what is on this node. */
function subscribeHere(
  connection: ClientConnection,
  packet: SubscribePacket,
  elsewhere: AnswerElsewhere | null,
): PromiseLike<void> | null {
  const { access } = connection.session!;
  const plans = elsewhere === null ? planReplays(connection, packet) : null;
  mountAll(connection, packet);
  const refused: number[] = [];
  const check = (request: SubscriptionRequest, i: number) => {
    refused.push(plans?.[i]?.code || faultOf(connection, request));
  };
  return then(eachInTurns(connection, packet.subscriptions, check), () => {
    if (access === null && plans === null) {
      return answer(connection, packet, refused, plans, elsewhere);
    }
    const decide = async () => {
      const codes = access === null ? refused : await ask(connection, access, packet, refused);
      if (plans === null) return codes;
      return await prepareReplays(connection, access, packet, plans, codes);
    };
    const answerTo = (codes: number[]) => answer(connection, packet, codes, plans, elsewhere);
    return decide().then((codes) => answerTo(codes) ?? undefined);
  });
}

/** The Subscription Identifier; 0 for none. */
function identifierOf({ properties }: SubscribePacket): number {
  return properties.subscriptionIdentifiers?.[0] ?? 0;
}

/** Calls a function after a wait, or at once if there is none. */
export function then(
  wait: PromiseLike<void> | null,
  next: () => PromiseLike<void> | null,
): PromiseLike<void> | null {
  return wait === null ? next() : wait.then(() => next() ?? undefined);
}

/**
 * Asks the authorizer about each filter without a fault, one after the other, because a packet may
 * have very many.
 */
async function ask(
  connection: ClientConnection,
  access: ClientAccess,
  { subscriptions }: SubscribePacket,
  refused: readonly number[],
): Promise<number[]> {
  const { turns } = connection.context;
  const codes: number[] = [];
  for (const [i, { filter, qos }] of subscriptions.entries()) {
    if (refused[i] !== 0) {
      codes.push(refused[i]!);
      continue;
    }
    const may = maySubscribe(access, filter, qos);
    // A boolean is used at once, without a promise.
    const isAllowed = typeof may === "boolean" ? may : await may;
    if (!connection.isOpen) break;
    codes.push(isAllowed ? 0 : ReasonCode.NotAuthorized);
    if (turns.spend(UNITS_PER_QUESTION)) await turns.next();
    if (!connection.isOpen) break;
  }
  return codes;
}

/** Adds the mount point to each valid filter. Invalid filters are refused unchanged. */
function mountAll({ policy }: ClientConnection, packet: SubscribePacket): void {
  const { mount } = policy;
  if (mount === null) return;
  packet.subscriptions = packet.subscriptions.map((request) =>
    topicFilterFault(request.filter) === null
      ? { ...request, filter: mount.filter(request.filter) }
      : request
  );
}

/**
 * The code for an invalid filter.
 *
 * @throws {PacketError} If it is empty, or in 3.x, where it violates the protocol [MQTT-4.7.1-2].
 */
export function invalidFilter({ version }: ClientConnection, filter: string): number {
  if (isEmptyFilter(filter)) {
    throw new MalformedPacketError(`Topic filter is empty: "${filter}"`, 2, "MQTT-4.7.3-1");
  }
  if (version === 5) return ReasonCode.TopicFilterInvalid;
  throw new ProtocolError(`Topic filter is invalid: ${filter}`, 2, "MQTT-4.7.1-1");
}

/** The reason code with which a subscription is refused; 0 if it is not. */
function faultOf(connection: ClientConnection, { filter }: SubscriptionRequest): number {
  const { context, policy } = connection;
  if (topicFilterFault(filter) !== null || isBeyondLimits(filter, context.limits)) {
    return invalidFilter(connection, filter);
  }
  const shared = parseSharedFilter(filter);
  if (shared !== null && !policy.sharedSubscriptionAvailable) {
    return ReasonCode.SharedSubscriptionsNotSupported;
  }
  if (hasWildcard(shared?.filter ?? filter) && !policy.wildcardSubscriptionAvailable) {
    return ReasonCode.WildcardSubscriptionsNotSupported;
  }
  return 0;
}

/** Adds the subscriptions, in as many turns as it takes, and sends SUBACK. */
function answer(
  connection: ClientConnection,
  packet: SubscribePacket,
  refused: readonly number[],
  plans: ReplayPlans | null,
  elsewhere: AnswerElsewhere | null,
): PromiseLike<void> | null {
  if (!connection.isOpen) return null;
  const identifier = identifierOf(packet);
  const { version, host } = connection;
  const wishes: RetainedWish[] = [];
  const reasonCodes: number[] = [];
  let costly: MatchFault | null = null;
  const step = (request: SubscriptionRequest, i: number) => {
    let code = refused[i]!;
    const plan = plans?.[i] ?? null;
    const fault = code === 0 && plan === null ? matchFaultOf(connection, request.filter) : null;
    if (fault !== null) {
      costly = fault;
      code = ReasonCode.QuotaExceeded;
    }
    if (code === 0 && plan !== null) {
      // A subscription replaces one with the same filter [MQTT-3.8.4-3].
      const { key } = plan.request!;
      const session = connection.session!;
      if (session.subscriptions.has(key)) endSubscription(host, session, key);
      code = addReplay(connection, plan, request, identifier);
    } else if (code === 0) code = add(connection, request, identifier, wishes);
    // 3.1.1 has one code for every failure [MQTT-3.9.3-2].
    reasonCodes.push(code >= 0x80 && version < 5 ? 0x80 : code);
  };
  const added = eachInTurns(connection, packet.subscriptions, step);
  return then(then(added, () => host.nodes?.whenTold(wishes.length > 0) ?? null), () => {
    const session = connection.session!;
    if (!connection.isOpen) return null;
    // Before SUBACK is promised: they are stored with the subscriptions.
    const hasRetained = feed(connection, wishes);
    // A group is stored even if the session of its first member is not.
    const commit = session.durableAfter() ?? (plans === null ? null : host.streams.latest);
    const { packetId } = packet;
    const codes = elsewhere === null ? reasonCodes : joinedCodes(reasonCodes, elsewhere);
    const properties = costly !== null
      ? costlyProperties(connection, packet, codes, costly)
      : plans !== null
      ? replayProperties(connection, packetId, codes, plans)
      : elsewhere !== null
      ? propertiesElsewhere(connection, packetId, codes, elsewhere)
      : {};
    replyAfter(connection, commit, { type: "suback", packetId, reasonCodes: codes, properties });
    if (hasRetained) connection.outbox.hurry();
    return null;
  });
}

/**
 * Has retained messages sent to new subscriptions. They are looked up now, so that those of other
 * nodes are among them that were published before the subscription was known there.
 *
 * @returns Whether there may be any.
 */
function feed({ host, session }: ClientConnection, wishes: readonly RetainedWish[]): boolean {
  if (host.retained.size === 0 || session!.hasEnded) return false;
  let hasAny = false;
  for (const { filter, variant, noLocal } of wishes) {
    const walk = host.retained.match(filter);
    if (walk.done) continue;
    session!.feeds ??= new RetainedDeliveryQueue();
    session!.feeds.push(new RetainedDelivery(filter, walk, variant, noLocal));
    hasAny = true;
  }
  if (hasAny) session!.queue.markChanged();
  return hasAny;
}

/**
 * Calls a function for each item, in as many turns as it takes. It stops if the connection or the
 * session has ended.
 *
 * @returns Resolves when all is done; `null` if it is already done.
 */
export function eachInTurns<T>(
  connection: ClientConnection,
  items: readonly T[],
  each: (item: T, index: number) => void,
): PromiseLike<void> | null {
  const { session } = connection;
  let i = 0;
  return connection.context.turns.inTurns(() => {
    if (i === items.length || !connection.isOpen || session!.hasEnded) return 0;
    each(items[i]!, i++);
    return UNITS_PER_FILTER;
  });
}

/** The fault of a filter that makes matching too costly; `null` for none. A fault is counted. */
function matchFaultOf(connection: ClientConnection, filter: string): MatchFault | null {
  const { context, host, session } = connection;
  const fault = matchFault(host.router, session!, filter, context.limits.matchStepsMax);
  if (fault !== null) connection.reportLimit("match-steps");
  return fault;
}

/**
 * The properties of a SUBACK about filters that cost too much, if the client takes them and they
 * fit.
 */
function costlyProperties(
  connection: ClientConnection,
  { packetId }: SubscribePacket,
  codes: number[],
  fault: MatchFault,
) {
  const { version, wantsReasons, wire, context } = connection;
  const properties = {
    reasonString: "Too many filters with wildcards that one topic can match: finding them would " +
      (fault === "all"
        ? `take more than ${context.limits.matchStepsMax} steps`
        : "take more steps than one client has a share of"),
  };
  const suback = { type: "suback", packetId, reasonCodes: codes, properties } as const;
  const isTold = version === 5 && wantsReasons && packetSize(suback, 5) <= wire.packetBytesMax;
  return isTold ? properties : {};
}

/** Adds one subscription, and sends its retained messages as its options say [MQTT-3.3.1-9]. */
function add(
  connection: ClientConnection,
  request: SubscriptionRequest,
  identifier: number,
  wishes: RetainedWish[],
): number {
  const { context, host } = connection;
  const session = connection.session!;
  const { subscriptions } = session;
  const { filter, qos: asked, noLocal, retainAsPublished, retainHandling } = request;
  if (subscriptions.size >= context.limits.subscriptionsMax && !subscriptions.has(filter)) {
    connection.reportLimit("subscriptions");
    return ReasonCode.QuotaExceeded;
  }
  const isRoom = subscriptions.has(filter) ||
    host.memory.admits("table", SUBSCRIBE_BYTES + 4 * filter.length, session.clientId);
  if (!isRoom) return ReasonCode.QuotaExceeded;
  const isShared = parseSharedFilter(filter) !== null;
  // The granted QoS may be lower than the requested one [MQTT-3.8.4-7].
  const qos = Math.min(asked, connection.policy.maximumQoS) as QoS;
  // A bridge of 3.x needs No Local and Retain As Published, but cannot ask for them.
  const { isBridge } = connection;
  const options = {
    qos,
    noLocal: noLocal || (isBridge && !isShared),
    retainAsPublished: retainAsPublished || isBridge,
    retainHandling,
    identifier,
  };
  const subscription = new Subscription<Receiver>(session, filter, subscriptionOptions(options));
  session.replays?.remove(filter);
  const isNew = subscribeCharged(host.router, session, subscription);
  session.queue.markSubscriptionChanged(filter);
  const isWanted = retainHandling === 0 || (retainHandling === 1 && isNew);
  if (isWanted && !isShared) {
    wishes.push({ filter, variant: retainedVariant(subscription), noLocal: options.noLocal });
  }
  return qos;
}
