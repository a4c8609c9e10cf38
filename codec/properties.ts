/**
 * The properties of MQTT 5 packets (§2.2.2) as a plain object.
 *
 * @module
 */

/** A User Property: a name and a value. Names and pairs may repeat. */
export type UserProperty = readonly [name: string, value: string];

/**
 * The properties of one packet or will. A key is present exactly when the property is in the
 * packet. The codec checks which packet may have which property.
 */
export interface Properties {
  /** Payload Format Indicator: 1 means that the payload is UTF-8 text. */
  payloadFormatIndicator?: 0 | 1;
  /** Message Expiry Interval: how long a message may be delivered, in seconds. */
  messageExpiryInterval?: number;
  /** Content Type of the payload, such as a media type. */
  contentType?: string;
  /** Response Topic: the topic for a response. */
  responseTopic?: string;
  /**
   * Correlation Data, by which a requester identifies its request. When decoded, they share memory
   * with the body.
   */
  correlationData?: Uint8Array;
  /**
   * Subscription Identifiers: in PUBLISH, those of the subscriptions that match; in SUBSCRIBE, only
   * one.
   */
  subscriptionIdentifiers?: number[];
  /**
   * Session Expiry Interval: how long a session outlives its connection, in seconds. 0xFFFFFFFF
   * means that it does not expire.
   */
  sessionExpiryInterval?: number;
  /** Assigned Client Identifier: the client identifier that the server has assigned. */
  assignedClientIdentifier?: string;
  /** Server Keep Alive: the Keep Alive that the server has set, in seconds. */
  serverKeepAlive?: number;
  /** Authentication Method: the name of the method. */
  authenticationMethod?: string;
  /** Authentication Data of the method. When decoded, they share memory with the body. */
  authenticationData?: Uint8Array;
  /**
   * Request Problem Information: false asks the server to leave out Reason Strings and User
   * Properties where it can.
   */
  requestProblemInformation?: boolean;
  /** Will Delay Interval: how long the server waits before it publishes the will, in seconds. */
  willDelayInterval?: number;
  /** Request Response Information: true asks for Response Information in CONNACK. */
  requestResponseInformation?: boolean;
  /** Response Information: the base of response topics. */
  responseInformation?: string;
  /** Server Reference: another server to use. */
  serverReference?: string;
  /** Reason String: a diagnosis for people. */
  reasonString?: string;
  /** Receive Maximum: how many QoS 1 and 2 messages may be unacknowledged. */
  receiveMaximum?: number;
  /** Topic Alias Maximum: the highest Topic Alias that is accepted. */
  topicAliasMaximum?: number;
  /** Topic Alias: the number that stands for the topic of this message. */
  topicAlias?: number;
  /** Maximum QoS: the highest QoS that the server accepts. */
  maximumQoS?: 0 | 1;
  /** Retain Available: whether the server supports retained messages. */
  retainAvailable?: boolean;
  /** User Properties, in the order of the packet. */
  userProperties?: UserProperty[];
  /** Maximum Packet Size: the largest packet that is accepted, in bytes. */
  maximumPacketSize?: number;
  /** Whether the server supports filters with wildcards. */
  wildcardSubscriptionAvailable?: boolean;
  /** Whether the server supports Subscription Identifiers. */
  subscriptionIdentifiersAvailable?: boolean;
  /** Whether the server supports shared subscriptions. */
  sharedSubscriptionAvailable?: boolean;
}

/** Whether there is anything to write. */
export function hasProperties(properties: Properties): boolean {
  for (const name in properties) {
    if (properties[name as keyof Properties] !== undefined) return true;
  }
  return false;
}
