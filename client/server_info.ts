/** What the CONNACK of a server says. */
import type { ConnackPacket, QoS, UserProperty } from "../codec/mod.ts";
import type { Settings } from "./options.ts";

/** What a CONNACK said about the server and the session. */
export interface ServerInfo {
  /** Session Present: whether the server had the session. */
  readonly sessionPresent: boolean;
  /** The client identifier. The server may have assigned it. */
  readonly clientId: string;
  /** The Keep Alive in effect, in seconds; 0 for none. */
  readonly keepAliveSeconds: number;
  /** How long the server keeps the session when the connection is lost, in seconds. */
  readonly sessionExpirySeconds: number;
  /** The highest QoS that the server accepts. */
  readonly maximumQoS: QoS;
  /** Whether the server supports retained messages. */
  readonly retainAvailable: boolean;
  /** Receive Maximum: how many unacknowledged QoS 1 and 2 messages the server accepts. */
  readonly receiveMaximum: number;
  /** The highest Topic Alias that the server accepts. */
  readonly topicAliasMaximum: number;
  /** The largest packet that the server accepts, in bytes. */
  readonly maximumPacketSize: number;
  /** Whether filters may have wildcards. */
  readonly wildcardSubscriptionAvailable: boolean;
  /** Whether subscriptions may be shared. */
  readonly sharedSubscriptionAvailable: boolean;
  /** Whether subscriptions may have identifiers. */
  readonly subscriptionIdentifiersAvailable: boolean;
  /** Response Information: the base of response topics, or `null`. */
  readonly responseInformation: string | null;
  /** The Reason String, or `null`. */
  readonly reasonString: string | null;
  /** The User Properties of the CONNACK. */
  readonly userProperties: readonly UserProperty[];
}

/** Reads a CONNACK, and fills in the defaults of the protocol. */
export function serverInfoOf(
  { sessionPresent, properties }: ConnackPacket,
  settings: Settings,
  clientId: string,
): ServerInfo {
  const is5 = settings.protocolVersion === 5;
  return {
    sessionPresent,
    clientId: properties.assignedClientIdentifier ?? clientId,
    keepAliveSeconds: properties.serverKeepAlive ?? settings.keepAliveSeconds,
    sessionExpirySeconds: properties.sessionExpiryInterval ?? settings.sessionExpirySeconds,
    maximumQoS: properties.maximumQoS ?? 2,
    retainAvailable: properties.retainAvailable ?? true,
    receiveMaximum: properties.receiveMaximum ??
      (is5 ? 65_535 : settings.limits.inflightUnsaidMax),
    topicAliasMaximum: properties.topicAliasMaximum ?? 0,
    maximumPacketSize: properties.maximumPacketSize ?? Infinity,
    wildcardSubscriptionAvailable: properties.wildcardSubscriptionAvailable ?? true,
    sharedSubscriptionAvailable: properties.sharedSubscriptionAvailable ?? true,
    // There are none in 3.1.1.
    subscriptionIdentifiersAvailable: is5 && (properties.subscriptionIdentifiersAvailable ?? true),
    responseInformation: properties.responseInformation ?? null,
    reasonString: properties.reasonString ?? null,
    userProperties: properties.userProperties ?? [],
  };
}
