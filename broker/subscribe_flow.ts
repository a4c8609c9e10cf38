import {
  ProtocolError,
  type QoS,
  ReasonCode,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubscribePacket,
} from "../codec/mod.ts";
import { Subscription, subscriptionOptions } from "../router/subscription.ts";
import { hasWildcard, parseSharedFilter, topicFilterFault } from "../router/topic.ts";
import { retainedVariant } from "../router/variant.ts";
import type { Access } from "./access.ts";
import { replyAfter } from "./answers.ts";
import type { Connection } from "./connection.ts";
import { endSubscription, mayKeep } from "./reauthorization.ts";
import type { Receiver } from "./receiver.ts";
import { FeedQueue } from "./feed_queue.ts";
import { RetainedFeed } from "./retained_feed.ts";
import { isBeyondLimits } from "./topic_limits.ts";

/** What a subscription costs in memory at least, beside its filter, in bytes. */
const SUBSCRIBE_BYTES = 512;

/** Handles a SUBSCRIBE (§3.8): as many answers as filters, in one SUBACK [MQTT-3.8.4-6]. */
export function subscribe(
  connection: Connection,
  packet: SubscribePacket,
): PromiseLike<void> | null {
  const identifier = packet.properties.subscriptionIdentifiers?.[0] ?? 0;
  const { terms } = connection;
  if (identifier !== 0 && !terms.subscriptionIdentifiersAvailable) {
    throw new ProtocolError(
      "Subscription identifier",
      0,
      "§3.2.2.3.12",
      ReasonCode.SubscriptionIdentifiersNotSupported,
    );
  }
  const { access } = connection.session!;
  mountAll(connection, packet);
  const refused = packet.subscriptions.map((request) => faultOf(connection, request));
  if (access === null) {
    answer(connection, packet, identifier, refused);
    return null;
  }
  return ask(connection, access, packet, refused).then((codes) => {
    if (connection.isOpen) answer(connection, packet, identifier, codes);
  });
}

/** Asks about each filter that has no fault, one after the other: a packet may have very many. */
async function ask(
  connection: Connection,
  access: Access,
  { subscriptions }: SubscribePacket,
  refused: readonly number[],
): Promise<number[]> {
  const codes: number[] = [];
  for (const [i, { filter, qos }] of subscriptions.entries()) {
    if (refused[i] !== 0) {
      codes.push(refused[i]!);
      continue;
    }
    const may = mayKeep(access, filter, qos);
    // An answer that is there is not waited for.
    const isAllowed = typeof may === "boolean" ? may : await may;
    if (!connection.isOpen) break;
    codes.push(isAllowed ? 0 : ReasonCode.NotAuthorized);
  }
  return codes;
}

/** Puts the mount point before each filter that is valid; what is not is refused as it came. */
function mountAll({ terms }: Connection, packet: SubscribePacket): void {
  const { mount } = terms;
  if (mount === null) return;
  packet.subscriptions = packet.subscriptions.map((request) =>
    topicFilterFault(request.filter) === null
      ? { ...request, filter: mount.filter(request.filter) }
      : request
  );
}

/** Why a subscription is refused, as a reason code; 0 if it is not. */
function faultOf(connection: Connection, { filter }: SubscriptionRequest): number {
  const { core, terms } = connection;
  if (topicFilterFault(filter) !== null || isBeyondLimits(filter, core.limits)) {
    // In 3.x a filter that breaks the rules breaks the protocol [MQTT-4.7.1-2].
    if (connection.version < 5) {
      throw new ProtocolError(`Topic filter is invalid: ${filter}`, 2, "MQTT-4.7.1-1");
    }
    return ReasonCode.TopicFilterInvalid;
  }
  const shared = parseSharedFilter(filter);
  if (shared !== null && !terms.sharedSubscriptionAvailable) {
    return ReasonCode.SharedSubscriptionsNotSupported;
  }
  if (hasWildcard(shared?.filter ?? filter) && !terms.wildcardSubscriptionAvailable) {
    return ReasonCode.WildcardSubscriptionsNotSupported;
  }
  return 0;
}

function answer(
  connection: Connection,
  packet: SubscribePacket,
  identifier: number,
  refused: readonly number[],
): void {
  const { version } = connection;
  const feeds: RetainedFeed[] = [];
  const reasonCodes = packet.subscriptions.map((request, i) => {
    const code = refused[i] !== 0 ? refused[i]! : add(connection, request, identifier, feeds);
    // 3.1.1 has one code for every failure [MQTT-3.9.3-2].
    return code >= 0x80 && version < 5 ? 0x80 : code;
  });
  const session = connection.session!;
  const commit = session.isDurable ? connection.core.journal!.latest : null;
  const { packetId } = packet;
  replyAfter(connection, commit, { type: "suback", packetId, reasonCodes, properties: {} });
  if (feeds.length === 0 || session.hasEnded) return;
  session.feeds ??= new FeedQueue();
  for (const feed of feeds) session.feeds.push(feed);
  connection.outbox.hurry();
}

/** Adds one subscription; its retained messages are sent as its options say [MQTT-3.3.1-9]. */
function add(
  connection: Connection,
  request: SubscriptionRequest,
  identifier: number,
  feeds: RetainedFeed[],
): number {
  const { core } = connection;
  const session = connection.session!;
  const { subscriptions } = session;
  const { filter, qos: asked, noLocal, retainAsPublished, retainHandling } = request;
  if (subscriptions.size >= core.limits.subscriptionsMax && !subscriptions.has(filter)) {
    connection.limited("subscriptions");
    return ReasonCode.QuotaExceeded;
  }
  const isRoom = subscriptions.has(filter) ||
    core.mayGrow("table", SUBSCRIBE_BYTES + 4 * filter.length, session.clientId);
  if (!isRoom) return ReasonCode.QuotaExceeded;
  // What is granted may be less than what was asked for [MQTT-3.8.4-7].
  const qos = Math.min(asked, connection.terms.maximumQoS) as QoS;
  const options = { qos, noLocal, retainAsPublished, retainHandling, identifier };
  const subscription = new Subscription<Receiver>(session, filter, subscriptionOptions(options));
  const isNew = core.router.subscribe(subscription) === undefined;
  subscriptions.set(subscription);
  session.durable?.subscriptionChanged(filter);
  const isWanted = retainHandling === 0 || (retainHandling === 1 && isNew);
  if (isWanted && core.retained.size > 0 && parseSharedFilter(filter) === null) {
    const walk = core.retained.match(filter);
    feeds.push(new RetainedFeed(filter, walk, retainedVariant(subscription), noLocal));
  }
  return qos;
}

/** Handles an UNSUBSCRIBE (§3.10). */
export function unsubscribe(connection: Connection, packet: UnsubscribePacket): void {
  const session = connection.session!;
  const reasonCodes = packet.filters.map((filter) => {
    if (topicFilterFault(filter) !== null) {
      if (connection.version === 5) return ReasonCode.TopicFilterInvalid;
      throw new ProtocolError(`Topic filter is invalid: ${filter}`, 2, "MQTT-4.7.1-1");
    }
    const known = connection.terms.mount?.filter(filter) ?? filter;
    const existed = endSubscription(connection.core, session, known);
    return existed ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted;
  });
  const commit = session.isDurable ? connection.core.journal!.latest : null;
  const { packetId } = packet;
  replyAfter(connection, commit, { type: "unsuback", packetId, reasonCodes, properties: {} });
}
