import type { Authenticator } from "../auth/authenticator.ts";
import type { Authorizer } from "../auth/authorizer.ts";
import type { ProtocolVersion, QoS } from "../codec/mod.ts";

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
  /** Connections at once, those not yet accepted included. Past it: refused as busy. No limit by default. */
  readonly connectionsMax?: number;
  /** The versions that are spoken; all by default. A client of another is told 0x84. */
  readonly protocolVersions?: readonly ProtocolVersion[];
  /** The highest QoS that is accepted from publishers (Maximum QoS). */
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
  /** Seconds of Keep Alive a client may ask for; 0: no limit. */
  readonly keepAliveSecondsMax?: number;
  /** Seconds a session may outlive its connection. */
  readonly sessionExpirySecondsMax?: number;
  /** Unacknowledged QoS 1 and 2 messages from one client (Receive Maximum). Past it: 0x93. */
  readonly receiveMaximum?: number;
  /** Unacknowledged QoS 1 and 2 messages to one client, if it allows as many; 32,767 at most. */
  readonly inflightMax?: number;
  /** Topic aliases of one client, each way (Topic Alias Maximum). Past it: 0x94. */
  readonly topicAliasMax?: number;
}
