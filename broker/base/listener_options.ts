import type { Authenticator } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import type { ProtocolVersion, QoS } from "../../codec/mod.ts";

/**
 * What holds for the clients of one listener. What is left out is as it is for
 * the whole broker: `BrokerOptions.rules` first, its other settings then.
 */
export interface ListenerRules {
  /** What the listener is called, in logs and in `ClientInfo.listener`; `""` by default. */
  readonly name?: string;
  /**
   * Whether small faults of clients are overlooked, and counted in
   * `stats.tolerated`, instead of ending their connections; false by default.
   */
  readonly lenient?: boolean;
  /** Who may come in. */
  readonly authenticator?: Authenticator;
  /** What clients may do; everything if it is `null`. */
  readonly authorizer?: Authorizer | null;
  /**
   * Whether clients without a user name may ask to come in; true by default.
   * Those that authenticate in the way of MQTT 5 §4.12 need none.
   */
  readonly allowAnonymous?: boolean;
  /**
   * Whether the common name in the certificate of a client is its user name.
   * Its certificate says who it is, so the authenticator is not asked; a client
   * without one is refused. False by default.
   */
  readonly identityAsUsername?: boolean;
  /** The same with the whole subject of the certificate; false by default. */
  readonly subjectAsUsername?: boolean;
  /** Whether the user name of a client is its client identifier too; false by default. */
  readonly usernameAsClientId?: boolean;
  /** Whether a client may leave it to the broker to give it an identifier; true by default. */
  readonly allowZeroLengthClientId?: boolean;
  /** What the identifiers begin with that the broker gives; `""` by default. */
  readonly autoIdPrefix?: string;
  /** What client identifiers must begin with, one of these; anything if it is `null`, by default. */
  readonly clientIdPrefixes?: readonly string[] | null;
  /** Connections at once, those not yet accepted included. Past it: refused as busy. No limit by default. */
  readonly connectionsMax?: number;
  /** The versions that are spoken; all by default. A client of another is told 0x84. */
  readonly protocolVersions?: readonly ProtocolVersion[];
  /**
   * What is put before every topic and filter of the clients, and taken off
   * what they are sent: they see nothing but what begins with it. It should end
   * with a slash. Nothing by default.
   */
  readonly mountPoint?: string;
  /** The highest QoS that is accepted from publishers (Maximum QoS), and granted to subscribers. */
  readonly maximumQoS?: QoS;
  /** Whether messages may be retained; false where the broker does not support it. */
  readonly retainAvailable?: boolean;
  /** Whether wildcard subscriptions are supported. */
  readonly wildcardSubscriptionAvailable?: boolean;
  /** Whether shared subscriptions are. */
  readonly sharedSubscriptionAvailable?: boolean;
  /** Whether subscription identifiers are. */
  readonly subscriptionIdentifiersAvailable?: boolean;
  /** Bytes of a packet after CONNECT, both ways (Maximum Packet Size). Past it: 0x95 and closed. */
  readonly packetBytesMax?: number;
  /** Bytes of a payload. Past it: dropped, acknowledged with 0x97, and counted. No limit by default. */
  readonly payloadBytesMax?: number;
  /** Seconds of Keep Alive a 5.0 client may ask for, and gets instead of none; 0: no limit. */
  readonly keepAliveSecondsMax?: number;
  /** Seconds a session may outlive its connection. */
  readonly sessionExpirySecondsMax?: number;
  /** Unacknowledged QoS 1 and 2 messages from one client (Receive Maximum). Past it: 0x93. */
  readonly receiveMaximum?: number;
  /** Unacknowledged QoS 1 and 2 messages to one client, if it allows as many; 32,767 at most. */
  readonly inflightMax?: number;
  /**
   * Whether QoS 0 messages wait, as others do, for a client that is away and
   * may return; false by default. One for which there is no room is dropped.
   * Such clients share no bytes with others, which costs speed.
   */
  readonly queueQoS0?: boolean;
  /**
   * Whether clients are sent messages with the QoS that they have subscribed
   * with, even where they were published with a lower one; false by default. It
   * is against MQTT [MQTT-3.8.4-8], and such clients share no bytes with others.
   */
  readonly upgradeOutgoingQoS?: boolean;
  /**
   * Whether a packet is refused as malformed (0x81, and closed) that has a control character, or a
   * code point that is no character, in a topic, a name or another string; false by default, for
   * MQTT leaves it to the receiver (5.0 §1.5.4). It costs speed: every string is looked at.
   */
  readonly refuseControlCharacters?: boolean;
  /** Topic aliases of one client, each way (Topic Alias Maximum). Past it: 0x94. */
  readonly topicAliasMax?: number;
}
