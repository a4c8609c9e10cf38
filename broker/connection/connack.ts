/**
 * Computes what holds for a client from its CONNECT and the limits, and the CONNACK that announces
 * it.
 */
import type { ConnackPacket, ConnectPacket, Properties } from "../../codec/mod.ts";
import type { ClientConnection } from "./client_connection.ts";

/** What holds for the client after CONNACK. */
export interface Agreement {
  /** Session Expiry Interval in seconds. */
  readonly expirySeconds: number;
  /** Keep Alive in seconds; 0 for none. */
  readonly keepAlive: number;
  /** The CONNACK, without Session Present. */
  readonly connack: ConnackPacket;
}

/** The values that {@linkcode connackProperties} announces. */
interface Agreed extends Omit<Agreement, "connack"> {
  /** The identifier that the broker has assigned, or `null` [MQTT-3.2.2-16]. */
  readonly assignedId: string | null;
  /** The last data of an enhanced authentication. */
  readonly authenticationData: Uint8Array | undefined;
}

/**
 * Computes what holds for the client.
 *
 * @param clientId Its identifier; the broker has assigned it if CONNECT has none.
 * @param authenticationData The last data of an enhanced authentication.
 */
export function agreeOn(
  connection: ClientConnection,
  packet: ConnectPacket,
  clientId: string,
  authenticationData: Uint8Array | undefined,
): Agreement {
  const { policy, version } = connection;
  const expirySeconds = Math.min(expiryAsked(connection, packet), policy.sessionExpirySecondsMax);
  // A CONNACK of 3.x has no Keep Alive, so the client keeps the one of its CONNECT.
  const keepAlive = version === 5
    ? cappedKeepAlive(packet.keepAlive, policy.keepAliveSecondsMax)
    : packet.keepAlive;
  const assignedId = packet.clientId === "" ? clientId : null;
  const agreed = { assignedId, keepAlive, expirySeconds, authenticationData };
  const properties = connackProperties(connection, packet, agreed);
  const connack = { type: "connack", sessionPresent: false, reasonCode: 0, properties } as const;
  return { expirySeconds, keepAlive, connack };
}

/** The requested Session Expiry Interval, in seconds; 3.x has only Clean Session. */
function expiryAsked({ policy, version }: ClientConnection, packet: ConnectPacket): number {
  if (version === 5) return packet.properties.sessionExpiryInterval ?? 0;
  return packet.cleanStart ? 0 : policy.sessionExpirySecondsMax;
}

/** Keep Alive within the limit of the broker, in seconds; 0 for none. */
function cappedKeepAlive(asked: number, max: number): number {
  if (max === 0) return asked;
  return asked === 0 ? max : Math.min(asked, max);
}

/** The properties of a CONNACK that accepts a client: only those that differ from the default. */
function connackProperties(
  connection: ClientConnection,
  packet: ConnectPacket,
  agreed: Agreed,
): Properties {
  const properties: Properties = {};
  if (connection.version !== 5) return properties;
  const { policy } = connection;
  if (agreed.expirySeconds !== (packet.properties.sessionExpiryInterval ?? 0)) {
    properties.sessionExpiryInterval = agreed.expirySeconds;
  }
  if (policy.receiveMaximum < 65_535) properties.receiveMaximum = policy.receiveMaximum;
  if (policy.maximumQoS < 2) properties.maximumQoS = policy.maximumQoS as 0 | 1;
  if (!policy.retainAvailable) properties.retainAvailable = false;
  properties.maximumPacketSize = policy.packetBytesMax;
  if (agreed.assignedId !== null) properties.assignedClientIdentifier = agreed.assignedId;
  if (policy.topicAliasMax > 0) properties.topicAliasMaximum = policy.topicAliasMax;
  if (!policy.wildcardSubscriptionAvailable) properties.wildcardSubscriptionAvailable = false;
  if (!policy.subscriptionIdentifiersAvailable) {
    properties.subscriptionIdentifiersAvailable = false;
  }
  if (!policy.sharedSubscriptionAvailable) properties.sharedSubscriptionAvailable = false;
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
