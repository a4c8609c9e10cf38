/** Every limit of a client: its name, unit and default. */

/**
 * What a client may hold or wait for, each with its unit. Every queue, map and
 * buffer of a client has its limit here.
 */
export interface ClientLimits {
  /** From the start of an attempt to its CONNACK, in milliseconds. Past it: the next attempt. */
  connectTimeoutMs: number;
  /** From PINGREQ to the next byte from the server, in milliseconds. Past it: disconnected. */
  pingTimeoutMs: number;
  /** Bytes of a packet from the server (Maximum Packet Size). Past it: 0x95 and disconnected. */
  packetBytesMax: number;
  /** Unacknowledged QoS 1 and 2 messages from the server (Receive Maximum). The server obeys it. */
  receiveMaximum: number;
  /** Unacknowledged QoS 1 and 2 messages to the server, if it allows as many; 8,192 at most. */
  inflightMax: number;
  /** The same for a server that does not announce a Receive Maximum, which 3.1.1 does not have. */
  inflightUnsaidMax: number;
  /**
   * Topic Aliases, in each direction (Topic Alias Maximum). Past it: whole topics to the server;
   * 0x94 for the server's own.
   */
  topicAliasMax: number;
  /** Messages that wait to be sent, connected or not. Past it: `QueueFullError`. */
  queueMessagesMax: number;
  /** Bytes of messages that wait to be sent. Past it: `QueueFullError`. */
  queueBytesMax: number;
  /** Bytes that wait to be written to the socket. Past it: messages wait in the queue instead. */
  writeBytesMax: number;
  /**
   * Subscriptions, including those whose UNSUBSCRIBE is not confirmed; 10,000 at most. Past it:
   * `SubscribeError`.
   */
  subscriptionsMax: number;
  /** Messages that a subscription holds. Past it: reading stops, or the oldest is dropped. */
  subscriptionMessagesMax: number;
  /** Bytes that a subscription holds. Past it: reading stops, or the oldest is dropped. */
  subscriptionBytesMax: number;
  /**
   * Bytes that all subscriptions hold while the client keeps reading because the program waits for
   * an answer. It applies once to QoS 0, and once to QoS 1 and 2. Past it: QoS 0 messages are
   * dropped; for QoS 1 and 2, reading stops.
   */
  heldBytesMax: number;
  /**
   * Messages of a resumed session that are kept for a later subscription. Past it: reading stops,
   * and after `unmatchedWaitMs` the oldest is dropped.
   */
  unmatchedMessagesMax: number;
  /** Bytes of such messages. Past it: the same. */
  unmatchedBytesMax: number;
  /**
   * How long such messages stay unacknowledged after the last `subscribe()`, in milliseconds. Past
   * it: they are acknowledged and still kept.
   */
  unmatchedWaitMs: number;
  /** Requests that wait for a response. Past it: `QueueFullError`. */
  requestsMax: number;
  /** Steps of one enhanced authentication. Past it: disconnected. */
  authenticationStepsMax: number;
  /** How many states a reader of `states()` may be behind. Past it: it misses some. */
  statesMax: number;
}

/** The default limits of a client. */
export const DEFAULT_CLIENT_LIMITS: ClientLimits = {
  connectTimeoutMs: 10_000,
  pingTimeoutMs: 10_000,
  packetBytesMax: 16 * 1024 * 1024,
  receiveMaximum: 256,
  inflightMax: 1024,
  // What mosquitto accepts. With more, a QoS 2 exchange with mosquitto never ends.
  inflightUnsaidMax: 20,
  topicAliasMax: 64,
  queueMessagesMax: 65_536,
  queueBytesMax: 64 * 1024 * 1024,
  writeBytesMax: 256 * 1024,
  subscriptionsMax: 10_000,
  subscriptionMessagesMax: 1024,
  subscriptionBytesMax: 4 * 1024 * 1024,
  heldBytesMax: 64 * 1024 * 1024,
  unmatchedMessagesMax: 1024,
  unmatchedBytesMax: 4 * 1024 * 1024,
  unmatchedWaitMs: 5000,
  requestsMax: 1024,
  authenticationStepsMax: 16,
  statesMax: 256,
};

/** The range of some limits. All others may be 1 or more. */
const RANGES: Partial<Record<keyof ClientLimits, readonly [min: number, max: number]>> = {
  packetBytesMax: [16, 0xffff_ffff],
  receiveMaximum: [1, 65_535],
  // Messages in flight and requests share the packet identifiers, and a window uses less than half
  // of them.
  inflightMax: [1, 8192],
  inflightUnsaidMax: [1, 8192],
  topicAliasMax: [0, 65_535],
  subscriptionsMax: [1, 10_000],
  unmatchedMessagesMax: [0, Infinity],
  unmatchedBytesMax: [0, Infinity],
  unmatchedWaitMs: [0, Infinity],
};

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} If a limit is not a whole number or out of range.
 */
export function checkClientLimits(given: Partial<ClientLimits>): ClientLimits {
  const limits = { ...DEFAULT_CLIENT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(limits, name)) throw new RangeError(`Unknown limit: ${name}`);
    const key = name as keyof ClientLimits;
    const [min, max] = RANGES[key] ?? [1, Infinity];
    if (!(value >= min && value <= max && (Number.isInteger(value) || value === Infinity))) {
      throw new RangeError(`Cannot use limit ${name}: ${value} is not from ${min} to ${max}`);
    }
    limits[key] = value;
  }
  return limits;
}
