/**
 * What peers may make the broker hold or do, each with its unit. Every queue,
 * map, buffer and loop that a peer feeds has its limit here.
 */
export interface BrokerLimits {
  /** Connections at once, those not yet accepted included. Past it: refused as busy. */
  connectionsMax: number;
  /** Connections that were not let in yet. Past it: none is accepted until one is done; 0: no limit. */
  handshakesMax: number;
  /** Connections from one address (IPv6: one /64). Past it: closed at once; 0: no limit. */
  addressConnectionsMax: number;
  /** Connections from one address not let in yet. Past it: closed at once; 0: no limit. */
  addressHandshakesMax: number;
  /** Connections a second from one address, on average. Past it: closed at once; 0: no limit. */
  addressConnectsPerSecondMax: number;
  /** How many of them may come at once; 1 or more, unless there is no limit on their rate. */
  addressConnectsBurst: number;
  /** Connections a second in all. Past it: none is accepted until its time has come; 0: no limit. */
  connectsPerSecondMax: number;
  /** Addresses of which something is remembered. Past it: those not heard of for longest are forgotten. */
  addressesMax: number;
  /** Failed logins of one address that are forgiven. Past it: answered late; 0: no limit. */
  loginFailuresMax: number;
  /** After how long one failed login is forgotten, in milliseconds. */
  loginForgetMs: number;
  /** How late a failed login is answered then, in milliseconds. */
  loginDelayMs: number;
  /**
   * Late answers to one address that wait at once; 1 or more, unless no login is answered late.
   * Past it: refused, with no look at the password.
   */
  loginsDelayedMax: number;
  /** Take-overs of one session that are nothing special. Past it: the newcomer waits; 0: no limit. */
  takeOversMax: number;
  /** After how long one take-over is forgotten, in milliseconds. */
  takeOverForgetMs: number;
  /** How long a newcomer waits then, in milliseconds; another that comes meanwhile is refused. */
  takeOverDelayMs: number;
  /** Client identifiers whose take-overs are remembered. Past it: as for addresses. */
  flappingClientsMax: number;
  /** Milliseconds by which the event loop may be late. Past it: new connections are refused; 0: no limit. */
  loopLagMs: number;
  /** Connections whose PROXY header or handshake of TLS or WebSocket is not over. Past it: the oldest is closed. */
  arrivalsMax: number;
  /** From a connection to the end of those, in milliseconds. Past it: closed. */
  arrivalTimeoutMs: number;
  /**
   * WebSocket frames a second from one connection that bring nothing, on average and at once: pings,
   * pongs, empty ones. Past it: closed with 1008; 0: no limit.
   */
  idleFramesPerSecondMax: number;
  /** From a connection, or the end of its handshakes, to its CONNECT, in milliseconds. Past it: closed. */
  connectTimeoutMs: number;
  /** Bytes of a CONNECT packet. Past it: closed, with nothing of its body read. */
  connectBytesMax: number;
  /** Bytes of any other packet, both ways (Maximum Packet Size). Past it: 0x95 and closed. */
  packetBytesMax: number;
  /** PUBLISH packets a second from one connection, on average. Past it: it is not read; 0: no limit. */
  publishesPerSecondMax: number;
  /** Bytes a second from one connection, on average. Past it: it is not read; 0: no limit. */
  publishBytesPerSecondMax: number;
  /** User properties of one packet. Past it: 0x97 and closed. */
  userPropertiesMax: number;
  /** Bytes of user properties of one packet. Past it: 0x97 and closed. */
  userPropertyBytesMax: number;
  /** Filters of one SUBSCRIBE or UNSUBSCRIBE. Past it: 0x97 and closed. */
  filtersPerPacketMax: number;
  /** Seconds of Keep Alive a 5.0 client may ask for, and gets instead of none; 0: no limit. */
  keepAliveSecondsMax: number;
  /** Seconds a session may outlive its connection; 3.x clients with a clean session of 0 get this. */
  sessionExpirySecondsMax: number;
  /** Sessions, connected or not. Past it: a new one is refused with 0x97. */
  sessionsMax: number;
  /** Subscriptions of one client. Past it: 0x97 for the filter. */
  subscriptionsMax: number;
  /** Unacknowledged QoS 1 and 2 messages from one client (Receive Maximum). Past it: 0x93. */
  receiveMaximum: number;
  /** Unacknowledged QoS 1 and 2 messages to one client, if it allows as many; 32,767 at most. */
  inflightMax: number;
  /** Topic aliases of one client, each way (Topic Alias Maximum). Past it: 0x94. */
  topicAliasMax: number;
  /** Bytes of memory for the topics of one client's aliases. Past it: 0x97 and closed. */
  topicAliasBytesMax: number;
  /** Bytes of a topic or filter. Past it: topic or filter invalid. */
  topicBytesMax: number;
  /** Levels of a topic or filter. Past it: topic or filter invalid. */
  topicLevelsMax: number;
  /**
   * Steps that it takes to find all filters with wildcards that match a topic, in the worst case.
   * Past it: 0x97 for a filter that adds to them; 0: no limit, as from 1,000,000 on.
   */
  matchStepsMax: number;
  /** QoS 1 and 2 messages that wait for one session. Past it: the overflow policy. */
  backlogMessagesMax: number;
  /** Bytes of QoS 1 and 2 messages that wait for one session. Past it: the overflow policy. */
  backlogBytesMax: number;
  /** Bytes by which a QoS 0 subscriber may lag. Past it: it jumps ahead, which is counted. */
  lagBytesMax: number;
  /** Bytes that wait for a healthy subscriber before its publishers are read no further. */
  highWaterBytes: number;
  /** Milliseconds without progress after which a subscriber slows nobody down any more. */
  stallMs: number;
  /** Bytes of answers that wait for a client, or for the disk. Past it: it is not read until they left. */
  controlBytesMax: number;
  /** Milliseconds a client may take nothing of what waits for it. Past it: closed; 0: no limit. */
  drainMs: number;
  /** Milliseconds a closing connection has to take its last bytes. */
  lingerMs: number;
  /** Retained messages. Past it: 0x97, or dropped at QoS 0. */
  retainedMessagesMax: number;
  /** Bytes of retained messages. Past it: 0x97, or dropped at QoS 0. */
  retainedBytesMax: number;
  /** Wills that wait for an authorizer's answer, and for room in the store, each. Past it: dropped. */
  willsAskedMax: number;
  /** Bytes that may wait for a commit under way before publishers are read no further. */
  journalBytesMax: number;
  /** Bytes of messages that wait in the store. Past it: QoS 1 and 2 that must survive get 0x97. */
  storedBytesMax: number;
  /** Bytes of stored messages that are kept in memory too. Past it: read from the store again. */
  storeCacheBytesMax: number;
  /** Milliseconds of work between two looks at the sockets. Past it: what is left waits its turn. */
  turnMsMax: number;
  /** Topics whose route is remembered. Past it: the least used is found anew when needed. */
  routesMax: number;
  /** Bytes of memory for remembered routes. Past it: as for their number. */
  routesBytesMax: number;
  /**
   * Bytes of memory for everything that clients make the broker hold, as it counts them; 0 for two
   * fifths of what V8's heap may grow to. Near it caches make room, then what would grow is refused:
   * 0x97 for subscriptions, aliases, sessions and messages that must be kept.
   */
  memoryBytesMax: number;
}

