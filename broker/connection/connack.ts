import type { ConnectPacket, Properties } from "../../codec/mod.ts";
import type { ClientConnection } from "./client_connection.ts";

/** What was settled with the client. */
export interface Agreed {
  /** The identifier that the broker has assigned, or `null`. */
  readonly assignedId: string | null;
  /** Keep Alive in seconds. */
  readonly keepAlive: number;
  /** Session Expiry Interval in seconds. */
  readonly expirySeconds: number;
  /** The last data of an enhanced authentication. */
  readonly authenticationData: Uint8Array | undefined;
}

/** The properties of a CONNACK that lets a client in: only what differs from what it expects. */
export function connackProperties(
  connection: ClientConnection,
  packet: ConnectPacket,
  agreed: Agreed,
): Properties {
  const properties: Properties = {};
  if (connection.version !== 5) return properties;
  const { terms } = connection;
  if (agreed.expirySeconds !== (packet.properties.sessionExpiryInterval ?? 0)) {
    properties.sessionExpiryInterval = agreed.expirySeconds;
  }
  if (terms.receiveMaximum < 65_535) properties.receiveMaximum = terms.receiveMaximum;
  if (terms.maximumQoS < 2) properties.maximumQoS = terms.maximumQoS as 0 | 1;
  if (!terms.retainAvailable) properties.retainAvailable = false;
  properties.maximumPacketSize = terms.packetBytesMax;
  if (agreed.assignedId !== null) properties.assignedClientIdentifier = agreed.assignedId;
  if (terms.topicAliasMax > 0) properties.topicAliasMaximum = terms.topicAliasMax;
  if (!terms.wildcardSubscriptionAvailable) properties.wildcardSubscriptionAvailable = false;
  if (!terms.subscriptionIdentifiersAvailable) {
    properties.subscriptionIdentifiersAvailable = false;
  }
  if (!terms.sharedSubscriptionAvailable) properties.sharedSubscriptionAvailable = false;
  if (agreed.keepAlive !== packet.keepAlive) properties.serverKeepAlive = agreed.keepAlive;
  const { responseInformation } = connection.context.settings;
  if (packet.properties.requestResponseInformation && responseInformation !== null) {
    properties.responseInformation = responseInformation;
  }
  if (connection.auth !== null) {
    properties.authenticationMethod = connection.auth.method;
    if (agreed.authenticationData !== undefined) {
      properties.authenticationData = agreed.authenticationData;
    }
  }
  return properties;
}
