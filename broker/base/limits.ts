/** Every limit of the broker: its name, unit and default. */

/**
 * Limits of the resources and work that peers can cause, each with its unit. Every queue, map,
 * buffer and loop that a peer feeds has its limit here.
 */
export interface BrokerLimits {
  /** Connections at the same time, including those not yet accepted. Beyond it: refused as busy. */
  connectionsMax: number;
  /**
   * Connections without an accepted CONNECT. Beyond it: no connection is accepted until one is
   * done; 0: no limit.
   */
  handshakesMax: number;
  /** Connections from one address (IPv6: one /64). Beyond it: closed at once; 0: no limit. */
  addressConnectionsMax: number;
  /**
   * Connections from one address without an accepted CONNECT. Beyond it: closed at once; 0: no
   * limit.
   */
  addressHandshakesMax: number;
  /**
   * Connections per second from one address, on average. Beyond it: closed at once; 0: no limit.
   */
  addressConnectsPerSecondMax: number;
  /** The burst of that rate: 1 or more, unless the rate has no limit. */
  addressConnectsBurst: number;
  /** Connections per second in total. Beyond it: they are accepted later; 0: no limit. */
  connectsPerSecondMax: number;
  /** Addresses for which data is kept. Beyond it: the least recently seen are removed. */
  addressesMax: number;
  /** Failed logins of one address without consequence. Beyond it: answered late; 0: no limit. */
  loginFailuresMax: number;
  /** Time after which one failed login is forgotten, in milliseconds. */
  loginForgetMs: number;
  /** The delay of late answers to failed logins, in milliseconds. */
  loginDelayMs: number;
  /**
   * Late answers to one address at the same time; 1 or more, unless no login is answered late.
   * Beyond it: refused without a check of the password.
   */
  loginsDelayedMax: number;
  /**
   * Take-overs of one session without consequence. Beyond it: the new client waits; 0: no limit.
   */
  takeOversMax: number;
  /** Time after which one take-over is forgotten, in milliseconds. */
  takeOverForgetMs: number;
  /** The wait of the new client, in milliseconds. Another one during that time is refused. */
  takeOverDelayMs: number;
  /** Client identifiers for which take-overs are counted. Beyond it: as for addresses. */
  flappingClientsMax: number;
  /**
   * Delay of the event loop, in milliseconds. Beyond it: new connections are refused; 0: no limit.
   */
  loopLagMs: number;
  /**
   * Connections with an unfinished PROXY header, or TLS or WebSocket handshake. Beyond it: the
   * oldest is closed.
   */
  pendingHandshakesMax: number;
  /** Time from a connection to the end of those handshakes, in milliseconds. Beyond it: closed. */
  handshakeTimeoutMs: number;
  /**
   * WebSocket frames per second from one connection without data (pings, pongs, empty frames), on
   * average and as a burst. Beyond it: closed with 1008; 0: no limit.
   */
  idleFramesPerSecondMax: number;
  /**
   * Time from a connection, or the end of its handshakes, to its CONNECT, in milliseconds. Beyond
   * it: closed.
   */
  connectTimeoutMs: number;
  /** Bytes of a CONNECT packet. Beyond it: closed before its body is read. */
  connectBytesMax: number;
  /**
   * Bytes of any other packet, in both directions (Maximum Packet Size). Beyond it: 0x95 and
   * closed.
   */
  packetBytesMax: number;
  /**
   * Bytes of a SUBSCRIBE, an UNSUBSCRIBE or another packet that is no PUBLISH and no CONNECT. Beyond
   * it: 0x97 and closed before its body is read.
   */
  requestBytesMax: number;
  /**
   * PUBLISH packets per second from one connection, on average. Beyond it: reading pauses; 0: no
   * limit.
   */
  publishesPerSecondMax: number;
  /** Bytes per second from one connection, on average. Beyond it: reading pauses; 0: no limit. */
  publishBytesPerSecondMax: number;
  /** User Properties of one packet. Beyond it: 0x97 and closed. */
  userPropertiesMax: number;
  /** Bytes of User Properties of one packet. Beyond it: 0x97 and closed. */
  userPropertyBytesMax: number;
  /** Filters of one SUBSCRIBE or UNSUBSCRIBE. Beyond it: 0x97 and closed. */
  filtersPerPacketMax: number;
  /** Keep Alive of a 5.0 client, in seconds, also if it requests none; 0: no limit. */
  keepAliveSecondsMax: number;
  /**
   * Seconds that a session may outlive its connection; 3.x clients with Clean Session 0 get this.
   */
  sessionExpirySecondsMax: number;
  /** Sessions, connected or not. Beyond it: a new one is refused with 0x97. */
  sessionsMax: number;
  /** Subscriptions of one client. Beyond it: 0x97 for the filter. */
  subscriptionsMax: number;
  /** Unacknowledged QoS 1 and 2 messages from one client (Receive Maximum). Beyond it: 0x93. */
  receiveMaximum: number;
  /** Unacknowledged QoS 1 and 2 messages to one client, if it allows as many; 32,767 at most. */
  inflightMax: number;
  /** Topic Aliases of one client, in each direction (Topic Alias Maximum). Beyond it: 0x94. */
  topicAliasMax: number;
  /** Bytes of memory for the topics of one client's aliases. Beyond it: 0x97 and closed. */
  topicAliasBytesMax: number;
  /** Bytes of a topic or filter. Beyond it: topic or filter invalid. */
  topicBytesMax: number;
  /** Levels of a topic or filter. Beyond it: topic or filter invalid. */
  topicLevelsMax: number;
  /**
   * Steps to find all filters with wildcards that match a topic, in the worst case. Beyond it: 0x97
   * for a filter that adds steps; 0: no limit, as from 1,000,000 on.
   */
  matchStepsMax: number;
  /** Waiting QoS 1 and 2 messages of one session. Beyond it: the overflow policy. */
  backlogMessagesMax: number;
  /** Bytes of waiting QoS 1 and 2 messages of one session. Beyond it: the overflow policy. */
  backlogBytesMax: number;
  /** Bytes that a QoS 0 subscriber may lag. Beyond it: messages are skipped and counted. */
  lagBytesMax: number;
  /** Bytes that wait for a healthy subscriber. Beyond it: reading from its publishers pauses. */
  highWaterBytes: number;
  /** Milliseconds without progress after which a subscriber no longer slows publishers down. */
  stallMs: number;
  /**
   * Bytes of responses that wait for a client, or for the disk. Beyond it: reading pauses until
   * they are sent.
   */
  controlBytesMax: number;
  /** Milliseconds without progress of a write to a client. Beyond it: closed; 0: no limit. */
  drainMs: number;
  /** Milliseconds that a closing connection has to receive its last bytes. */
  lingerMs: number;
  /** Retained messages. Beyond it: 0x97, or dropped at QoS 0. */
  retainedMessagesMax: number;
  /** Bytes of retained messages. Beyond it: 0x97, or dropped at QoS 0. */
  retainedBytesMax: number;
  /**
   * Wills that wait for an authorizer's answer, and for room in the store, each. Beyond it:
   * dropped.
   */
  willsAskedMax: number;
  /** Delayed messages. Beyond it: 0x97, or dropped at QoS 0. */
  delayedMessagesMax: number;
  /** Bytes of delayed messages. Beyond it: 0x97, or dropped at QoS 0. */
  delayedBytesMax: number;
  /** Seconds by which a message may be delayed. Beyond it: its topic is refused with 0x90. */
  delaySecondsMax: number;
  /** Bytes that may wait for a commit in progress. Beyond it: reading from publishers pauses. */
  journalBytesMax: number;
  /** Bytes of stored messages. Beyond it: QoS 1 and 2 messages that must be stored get 0x97. */
  storedBytesMax: number;
  /** Bytes of stored messages that are in memory too. Beyond it: read from the store again. */
  storeCacheBytesMax: number;
  /** Streams that are declared. Past it: declaring one more throws. */
  streamsMax: number;
  /**
   * Bytes of messages of streams in memory. Past it: the least recently read are read from the
   * store again.
   */
  streamCacheBytesMax: number;
  /**
   * Topics of one stream with a limit per topic. Past it: the oldest messages are removed, as past
   * every limit of a stream.
   */
  streamTopicsMax: number;
  /** Subscriptions of one session that read a stream. Past it: 0x97. */
  replaysMax: number;
  /** Subscriptions of all sessions together that read a stream, without groups. Past it: 0x97. */
  replaysTotalMax: number;
  /**
   * Subscriptions to streams that one client begins, or begins anew, in a second on average. Past
   * it: 0x97; 0 for no limit.
   */
  replaySubscribesPerSecondMax: number;
  /** The burst of that rate. */
  replaySubscribesBurst: number;
  /** Percent of a turn that all replays together take. Beyond it: they go on in a later turn. */
  replayTurnPercent: number;
  /**
   * Bytes of messages that are read from the store before a reader of a stream needs them; less if
   * many read. Beyond it: they are read when they are needed. So many also wait for the commit of
   * their packet identifiers, for one session that reads with QoS 2.
   */
  replayAheadBytesMax: number;
  /** Messages that `last-per-topic` of a stream finds. Past it: 0x97. */
  replayTopicsMax: number;
  /** Groups that read one stream. Past it: 0x97. */
  groupsMax: number;
  /** Members of one group, connected or not. Past it: 0x97. */
  groupMembersMax: number;
  /**
   * Messages of one group that wait for an acknowledgement. Past it: the group gets no new ones.
   */
  groupPendingMax: number;
  /**
   * Messages of one group member that wait for an acknowledgement. Past it: others get the next
   * ones.
   */
  groupMemberPendingMax: number;
  /**
   * Seconds after which a group member must have acknowledged a message. Past it: its client is
   * disconnected with 0x83, and others get the message; 0: no limit.
   */
  groupAckSecondsMax: number;
  /** Seconds that a group is kept without members. Past it: it is removed; 0: no limit. */
  groupIdleSecondsMax: number;
  /** Dead letters that are kept in a second. Past it: those of groups wait; 0: no limit. */
  deadLettersPerSecondMax: number;
  /**
   * Milliseconds of work before the sockets are polled. Beyond it: the remaining work waits for
   * another turn.
   */
  turnMsMax: number;
  /** Topics with a cached route. Beyond it: the least used are looked up again when needed. */
  routesMax: number;
  /** Bytes of memory for cached routes. Beyond it: as for their number. */
  routesBytesMax: number;
  /**
   * Bytes of memory for everything that clients cause the broker to keep, as it counts them; 0 for
   * two fifths of the maximum size of V8's heap. Near it caches shrink, then growth is refused: 0x97
   * for subscriptions, aliases and messages that must be kept, 0x88 for new sessions.
   */
  memoryBytesMax: number;
}