/** The limits of a broker that is told nothing else. */
export const DEFAULT_LIMITS: BrokerLimits = {
  connectionsMax: 100_000,
  handshakesMax: 4000,
  addressConnectionsMax: 10_000,
  addressHandshakesMax: 200,
  addressConnectsPerSecondMax: 500,
  addressConnectsBurst: 5000,
  connectsPerSecondMax: 10_000,
  addressesMax: 65_536,
  loginFailuresMax: 5,
  loginForgetMs: 10_000,
  loginDelayMs: 3000,
  loginsDelayedMax: 8,
  takeOversMax: 50,
  takeOverForgetMs: 3000,
  takeOverDelayMs: 3000,
  flappingClientsMax: 10_000,
  loopLagMs: 1000,
  arrivalsMax: 1000,
  arrivalTimeoutMs: 10_000,
  idleFramesPerSecondMax: 100,
  connectTimeoutMs: 10_000,
  connectBytesMax: 256 * 1024,
  packetBytesMax: 16 * 1024 * 1024,
  publishesPerSecondMax: 0,
  publishBytesPerSecondMax: 0,
  userPropertiesMax: 1024,
  userPropertyBytesMax: 256 * 1024,
  filtersPerPacketMax: 4096,
  keepAliveSecondsMax: 0,
  sessionExpirySecondsMax: 7 * 24 * 3600,
  sessionsMax: 1_000_000,
  subscriptionsMax: 1_000_000,
  receiveMaximum: 1024,
  inflightMax: 1024,
  topicAliasMax: 64,
  topicAliasBytesMax: 256 * 1024,
  topicBytesMax: 65_535,
  topicLevelsMax: 64,
  matchStepsMax: 10_000,
  backlogMessagesMax: 100_000,
  backlogBytesMax: 64 * 1024 * 1024,
  lagBytesMax: 16 * 1024 * 1024,
  highWaterBytes: 1024 * 1024,
  stallMs: 5000,
  controlBytesMax: 256 * 1024,
  drainMs: 60_000,
  lingerMs: 2000,
  retainedMessagesMax: 1_000_000,
  retainedBytesMax: 1024 * 1024 * 1024,
  willsAskedMax: 10_000,
  journalBytesMax: 16 * 1024 * 1024,
  storedBytesMax: 16 * 1024 * 1024 * 1024,
  storeCacheBytesMax: 32 * 1024 * 1024,
  turnMsMax: 3,
  routesMax: 65_536,
  routesBytesMax: 32 * 1024 * 1024,
  memoryBytesMax: 0,
};

