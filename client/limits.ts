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
  /** Unacknowledged QoS 1 and 2 messages from the server (Receive Maximum). The server keeps it. */
  receiveMaximum: number;
  /** Unacknowledged QoS 1 and 2 messages to the server, if it allows as many; 8,192 at most. */
  inflightMax: number;
  /** The same for a server that does not say how many it allows, as none can in 3.1.1. */
  inflightUnsaidMax: number;
  /** Topic aliases, each way (Topic Alias Maximum). Past it: whole topics, or 0x94. */
  topicAliasMax: number;
  /** Messages that wait to be sent, connected or not. Past it: `QueueFullError`. */
  queueMessagesMax: number;
  /** Bytes of messages that wait to be sent. Past it: `QueueFullError`. */
  queueBytesMax: number;
  /** Bytes that wait for the socket. Past it: messages wait in the queue instead. */
  writeBytesMax: number;
  /** Subscriptions, those included whose end the server has not confirmed; 10,000 at most. */
  subscriptionsMax: number;
  /** Messages a subscription holds. Past it: nothing more is read, or the oldest is dropped. */
  subscriptionMessagesMax: number;
  /** Bytes a subscription holds. Past it: nothing more is read, or the oldest is dropped. */
  subscriptionBytesMax: number;
  /**
   * Bytes all subscriptions hold, while reading goes on because the program
   * waits for an answer; once for QoS 0, once for QoS 1 and 2. Past it: QoS 0
   * messages are dropped; for QoS 1 and 2, nothing more is read.
   */
  heldBytesMax: number;
  /**
   * Messages of a resumed session kept for a subscription to come. Past it:
   * nothing more is read, and after `unclaimedWaitMs` the oldest is dropped.
   */
  unclaimedMessagesMax: number;
  /** Bytes of such messages. Past it: the same. */
  unclaimedBytesMax: number;
  /**
   * How long such messages stay unacknowledged after the last `subscribe()`, in
   * milliseconds. Past it: they are acknowledged, and kept.
   */
  unclaimedWaitMs: number;
  /** Requests that wait for a response. Past it: `QueueFullError`. */
  requestsMax: number;
  /** Steps of one enhanced authentication. Past it: disconnected. */
  authenticationStepsMax: number;
  /** States that a reader of `states()` may be late. Past it: it misses some. */
  statesMax: number;
}

/** The limits of a client that is told nothing else. */
export const DEFAULT_CLIENT_LIMITS: ClientLimits = {
  connectTimeoutMs: 10_000,
  pingTimeoutMs: 10_000,
  packetBytesMax: 16 * 1024 * 1024,
  receiveMaximum: 256,
  inflightMax: 1024,
  // What mosquitto takes: past it a QoS 2 handshake with it never ends.
  inflightUnsaidMax: 20,
  topicAliasMax: 64,
  queueMessagesMax: 65_536,
  queueBytesMax: 64 * 1024 * 1024,
  writeBytesMax: 256 * 1024,
  subscriptionsMax: 10_000,
  subscriptionMessagesMax: 1024,
  subscriptionBytesMax: 4 * 1024 * 1024,
  heldBytesMax: 64 * 1024 * 1024,
  unclaimedMessagesMax: 1024,
  unclaimedBytesMax: 4 * 1024 * 1024,
  unclaimedWaitMs: 5000,
  requestsMax: 1024,
  authenticationStepsMax: 16,
  statesMax: 256,
};

/** The least and the most that some limits may be; from 1 on for all others. */
const RANGES: Partial<Record<keyof ClientLimits, readonly [min: number, max: number]>> = {
  packetBytesMax: [16, 0xffff_ffff],
  receiveMaximum: [1, 65_535],
  // Flights and requests share the packet identifiers, of which a window uses under half.
  inflightMax: [1, 8192],
  inflightUnsaidMax: [1, 8192],
  topicAliasMax: [0, 65_535],
  subscriptionsMax: [1, 10_000],
  unclaimedMessagesMax: [0, Infinity],
  unclaimedBytesMax: [0, Infinity],
  unclaimedWaitMs: [0, Infinity],
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
