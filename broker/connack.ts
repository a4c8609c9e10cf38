import type { ConnectPacket, Properties } from "../codec/mod.ts";
import type { Connection } from "./connection.ts";

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
  connection: Connection,
  packet: ConnectPacket,
  agreed: Agreed,
): Properties {
  const properties: Properties = {};
  if (connection.version !== 5) return properties;
  const { limits, settings } = connection.core;
  if (agreed.expirySeconds !== (packet.properties.sessionExpiryInterval ?? 0)) {
    properties.sessionExpiryInterval = agreed.expirySeconds;
  }
  if (limits.receiveMaximum < 65_535) properties.receiveMaximum = limits.receiveMaximum;
  if (settings.maximumQoS < 2) properties.maximumQoS = settings.maximumQoS as 0 | 1;
  if (!settings.retainAvailable) properties.retainAvailable = false;
  properties.maximumPacketSize = limits.packetBytesMax;
  if (agreed.assignedId !== null) properties.assignedClientIdentifier = agreed.assignedId;
  if (limits.topicAliasMax > 0) properties.topicAliasMaximum = limits.topicAliasMax;
  if (!settings.wildcardSubscriptionAvailable) properties.wildcardSubscriptionAvailable = false;
  if (!settings.subscriptionIdentifiersAvailable) {
    properties.subscriptionIdentifiersAvailable = false;
  }
  if (!settings.sharedSubscriptionAvailable) properties.sharedSubscriptionAvailable = false;
  if (agreed.keepAlive !== packet.keepAlive) properties.serverKeepAlive = agreed.keepAlive;
  if (packet.properties.requestResponseInformation && settings.responseInformation !== null) {
    properties.responseInformation = settings.responseInformation;
  }
  if (connection.auth !== null) {
    properties.authenticationMethod = connection.auth.method;
    if (agreed.authenticationData !== undefined) {
      properties.authenticationData = agreed.authenticationData;
    }
  }
  return properties;
}
