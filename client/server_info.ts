import type { ConnackPacket, QoS, UserProperty } from "../codec/mod.ts";
import type { Settings } from "./options.ts";

/** What the server said of itself when it let the client in. */
export interface ServerInfo {
  /** Whether it knew the session. */
  readonly sessionPresent: boolean;
  /** The client identifier, which it may have chosen. */
  readonly clientId: string;
  /** The longest silence it bears, in seconds; 0 for any. */
  readonly keepAliveSeconds: number;
  /** How long it keeps the session when the connection is lost, in seconds. */
  readonly sessionExpirySeconds: number;
  /** The highest QoS it takes. */
  readonly maximumQoS: QoS;
  /** Whether it retains messages. */
  readonly retainAvailable: boolean;
  /** Unacknowledged messages it takes at once. */
  readonly receiveMaximum: number;
  /** The highest topic alias it understands. */
  readonly topicAliasMaximum: number;
  /** The largest packet it takes, in bytes. */
  readonly maximumPacketSize: number;
  /** Whether filters may have wildcards. */
  readonly wildcardSubscriptionAvailable: boolean;
  /** Whether subscriptions may be shared. */
  readonly sharedSubscriptionAvailable: boolean;
  /** Whether subscriptions may have identifiers. */
  readonly subscriptionIdentifiersAvailable: boolean;
  /** What to make response topics from, or `null`. */
  readonly responseInformation: string | null;
  /** What it had to say to people, or `null`. */
  readonly reasonString: string | null;
  /** Whatever else it said. */
  readonly userProperties: readonly UserProperty[];
}

/** Reads a CONNACK with all that it leaves out. */
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