/** The default limits. */
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
  pendingHandshakesMax: 1000,
  handshakeTimeoutMs: 10_000,
  idleFramesPerSecondMax: 100,
  connectTimeoutMs: 10_000,
  connectBytesMax: 256 * 1024,
  packetBytesMax: 16 * 1024 * 1024,
  requestBytesMax: 1024 * 1024,
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
  delayedMessagesMax: 100_000,
  delayedBytesMax: 64 * 1024 * 1024,
  delaySecondsMax: 4_294_967,
  journalBytesMax: 16 * 1024 * 1024,
  storedBytesMax: 16 * 1024 * 1024 * 1024,
  storeCacheBytesMax: 32 * 1024 * 1024,
  streamsMax: 64,
  streamCacheBytesMax: 16 * 1024 * 1024,
  streamTopicsMax: 100_000,
  replaysMax: 16,
  replayAheadBytesMax: 1024 * 1024,
  replayTopicsMax: 10_000,
  replaysTotalMax: 10_000,
  replaySubscribesPerSecondMax: 10,
  replaySubscribesBurst: 100,
  replayTurnPercent: 4,
  groupsMax: 64,
  groupMembersMax: 1000,
  groupPendingMax: 10_000,
  groupMemberPendingMax: 1000,
  groupAckSecondsMax: 0,
  groupIdleSecondsMax: 30 * 24 * 3600,
  deadLettersPerSecondMax: 100,
  turnMsMax: 3,
  routesMax: 65_536,
  routesBytesMax: 32 * 1024 * 1024,
  memoryBytesMax: 0,
};

/** The policy for messages to a session whose backlog is full. */
export type OverflowPolicy =
  /**
   * The session ends. The client receives 0x97, and Session Present 0 when it reconnects. The
   * default.
   */
  | "end-session"
  /** The message is refused: its publisher receives 0x97, or is disconnected in 3.x. */
  | "refuse-publisher"
  /** The oldest waiting message is dropped. */
  | "drop-oldest"
  /** The message is dropped for this session. */
  | "drop-newest";
