/** Handles PUBLISH: checks it, asks whether the client may, and publishes it. */
import type { Receipt } from "../../log/receipt.ts";
import { PacketType, ProtocolError, PublishView, ReasonCode } from "../../codec/mod.ts";
import type { Route } from "../../router/route_cache.ts";
import { isOffLimits } from "../limits/reserved_topics.ts";
import { acknowledge, drop, refuse } from "./acknowledge_publish.ts";
import { ackAfter } from "./responses.ts";
import type { ClientConnection } from "./client_connection.ts";
import { Outcome } from "../delivery/delivery.ts";
import { checkAllowed } from "./publish_checks.ts";
import { routeOfPublish } from "./publish_route.ts";
import { messageOf } from "./publish_message.ts";
import { takeCommands } from "./control_topic.ts";
import { transformPublish } from "./transform_publish.ts";
import type { Transform } from "../base/transform.ts";
import { targetOf } from "../base/delayed_topic.ts";
import type { Message } from "../base/message.ts";
import type { Receiver } from "../delivery/subscriber.ts";

/**
 * Shared by all connections: a call fills it in and reads it, and does not keep it. The reader of
 * packets sees to it that no call begins within another.
 */
const view = new PublishView();

/** The filter of no group. */
const NO_GROUP = "";

/** Returned by {@linkcode handlePublish} if the packet has to be handled again in a later turn. */
export const LATER: PromiseLike<void> = Promise.resolve();

/**
 * Handles one PUBLISH packet whose body is `bytes[start, end)`.
 *
 * @param answer What the authorizer has answered about it; without it, the authorizer is asked.
 * @returns A promise to wait for before the next packet; `null` for none; {@linkcode LATER} if the
 * packet was not handled yet.
 */
export function handlePublish(
  connection: ClientConnection,
  first: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  answer?: boolean | Promise<boolean>,
): PromiseLike<void> | null {
  const { context, policy } = connection;
  view.tolerance = policy.leniency;
  view.isFromServer = policy.peer !== null;
  view.read(connection.version, first, bytes, start, end);
  const route = routeOfPublish(connection, view);
  // What has been asked about is not asked about again, so it cannot wait for another turn.
  const isAsked = answer !== undefined;
  if (!isAsked && !connection.host.publisher.prepare(route, view.qos)) return LATER;
  connection.counters.messagesReceived++;
  connection.counters.payloadBytesReceived += view.end - view.payloadStart;
  checkAllowed(connection, view, route);
  const { qos, packetId } = view;
  const session = connection.session!;
  if (qos === 2) {
    if (session.inbound.has(packetId)) {
      // A repetition: it is acknowledged again, and not delivered again [MQTT-4.3.3-10].
      const commit = session.durableAfter();
      ackAfter(connection, commit, PacketType.pubrec, packetId, ReasonCode.Success);
      return null;
    }
    if (connection.version === 5 && session.inbound.size >= policy.receiveMaximum) {
      // Leniency has a bound, too: there are only 65,535 packet identifiers.
      if (policy.leniency === null) throw tooMany(policy.receiveMaximum);
      policy.leniency.overlook("receive-maximum");
    }
  }
  const message = messageOf(view, route, connection);
  if (qos === 2 && !connection.host.memory.admitsId(session.inbound.size, session.clientId)) {
    return refuse(connection, message, packetId);
  }
  const isSpecial = route.isDollar;
  const topic = isSpecial ? targetOf(route.topic, context) : route.topic;
  if (topic === null) {
    return drop(connection, "delayed", message, packetId, ReasonCode.TopicNameInvalid);
  }
  if (isSpecial && policy.peer === null && isOffLimits(topic, connection)) {
    if (policy.control?.topic !== route.topic) {
      return settleIf(false, connection, route, message, packetId);
    }
    const settled = (code: number) =>
      code === ReasonCode.Success
        ? acknowledge(connection, message, packetId, code, null)
        : drop(connection, "not-authorized", message, packetId, code);
    return takeCommands(connection, policy.control, message, settled);
  }
  if (message.payloadBytes > policy.payloadBytesMax) {
    return drop(connection, "payload-too-large", message, packetId, ReasonCode.QuotaExceeded);
  }
  const { access } = session;
  if (access === null) return settle(connection, route, message, packetId);
  const { retain } = message;
  const allowed = answer ?? access.mayPublish({ topic, qos, retain, will: false });
  if (typeof allowed === "boolean") {
    return settleIf(allowed, connection, route, message, packetId);
  }
  // The promise also waits for a receipt that is returned here.
  return allowed.then((may) => settleIf(may, connection, route, message, packetId) ?? undefined);
}

