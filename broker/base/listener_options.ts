/** The rules that a program can give a listener. */
import type { Authenticator } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import type { ProtocolVersion, QoS } from "../../codec/mod.ts";
import type { ControlTopic } from "../../auth/control_topic.ts";

/**
 * Rules for the clients of one listener. A missing rule is that of the whole broker: from
 * `BrokerOptions.rules` first, then from its other settings.
 */
export interface ListenerRules {
  /** The name of the listener, in logs and in `ClientInfo.listener`; `""` by default. */
  readonly name?: string;
  /**
   * Whether small protocol faults of clients are tolerated, and counted in `stats.tolerated`,
   * instead of ending their connections; false by default.
   */
  readonly lenient?: boolean;
  /** The authenticator. */
  readonly authenticator?: Authenticator;
  /** The authorizer; everything is allowed if it is `null`. */
  readonly authorizer?: Authorizer | null;
  /**
   * A topic that takes commands for the program; `null`, the default, for none: clients cannot
   * publish below `$CONTROL/`.
   */
  readonly control?: ControlTopic | null;
  /**
   * Whether the authenticator is called for clients without a user name; true by default. Clients
   * with enhanced authentication (MQTT 5 §4.12) need none.
   */
  readonly allowAnonymous?: boolean;
  /**
   * Whether the common name in a client's certificate is its user name. The certificate
   * authenticates the client, so the authenticator is not called; a client without one is refused.
   * False by default.
   */
  readonly identityAsUsername?: boolean;
  /** Whether the whole subject of the certificate is the user name instead; false by default. */
  readonly subjectAsUsername?: boolean;
  /** Whether the user name of a client is also its client identifier; false by default. */
  readonly usernameAsClientId?: boolean;
  /** Whether a client may let the broker assign its identifier; true by default. */
  readonly allowZeroLengthClientId?: boolean;
  /** The prefix of assigned client identifiers; `""` by default. */
  readonly autoIdPrefix?: string;
  /**
   * Allowed prefixes of client identifiers; any identifier is allowed if it is `null`, the default.
   */
  readonly clientIdPrefixes?: readonly string[] | null;
  /**
   * Connections at the same time, including those not yet accepted. Beyond it: refused as busy. No
   * limit by default.
   */
  readonly connectionsMax?: number;
  /** The accepted protocol versions; all by default. A client of another one receives 0x84. */
  readonly protocolVersions?: readonly ProtocolVersion[];
  /**
   * A prefix that is added to every topic and filter of the clients, and removed from topics sent
   * to them. They see only topics with that prefix. It should end with a slash. None by default.
   */
  readonly mountPoint?: string;
  /** The maximum QoS of publications (Maximum QoS), and of granted subscriptions. */
  readonly maximumQoS?: QoS;
  /** Whether messages may be retained; false if the broker does not support it. */
  readonly retainAvailable?: boolean;
  /** Whether wildcard subscriptions are supported. */
  readonly wildcardSubscriptionAvailable?: boolean;
  /** Whether shared subscriptions are supported. */
  readonly sharedSubscriptionAvailable?: boolean;
  /** Whether Subscription Identifiers are supported. */
  readonly subscriptionIdentifiersAvailable?: boolean;
  /**
   * Bytes of a packet after CONNECT, in both directions (Maximum Packet Size). Beyond it: 0x95 and
   * closed.
   */
  readonly packetBytesMax?: number;
  /**
   * Bytes of a payload. Beyond it: dropped, acknowledged with 0x97, and counted. No limit by
   * default.
   */
  readonly payloadBytesMax?: number;
  /** Keep Alive of a 5.0 client, in seconds, also if it requests none; 0: no limit. */
  readonly keepAliveSecondsMax?: number;
  /** Seconds that a session may outlive its connection. */
  readonly sessionExpirySecondsMax?: number;
  /** Unacknowledged QoS 1 and 2 messages from one client (Receive Maximum). Beyond it: 0x93. */
  readonly receiveMaximum?: number;
  /** Unacknowledged QoS 1 and 2 messages to one client, if it allows as many; 32,767 at most. */
  readonly inflightMax?: number;
  /**
   * Whether QoS 0 messages wait, like others, for a client that is disconnected and may return;
   * false by default. A message without room is dropped. Such clients share no bytes with others,
   * which costs speed.
   */
  readonly queueQoS0?: boolean;
  /**
   * Whether messages are sent to clients with the QoS of their subscription, even if they were
   * published with a lower one; false by default. This violates [MQTT-3.8.4-8], and such clients
   * share no bytes with others.
   */
  readonly upgradeOutgoingQoS?: boolean;
  /**
   * Whether a packet is refused as malformed (0x81, and closed) if a topic, a name or another
   * string contains a control character or a noncharacter; false by default, because MQTT leaves it
   * to the receiver (5.0 §1.5.4). It costs speed, because every string is checked.
   */
  readonly refuseControlCharacters?: boolean;
  /** Topic Aliases of one client, in each direction (Topic Alias Maximum). Beyond it: 0x94. */
  readonly topicAliasMax?: number;
}
