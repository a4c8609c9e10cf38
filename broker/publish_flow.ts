import {
  forwardedProperties,
  PacketType,
  ProtocolError,
  PublishView,
  ReasonCode,
} from "../codec/mod.ts";
import type { Route } from "../router/route_cache.ts";
import { sameBytes } from "../router/route_cache.ts";
import { isSystemTopic } from "../router/topic.ts";
import { ackAfter } from "./answers.ts";
import type { Connection } from "./connection.ts";
import { Outcome } from "./delivery.ts";
import type { Commit } from "./durable/commit.ts";
import { Message } from "./message.ts";
import type { Receiver } from "./receiver.ts";
import { Run } from "./run.ts";
import type { DropReason } from "./stats.ts";

/** One of each for all: they are filled in and used up within a call. */
const view = new PublishView();
const run = new Run();

/** What it may cost to find who gets what is published to another topic, in units of the budget. */
const UNITS_PER_ROUTE = 16;

/** First byte of a QoS 0 PUBLISH without RETAIN and DUP. */
const PLAIN_PUBLISH = 0x30;
const DOLLAR = 0x24;

/** What a client publishes. */
export const PublishFlow: {
  /**
   * Takes as many frames from `start` on as make a run, and publishes them.
   *
   * @returns Where the run ends; `start` if there is none.
   */
  run(connection: Connection, bytes: Uint8Array, start: number, end: number): number;
  /** Handles one PUBLISH packet whose body is `bytes[start, end)`. */
  packet(
    connection: Connection,
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): PromiseLike<void> | null;
} = { run: takeRun, packet: takePacket };

function takeRun(connection: Connection, bytes: Uint8Array, start: number, end: number): number {
  const { core } = connection;
  if (connection.session!.access !== null) return start;
  const v5 = connection.version === 5;
  const bytesMax = connection.terms.runBytesMax;
  let route: Route<Receiver> | null = null;
  let at = start;
  while (at + 4 < end && bytes[at] === PLAIN_PUBLISH) {
    // The Remaining Length, written out: this is the innermost loop of the broker.
    let body = at + 2;
    let length = bytes[at + 1]!;
    if (length >= 0x80) {
      const second = bytes[body++]!;
      length = (length & 0x7f) | (second & 0x7f) << 7;
      // Longer ones, which are rare, and faulty ones are left to the packet path.
      if (second >= 0x80 || second === 0) break;
    }
    const frameEnd = body + length;
    if (frameEnd > end || length < 3 || frameEnd - at > bytesMax) break;
    const topic = body + 2;
    const topicEnd = topic + (bytes[body]! << 8 | bytes[body + 1]!);
    const payload = v5 ? topicEnd + 1 : topicEnd;
    if (topicEnd === topic || payload > frameEnd || (v5 && bytes[topicEnd] !== 0)) break;
    if (route === null) {
      route = routeOf(connection, bytes, topic, topicEnd);
      // Topics of the broker's own are looked at more closely.
      if (route === null || route.bytes[0] === DOLLAR) break;
      run.begin(route, connection.session!.clientId, v5, bytes, at);
    } else if (!sameBytes(route.bytes, bytes, topic, topicEnd)) break;
    run.add(frameEnd);
    at = frameEnd;
  }
  if (at === start) return start;
  core.stats.messagesReceived += run.frames;
  if (core.hooks.published) core.announceRun(run, connection.session!.clientId);
  core.delivery.run(run);
  return at;
}

/** The route of a topic; `null` if it is no valid topic. */
function routeOf(
  connection: Connection,
  bytes: Uint8Array,
  start: number,
  end: number,
): Route<Receiver> | null {
  const { mount } = connection.terms;
  if (mount !== null) {
    const topic = mount.mounted(bytes, start, end);
    if (topic === null) return null;
    [bytes, start, end] = [topic, 0, topic.length];
  }
  const last = connection.lastRoute;
  if (last !== null && sameBytes(last.bytes, bytes, start, end)) return last;
  connection.core.turns.spend(UNITS_PER_ROUTE);
  return connection.lastRoute = connection.core.router.route(bytes, start, end);
}

function takePacket(
  connection: Connection,
  first: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): PromiseLike<void> | null {
  const { core, terms } = connection;
  view.tolerance = terms.leniency;
  view.read(connection.version, first, bytes, start, end);
  core.stats.messagesReceived++;
  const route = resolveRoute(connection);
  checkAllowed(connection, route);
  const { qos, packetId } = view;
  const session = connection.session!;
  if (qos === 2) {
    if (session.inbound.has(packetId)) {
      // Repeated, and acknowledged again; it was delivered before [MQTT-4.3.3-10].
      const commit = session.isDurable ? core.journal!.latest : null;
      ackAfter(connection, commit, PacketType.pubrec, packetId, ReasonCode.Success);
      return null;
    }
    if (connection.version === 5 && session.inbound.size >= terms.receiveMaximum) {
      // Leniency has its bound, too: there are no more packet identifiers than 65,535.
      if (terms.leniency === null) throw tooMany(terms.receiveMaximum);
      terms.leniency.overlook("receive-maximum");
    }
  }
  const message = messageOf(connection, route);
  if (isSystemTopic(route.topic)) return settleIf(false, connection, route, message, packetId);
  if (message.payloadBytes > terms.payloadBytesMax) {
    return drop(connection, "payload-too-large", message, packetId, ReasonCode.QuotaExceeded);
  }
  const { access } = session;
  if (access === null) return settle(connection, route, message, packetId);
  const { name: topic, retain } = message;
  const allowed = access.mayPublish({ topic, qos, retain, will: false });
  if (typeof allowed === "boolean") {
    return settleIf(allowed, connection, route, message, packetId);
  }
  return allowed.then((may) => {
    settleIf(may, connection, route, message, packetId);
  });
}

