/**
 * A client and its session, as the API describes them.
 *
 * @module
 */
import type { InspectedSession } from "../../broker/inspected_session.ts";
import type { Inspection } from "../../broker/inspection.ts";
import type { Schema } from "../http/routes.ts";

const NULLABLE_TEXT: Schema = { type: ["string", "null"] };
const COUNT: Schema = { type: "integer", minimum: 0 };

/** The schema of {@linkcode clientView}. */
export const CLIENT_SCHEMA: Schema = {
  type: "object",
  required: ["clientId", "isConnected", "backlog"],
  properties: {
    clientId: { type: "string" },
    username: NULLABLE_TEXT,
    isConnected: { type: "boolean" },
    isDurable: { type: "boolean", description: "Whether the session survives a restart" },
    expirySeconds: {
      type: ["integer", "null"],
      description: "Seconds that the session outlives its connection; null for ever",
    },
    subscriptions: COUNT,
    inflight: COUNT,
    backlog: { type: "object", properties: { messages: COUNT, bytes: COUNT } },
    willTopic: NULLABLE_TEXT,
    connection: {
      type: ["object", "null"],
      description: "null while the client is away",
      properties: {
        address: { type: "string" },
        listener: { type: "string" },
        protocolVersion: { type: "integer", enum: [3, 4, 5] },
        since: { type: "string", format: "date-time" },
        receivedBytes: COUNT,
        sentBytes: COUNT,
        lagBytes: COUNT,
      },
    },
  },
};

/** The schema of a subscription. */
export const SUBSCRIPTION_SCHEMA: Schema = {
  type: "object",
  required: ["clientId", "filter", "qos"],
  properties: {
    clientId: { type: "string" },
    filter: { type: "string" },
    qos: { type: "integer", enum: [0, 1, 2] },
    noLocal: { type: "boolean" },
    retainAsPublished: { type: "boolean" },
    retainHandling: { type: "integer", enum: [0, 1, 2] },
    identifier: { type: "integer", description: "The Subscription Identifier; 0 for none" },
    stream: {
      type: ["string", "null"],
      description: "The stream that it reads; null for the messages that are published",
    },
  },
};

/** A client, connected or not. */
export function clientView(session: InspectedSession, inspection: Inspection): unknown {
  const { connection } = session;
  return {
    clientId: session.clientId,
    username: session.username,
    isConnected: connection !== null,
    isDurable: session.isDurable,
    expirySeconds: session.expirySeconds,
    subscriptions: session.subscriptionCount,
    inflight: session.inflight,
    backlog: session.waiting,
    willTopic: session.willTopic,
    connection: connection === null ? null : {
      address: connection.client.address,
      listener: connection.client.listener ?? "",
      protocolVersion: connection.client.protocolVersion,
      since: inspection.timeOf(connection.sinceMs),
      receivedBytes: connection.bytesReceived,
      sentBytes: connection.bytesSent,
      lagBytes: connection.lagBytes,
    },
  };
}
