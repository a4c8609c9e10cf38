/** The counters of the broker, and the reasons by which they count. */

/** Why messages were dropped, or not sent. */
export type DropReason =
  /** A QoS 0 subscriber lagged too far behind. */
  | "lag"
  /** A session's backlog was full. */
  | "backlog"
  /** The topic is outside the mount point of the session's listener. */
  | "outside-mount"
  /** The message expired before it could be sent. */
  | "expired"
  /** The message is larger than the client's Maximum Packet Size. */
  | "too-large"
  /** The payload is larger than allowed by the publisher's listener. */
  | "payload-too-large"
  /** The `transform` of the program refused or swallowed it. */
  | "transform"
  /** The `deliver` of the program kept it from a client. */
  | "deliver"
  /** There was no room for another retained message. */
  | "retained-full"
  /** The topic of a delayed message was not valid, or, at QoS 0, there was no room for it. */
  | "delayed"
  /** The session ended while messages waited for it. */
  | "session-ended"
  /** The authorizer refused the publication. */
  | "not-authorized"
  /** A QoS 0 message for a stream came while the disk was full: the stream has a gap. */
  | "stream-full"
  /** Members of a group have refused it, or gone with it too often; there is no dead-letter stream. */
  | "undeliverable"
  /** The message left its stream before a reader of the stream had got there. */
  | "stream-gap"
  /** The subscriber may not receive the topic. Counted without a call of the `dropped` hook. */
  | "read-denied";

/** A protocol fault of a client that a lenient listener tolerated. */
export type ToleratedFault =
  /** A QoS 2 message beyond the Receive Maximum of the broker: it was accepted. */
  | "receive-maximum"
  /** A harmless property in a packet that must not have it: it was ignored. */
  | "misplaced-property"
  /**
   * An empty client identifier with Clean Session 0: the session is clean, and an identifier was
   * assigned.
   */
  | "empty-client-id";

/** Which limit caused something to be slowed down, delayed or refused. */
export type LimitReason =
  /** `connectionsMax`, or that of a listener: a connection was refused. */
  | "connections"
  /** `handshakesMax`: accepting was paused. */
  | "handshakes"
  /** `connectsPerSecondMax`: accepting was paused. */
  | "connect-rate"
  /** `addressConnectionsMax`: a connection was closed at once. */
  | "address-connections"
  /** `addressHandshakesMax`: a connection was closed at once. */
  | "address-handshakes"
  /** `addressConnectsPerSecondMax`: a connection was closed at once. */
  | "address-rate"
  /** `idleFramesPerSecondMax`: a connection was closed. */
  | "websocket-frames"
  /** `connectTimeoutMs`: no CONNECT arrived in time, or an authentication was not completed. */
  | "connect-timeout"
  /** `loginFailuresMax`: a failed login was answered late; `loginsDelayedMax`: one was refused. */
  | "logins"
  /** `takeOversMax`: a client that takes over a session was delayed or refused. */
  | "take-overs"
  /** `loopLagMs`: a connection was refused while the broker was overloaded. */
  | "busy"
  /** `connectBytesMax`, `packetBytesMax`, `requestBytesMax`: a packet was too large. */
  | "packet-bytes"
  /** `publishesPerSecondMax`, `publishBytesPerSecondMax`: reading from a client was paused. */
  | "publish-rate"
  /** `userPropertiesMax`, `userPropertyBytesMax`: a packet had too many. */
  | "user-properties"
  /** `filtersPerPacketMax`: a packet had too many. */
  | "filters"
  /** `subscriptionsMax`: a subscription was refused. */
  | "subscriptions"
  /** `matchStepsMax`: a subscription was refused. */
  | "match-steps"
  /** `replaysMax`: a subscription that reads a stream was refused. */
  | "replays"
  /** `replaysTotalMax`: a subscription that reads a stream was refused. */
  | "replays-total"
  /** `replaySubscribesPerSecondMax`: a subscription that reads a stream was refused. */
  | "replay-rate"
  /** `replayTurnPercent`: a replay was put off to a later turn. */
  | "replay-turn"
  /** `replayTopicsMax`: a subscription with `last-per-topic` was refused. */
  | "replay-topics"
  /** `groupsMax`: a subscription that would begin a group was refused. */
  | "groups"
  /** `groupMembersMax`: a subscription to a group was refused. */
  | "group-members"
  /** `groupPendingMax`: a group is given nothing new until more is acknowledged. */
  | "group-pending"
  /** `groupAckSecondsMax`: a member that did not acknowledge was disconnected. */
  | "group-ack"
  /** `groupIdleSecondsMax`: a group without members was removed. */
  | "group-idle"
  /** `deadLettersPerSecondMax`: a dead letter had to wait, or was not kept. */
  | "dead-letters"
  /** `sessionsMax`: a client was refused. */
  | "sessions"
  /**
   * `memoryBytesMax`: a subscription, a retained message, a message that had to wait, an alias or a
   * session was refused.
   */
  | "memory"
  /** `topicAliasBytesMax`: a connection was closed. */
  | "topic-aliases"
  /** `controlBytesMax`: reading from a client was paused until it had received its responses. */
  | "control-bytes"
  /** `drainMs`: a client that received nothing was closed. */
  | "drain"
  /** `delayedMessagesMax`, `delayedBytesMax`: a delayed message was refused. */
  | "delayed";

