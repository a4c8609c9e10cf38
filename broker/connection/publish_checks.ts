/** Checks that CONNACK has allowed the client what a PUBLISH asks for. */
import { ProtocolError, type PublishView, ReasonCode } from "../../codec/mod.ts";
import type { Route } from "../../router/route_cache.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { ClientConnection } from "./client_connection.ts";

/**
 * Checks the QoS and RETAIN of a PUBLISH.
 *
 * @throws {ProtocolError} If Maximum QoS or Retain Available of the listener forbids them
 * [MQTT-3.2.2-11] [MQTT-3.2.2-14].
 */
export function checkAllowed(
  connection: ClientConnection,
  { qos, retain }: PublishView,
  route: Route<Receiver>,
): void {
  const { policy } = connection;
  if (qos > policy.maximumQoS) {
    const text = `QoS ${qos} to ${topicOf(connection, route)}`;
    throw new ProtocolError(text, 0, "MQTT-3.2.2-11", ReasonCode.QoSNotSupported);
  }
  if (retain && !policy.retainAvailable) {
    const text = `RETAIN to ${topicOf(connection, route)}`;
    throw new ProtocolError(text, 0, "MQTT-3.2.2-14", ReasonCode.RetainNotSupported);
  }
}

/** The topic as the client knows it, without its mount point. */
function topicOf({ policy }: ClientConnection, { topic }: Route<Receiver>): string {
  return policy.mount?.told(topic) ?? topic;
}
