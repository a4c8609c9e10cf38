/** Finds the route of the topic of a PUBLISH. */
import { ProtocolError, type PublishView, ReasonCode } from "../../codec/mod.ts";
import type { Route } from "../../router/route_cache.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { ClientConnection } from "./client_connection.ts";
import { routeOfAlias, setAlias } from "./topic_aliases.ts";

/** The cost of a route that is not cached, in units of the turn budget. */
const UNITS_PER_ROUTE = 16;
/** The last route is remembered only for topics of up to so many bytes. */
const LAST_TOPIC_BYTES_MAX = 1024;

/** The route of the topic `bytes[start, end)`; `null` if it is no valid topic. */
export function routeOf(
  connection: ClientConnection,
  bytes: Uint8Array,
  start: number,
  end: number,
): Route<Receiver> | null {
  const { mount } = connection.policy;
  if (mount !== null) {
    const topic = mount.mounted(bytes, start, end);
    if (topic === null) return null;
    [bytes, start, end] = [topic, 0, topic.length];
  }
  const last = connection.lastRoute;
  if (last !== null && last.isAt(bytes, start, end)) return last;
  connection.context.turns.count(UNITS_PER_ROUTE);
  const route = connection.host.router.route(bytes, start, end);
  // A hundred thousand connections must not keep as many long topics in memory.
  // One that is not in the cache may have an audience of its own.
  if (end - start <= LAST_TOPIC_BYTES_MAX && route?.isCached) connection.lastRoute = route;
  return route;
}

/**
 * The route that a PUBLISH names, by its topic or by an alias (§3.3.2.3.4).
 *
 * @throws {ProtocolError} If the alias or the topic is not valid.
 */
export function routeOfPublish(
  connection: ClientConnection,
  { topicStart, topicEnd, topicAlias, buffer }: PublishView,
): Route<Receiver> {
  const { topicAliasMax } = connection.policy;
  if (topicAlias > topicAliasMax) {
    const text = `Topic alias ${topicAlias}, of at most ${topicAliasMax}`;
    throw new ProtocolError(text, 0, "MQTT-3.3.2-9", ReasonCode.TopicAliasInvalid);
  }
  if (topicStart === topicEnd && topicAlias > 0) return routeOfAlias(connection, topicAlias);
  const route = routeOf(connection, buffer, topicStart, topicEnd);
  if (route === null) {
    throw new ProtocolError(
      "Topic name is invalid",
      2,
      "MQTT-3.3.2-2",
      ReasonCode.TopicNameInvalid,
    );
  }
  if (topicAlias > 0) setAlias(connection, topicAlias, route);
  return route;
}