/**
 * Counters since the start of the broker. They are public: each is counted by the part of the
 * broker that sees the event.
 */
export class BrokerCounters {
  /** The current number of connections. */
  connections = 0;
  /** Connections that were refused because there were too many. */
  connectionsRefused = 0;
  /** Accepted connections. */
  connectionsAccepted = 0;
  /** The current number of connected clients with an accepted CONNECT. */
  clients = 0;
  /** The maximum of `clients` so far. */
  clientsMost = 0;
  /**
   * The current number of connections with an unfinished TLS or WebSocket handshake, or PROXY
   * header.
   */
  pendingHandshakes = 0;
  /** Connections that failed there: by an error, a timeout, or because there were too many. */
  handshakesFailed = 0;
  /** Accepted clients. */
  connectsAccepted = 0;
  /** Refused clients. */
  connectsRefused = 0;
  /** Sessions that have expired. */
  sessionsExpired = 0;
  /** Failed logins, such as with a wrong password. */
  loginsFailed = 0;
  /** The last measured delay of the event loop, in milliseconds. */
  loopLagMs = 0;
  /** PUBLISH packets from clients. */
  messagesReceived = 0;
  /** PUBLISH packets to clients that were passed to the network. */
  messagesSent = 0;
  /** Bytes of their payloads, those from clients. */
  payloadBytesReceived = 0;
  /** Bytes of PUBLISH packets to clients, as far as they were given to the network. */
  publishBytesSent = 0;
  /** All other packets from clients. */
  controlPacketsReceived = 0;
  /** All other packets to clients. */
  controlPacketsSent = 0;
  /** Bytes from clients. */
  bytesReceived = 0;
  /** Bytes to clients. */
  bytesSent = 0;
  /** Connections that were ended because their authentication had expired. */
  authenticationsExpired = 0;
  /** Connections that were closed because of a protocol violation. */
  protocolErrors = 0;
  /** Internal errors that ended a connection; each is reported. */
  internalErrors = 0;
  /** How often reading from a publisher paused because of a slow subscriber. */
  backpressureWaits = 0;
  /** Subscriptions that ended because the authorizer no longer allows them. */
  subscriptionsRevoked = 0;
  /** Messages that were refused: clients with 0x97, the program with a `QuotaExceededError`. */
  messagesRefused = 0;
  /** Messages that were kept as dead letters. */
  deadLetters = 0;
  /** Messages that were taken to be published later. */
  messagesDelayed = 0;
  /** Commits that failed; they are retried. */
  commitsFailed = 0;
  /** Stored messages that were lost because the store was damaged. */
  messagesLost = 0;
  /** Invalid rows of the store that were removed when it was opened. */
  storeRowsLost = 0;
  /**
   * Deletions of retained messages that were forgotten before their time because there were too
   * many: a node that was down meanwhile may bring such a message back.
   */
  retainedDeletionsForgotten = 0;
  /** Messages dropped, by reason. */
  readonly dropped: Record<DropReason, number> = {
    "lag": 0,
    "backlog": 0,
    "outside-mount": 0,
    "expired": 0,
    "too-large": 0,
    "payload-too-large": 0,
    "transform": 0,
    "deliver": 0,
    "retained-full": 0,
    "delayed": 0,
    "session-ended": 0,
    "not-authorized": 0,
    "stream-full": 0,
    "stream-gap": 0,
    "undeliverable": 0,
    "read-denied": 0,
  };
  /** How often each limit was reached. */
  readonly limited: Record<LimitReason, number> = {
    "connections": 0,
    "handshakes": 0,
    "connect-rate": 0,
    "address-connections": 0,
    "address-handshakes": 0,
    "address-rate": 0,
    "websocket-frames": 0,
    "connect-timeout": 0,
    "logins": 0,
    "take-overs": 0,
    "busy": 0,
    "packet-bytes": 0,
    "publish-rate": 0,
    "user-properties": 0,
    "filters": 0,
    "subscriptions": 0,
    "match-steps": 0,
    "replays": 0,
    "replays-total": 0,
    "replay-rate": 0,
    "replay-turn": 0,
    "replay-topics": 0,
    "groups": 0,
    "group-members": 0,
    "group-pending": 0,
    "group-ack": 0,
    "group-idle": 0,
    "dead-letters": 0,
    "sessions": 0,
    "memory": 0,
    "topic-aliases": 0,
    "control-bytes": 0,
    "drain": 0,
    "delayed": 0,
  };
  /** Tolerated faults on lenient listeners, by kind. */
  readonly tolerated: Record<ToleratedFault, number> = {
    "receive-maximum": 0,
    "misplaced-property": 0,
    "empty-client-id": 0,
  };
}