function tooMany(receiveMaximum: number): ProtocolError {
  const text = `More than ${receiveMaximum} messages unacknowledged`;
  return new ProtocolError(text, 0, "MQTT-3.3.4-7", ReasonCode.ReceiveMaximumExceeded);
}

/** The route that a PUBLISH names, by its topic or by an alias (§3.3.2.3.4). */
function resolveRoute(connection: Connection): Route<Receiver> {
  const { topicStart, topicEnd, topicAlias, buffer } = view;
  const { topicAliasMax } = connection.terms;
  if (topicAlias > topicAliasMax) {
    const text = `Topic alias ${topicAlias}, of at most ${topicAliasMax}`;
    throw new ProtocolError(text, 0, "MQTT-3.3.2-9", ReasonCode.TopicAliasInvalid);
  }
  if (topicStart === topicEnd && topicAlias > 0) {
    const known = connection.aliases?.get(topicAlias);
    if (known !== undefined) return known;
    throw new ProtocolError(`Topic alias ${topicAlias} is not set`, 0, "MQTT-3.3.2-7");
  }
  const route = routeOf(connection, buffer, topicStart, topicEnd);
  if (route === null) {
    throw new ProtocolError(
      "Topic name is invalid",
      2,
      "MQTT-3.3.2-2",
      ReasonCode.TopicNameInvalid,
    );
  }
  if (topicAlias > 0) (connection.aliases ??= new Map()).set(topicAlias, route);
  return route;
}

function checkAllowed(connection: Connection, route: Route<Receiver>): void {
  const { terms } = connection;
  const told = ({ topic }: Route<Receiver>) => terms.mount?.told(topic) ?? topic;
  if (view.qos > terms.maximumQoS) {
    const text = `QoS ${view.qos} to ${told(route)}`;
    throw new ProtocolError(text, 0, "MQTT-3.2.2-11", ReasonCode.QoSNotSupported);
  }
  if (view.retain && !terms.retainAvailable) {
    const text = `RETAIN to ${told(route)}`;
    throw new ProtocolError(text, 0, "MQTT-3.2.2-14", ReasonCode.RetainNotSupported);
  }
}

/** The message of the view, which borrows its bytes. */
function messageOf(connection: Connection, route: Route<Receiver>): Message {
  let { buffer, propertiesStart, propertiesEnd, payloadStart, end } = view;
  if (!view.forwardable) {
    // Some properties stay here: what goes on is put together anew.
    const properties = forwardedProperties(view);
    const whole = new Uint8Array(properties.length + end - payloadStart);
    whole.set(properties);
    whole.set(buffer.subarray(payloadStart, end), properties.length);
    buffer = whole;
    propertiesStart = 0;
    propertiesEnd = payloadStart = properties.length;
    end = whole.length;
  }
  return new Message(
    route.topic,
    route.bytes,
    buffer,
    propertiesStart,
    propertiesEnd,
    payloadStart,
    end,
    view.qos,
    view.retain,
    view.messageExpiryInterval,
    view.messageExpiryInterval < 0 ? 0 : connection.core.clock.now(),
    connection.session!.clientId,
  );
}

function settleIf(
  allowed: boolean,
  connection: Connection,
  route: Route<Receiver>,
  message: Message,
  packetId: number,
): null {
  if (!connection.isOpen) return null;
  if (allowed) return settle(connection, route, message, packetId);
  return drop(connection, "not-authorized", message, packetId, ReasonCode.NotAuthorized);
}

/** Counts a message that is not taken, and says so. */
function drop(
  connection: Connection,
  reason: DropReason,
  message: Message,
  packetId: number,
  reasonCode: number,
): null {
  connection.core.dropped(reason, message, connection.session!.clientId);
  // In 3.x it is acknowledged as if it had been delivered [MQTT-3.3.5-2].
  acknowledge(connection, message, packetId, reasonCode, null);
  return null;
}

/** Publishes a message, and acknowledges it once it is accepted. */
function settle(
  connection: Connection,
  route: Route<Receiver>,
  message: Message,
  packetId: number,
): null {
  const { core } = connection;
  const { journal } = core;
  const before = journal?.stored;
  const outcome = core.publish(route, message, connection.session!.clientId);
  if (message.qos === 0) return null;
  if (outcome === Outcome.refused) {
    core.stats.messagesRefused++;
    // In 3.x there is no way to say it: no acknowledgement, and a close.
    if (connection.version < 5) connection.close(ReasonCode.QuotaExceeded);
    else acknowledge(connection, message, packetId, ReasonCode.QuotaExceeded, null);
    return null;
  }
  const unmatched = outcome === Outcome.unmatched && connection.version === 5;
  acknowledge(
    connection,
    message,
    packetId,
    unmatched ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success,
    journal !== null && journal.stored !== before ? journal.gathering : null,
  );
  return null;
}

/** @param commit What has to be on the disk first; `null` if nothing has to be. */
function acknowledge(
  connection: Connection,
  message: Message,
  packetId: number,
  reasonCode: number,
  commit: Commit | null,
): void {
  const { qos } = message;
  const session = connection.session!;
  // The publisher may have had its own session ended by what it published.
  if (qos === 0 || !connection.isOpen || session.hasEnded) return;
  if (qos === 1) {
    return ackAfter(connection, commit, PacketType.puback, packetId, reasonCode, message);
  }
  let holds = commit;
  if (reasonCode < 0x80 || connection.version < 5) {
    session.inbound.accept(packetId);
    session.durable?.changed();
    if (session.isDurable) holds = connection.core.journal!.gathering;
  }
  ackAfter(connection, holds, PacketType.pubrec, packetId, reasonCode, message);
}