/** What happens when a session's backlog is full. */
export type OverflowPolicy =
  /** The session ends; the client learns it from 0x97 and from Session Present 0. The default. */
  | "end-session"
  /** The message is refused: its publisher gets 0x97, or is disconnected in 3.x. */
  | "refuse-publisher"
  /** The oldest message that waits is dropped. */
  | "drop-oldest"
  /** The message is dropped for this session. */
  | "drop-newest";

/**
 * Fills in what was not given.
 *
 * @param base What holds for limits that are not given; the defaults by default.
 * @throws {RangeError} If a limit is unknown, not a whole number of 0 or more, or out of range.
 */
export function checkLimits(
  given: Partial<BrokerLimits>,
  base: Readonly<BrokerLimits> = DEFAULT_LIMITS,
): BrokerLimits {
  const limits = { ...base };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) throw new RangeError(`Unknown limit: ${name}`);
    if (!(Number.isSafeInteger(value) && value >= 0)) {
      throw new RangeError(`Cannot use limit ${name}: ${value} is not a whole number of 0 or more`);
    }
    limits[name as keyof BrokerLimits] = value;
  }
  check16Bit(limits, "receiveMaximum", 1, 65_535);
  check16Bit(limits, "inflightMax", 1, 32_767);
  check16Bit(limits, "topicAliasMax", 0, 65_535);
  check16Bit(limits, "keepAliveSecondsMax", 0, 65_535);
  const [fault] = burstFaults(limits);
  if (fault !== undefined) throw new RangeError(`Cannot use limit ${fault.burst}: ${fault.text}`);
  return limits;
}

/** Limits of what may come at once, beside the limit of the rate that they belong to. */
const BURSTS = [
  ["addressConnectsBurst", "addressConnectsPerSecondMax", "connection"],
  ["loginsDelayedMax", "loginFailuresMax", "login after a failed one"],
] as const;

/** A burst of none where there is a rate: it would let nothing through at all, which nobody means. */
export interface BurstFault {
  readonly burst: keyof BrokerLimits;
  readonly rate: keyof BrokerLimits;
  /** What is wrong, and what would be right. */
  readonly text: string;
}

/** Every burst that is 0 while its rate is not. */
export function burstFaults(limits: Readonly<BrokerLimits>): BurstFault[] {
  return BURSTS.filter(([burst, rate]) => limits[burst] === 0 && limits[rate] > 0)
    .map(([burst, rate, what]) => ({
      burst,
      rate,
      text: `0 would refuse every ${what} while ${rate} is ${limits[rate]}; ` +
        `give 1 or more, or ${rate} 0 for no limit`,
    }));
}

function check16Bit(limits: BrokerLimits, name: keyof BrokerLimits, min: number, max: number) {
  const value = limits[name];
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `Cannot use limit ${name}: ${value} is not a whole number, ${min} to ${max}`,
    );
  }
}
