/**
 * The properties of MQTT 5 packets (§2.2.2) as a plain object.
 *
 * @module
 */

/** A User Property: a name and a value, either of which may repeat. */
export type UserProperty = readonly [name: string, value: string];

/**
 * The properties of one packet or will. A key is present exactly when the
 * property is on the wire. Which packet may have which, the codec checks.
 */
export interface Properties {
  /** 1 says that the payload is UTF-8 text. */
  payloadFormatIndicator?: 0 | 1;
  /** How long a message is worth delivering, in seconds. */
  messageExpiryInterval?: number;
  /** What the payload is, such as a media type. */
  contentType?: string;
  /** The topic to answer to. */
  responseTopic?: string;
  /** What the requester knows its request by. Borrowed when decoded. */
  correlationData?: Uint8Array;
  /** Identifiers of the subscriptions that a message matched; of one in SUBSCRIBE. */
  subscriptionIdentifiers?: number[];
  /** How long a session outlives its connection, in seconds; 0xFFFFFFFF is for ever. */
  sessionExpiryInterval?: number;
  /** The client identifier that the server has chosen. */
  assignedClientIdentifier?: string;
  /** The keep alive that the server has chosen, in seconds. */
  serverKeepAlive?: number;
  /** The name of the method of extended authentication. */
  authenticationMethod?: string;
  /** What that method has to say. Borrowed when decoded. */
  authenticationData?: Uint8Array;
  /** False asks for no reason strings and user properties where they can be left out. */
  requestProblemInformation?: boolean;
  /** How long a will waits after the connection is lost, in seconds. */
  willDelayInterval?: number;
  /** True asks for response information in CONNACK. */
  requestResponseInformation?: boolean;
  /** What to make response topics from. */
  responseInformation?: string;
  /** Another server to use. */
  serverReference?: string;
  /** A diagnosis for people. */
  reasonString?: string;
  /** How many QoS 1 and 2 messages may be unacknowledged. */
  receiveMaximum?: number;
  /** The highest topic alias that will be understood. */
  topicAliasMaximum?: number;
  /** The number that stands for the topic of this message. */
  topicAlias?: number;
  /** The highest QoS that the server takes. */
  maximumQoS?: 0 | 1;
  /** Whether the server keeps retained messages. */
  retainAvailable?: boolean;
  /** Names and values in the order sent. */
  userProperties?: UserProperty[];
  /** The largest packet that will be read, in bytes. */
  maximumPacketSize?: number;
  /** Whether the server takes filters with wildcards. */
  wildcardSubscriptionAvailable?: boolean;
  /** Whether the server takes subscription identifiers. */
  subscriptionIdentifiersAvailable?: boolean;
  /** Whether the server takes shared subscriptions. */
  sharedSubscriptionAvailable?: boolean;
}

/** Tells whether there is anything to write. */
export function hasProperties(properties: Properties): boolean {
  for (const name in properties) {
    if (properties[name as keyof Properties] !== undefined) return true;
  }
  return false;
}