function tooMany(receiveMaximum: number): ProtocolError {
  const text = `More than ${receiveMaximum} messages unacknowledged`;
  return new ProtocolError(text, 0, "MQTT-3.3.4-7", ReasonCode.ReceiveMaximumExceeded);
}

function settleIf(
  allowed: boolean,
  connection: ClientConnection,
  route: Route<Receiver>,
  message: Message,
  packetId: number,
): PromiseLike<void> | null {
  if (!connection.isOpen) return null;
  if (allowed) return settle(connection, route, message, packetId);
  return drop(connection, "not-authorized", message, packetId, ReasonCode.NotAuthorized);
}

/** Publishes a message, unless the program decides otherwise. */
function settle(
  connection: ClientConnection,
  route: Route<Receiver>,
  message: Message,
  packetId: number,
): PromiseLike<void> | null {
  const { transform } = connection.context.settings;
  return transform === null || connection.policy.peer !== null
    ? publish(connection, route, message, packetId)
    : settleTransformed(connection, transform, route, message, packetId);
}

/**
 * Publishes a message after `transform`. A function of its own, because its closure would cost each
 * call of the caller.
 */
function settleTransformed(
  connection: ClientConnection,
  transform: Transform,
  route: Route<Receiver>,
  message: Message,
  packetId: number,
): PromiseLike<void> | null {
  return transformPublish(
    connection,
    transform,
    { route, message },
    (changed, reasonCode) =>
      reasonCode === null
        ? publish(connection, changed.route, changed.message, packetId)
        : drop(connection, "transform", message, packetId, reasonCode),
  );
}

/**
 * Publishes a message, and acknowledges it once it is accepted.
 *
 * @returns Closes when the next message may be read; `null` for no wait.
 */
function publish(
  connection: ClientConnection,
  route: Route<Receiver>,
  message: Message,
  packetId: number,
): Receipt | null {
  // No authorizer is asked about a node, so the view still shows its packet.
  if (connection.policy.peer !== null && view.subscriptionIdentifier > 0) {
    return publishToGroup(connection, route, message, packetId);
  }
  const { outcome, room, commit } = connection.host.publisher.publish(route, message);
  if (message.qos === 0) return room;
  if (outcome === Outcome.refused) {
    refuse(connection, message, packetId);
    return room;
  }
  const isUnmatched = outcome === Outcome.unmatched && connection.version === 5;
  const reasonCode = isUnmatched ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success;
  acknowledge(connection, message, packetId, reasonCode, commit);
  return room;
}

/**
 * Publishes a message that another node has sent to a shared group. There is nothing to wait for: if
 * it goes on to another node, both might wait for each other.
 */
function publishToGroup(
  connection: ClientConnection,
  route: Route<Receiver>,
  message: Message,
  packetId: number,
): null {
  const { host, context } = connection;
  const shared = host.nodes?.groupOf(view.subscriptionIdentifier) ?? NO_GROUP;
  const { outcome, commit } = host.publisher.publish(route, message, shared);
  if (outcome === Outcome.refused) return refuse(connection, message, packetId);
  // All members have gone meanwhile.
  if (outcome === Outcome.unmatched) context.reportDrop("session-ended", message, null);
  acknowledge(connection, message, packetId, ReasonCode.Success, commit);
  return null;
}
