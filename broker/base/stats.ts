/** Why messages were dropped, or never sent. */
export type DropReason =
  /** A QoS 0 subscriber lagged too far behind. */
  | "lag"
  /** A session's backlog was full. */
  | "backlog"
  /** Its topic is not under the mount point of the listener by which the session's client came. */
  | "outside-mount"
  /** The message expired before it could be sent. */
  | "expired"
  /** The message is larger than the client accepts. */
  | "too-large"
  /** The payload is larger than the rules of the publisher's listener allow. */
  | "payload-too-large"
  /** There was no room for another retained message. */
  | "retained-full"
  /** The session ended with messages that waited for it. */
  | "session-ended"
  /** The authorizer refused the publication. */
  | "not-authorized"
  /** The subscriber may not receive the topic; counted, but not told to the `dropped` hook. */
  | "read-denied";

/** A fault of a client on a lenient listener that was overlooked. */
export type ToleratedFault =
  /** A QoS 2 message beyond the Receive Maximum of the broker: it was taken. */
  | "receive-maximum"
  /** A property where it does not belong and does no harm: it was left out. */
  | "misplaced-property"
  /** An empty client identifier with Clean Session 0: the session is clean, and has a name. */
  | "empty-client-id";

/** Why something was slowed down, held off or refused: which limit was reached. */
export type LimitReason =
  /** `connectionsMax`, or that of a listener: a connection was refused as one too many. */
  | "connections"
  /** `handshakesMax`: nothing was accepted for a while. */
  | "handshakes"
  /** `connectsPerSecondMax`: nothing was accepted for a while. */
  | "connect-rate"
  /** `addressConnectionsMax`: a connection was closed at once. */
  | "address-connections"
  /** `addressHandshakesMax`: a connection was closed at once. */
  | "address-handshakes"
  /** `addressConnectsPerSecondMax`: a connection was closed at once. */
  | "address-rate"
  /** `idleFramesPerSecondMax`: a client was closed that sent too many. */
  | "websocket-frames"
  /** `connectTimeoutMs`: no CONNECT came in time, or an authentication went nowhere. */
  | "connect-timeout"
  /** `loginFailuresMax`: a failed login was answered late; `loginsDelayedMax`: one was refused. */
  | "logins"
  /** `takeOversMax`: a client was held off, or refused, that would take over once more. */
  | "take-overs"
  /** `loopLagMs`: a connection was refused while the broker had no time. */
  | "busy"
  /** `connectBytesMax`, `packetBytesMax`: a packet was too large. */
  | "packet-bytes"
  /** `publishesPerSecondMax`, `publishBytesPerSecondMax`: a client was not read for a while. */
  | "publish-rate"
  /** `userPropertiesMax`, `userPropertyBytesMax`: a packet had too many. */
  | "user-properties"
  /** `filtersPerPacketMax`: a packet had too many. */
  | "filters"
  /** `subscriptionsMax`: a subscription was refused. */
  | "subscriptions"
  /** `matchStepsMax`: a subscription was refused. */
  | "match-steps"
  /** `sessionsMax`: a client was refused. */
  | "sessions"
  /** `memoryBytesMax`: a subscription, a retained message, a message that had to wait, an alias or a session was refused. */
  | "memory"
  /** `topicAliasBytesMax`: a client was closed. */
  | "topic-aliases"
  /** `controlBytesMax`: a client was not read until it had taken its answers. */
  | "control-bytes"
  /** `drainMs`: a client was closed that took nothing. */
  | "drain";

/** What a broker counts from its start on. */
export class BrokerStats {
  /** Connections as of now. */
  connections = 0;
  /** Connections that were refused because there were too many. */
  connectionsRefused = 0;
  /** Connections that were taken, from the start on. */
  connectionsAccepted = 0;
  /** Clients that are connected and let in as of now. */
  clients = 0;
  /** The most of them there ever were at once. */
  clientsMost = 0;
  /** Connections as of now whose handshake of TLS or WebSocket, or PROXY header, is not over. */
  arrivals = 0;
  /** Connections that ended so: because it was no good, or took too long, or too many came. */
  arrivalsFailed = 0;
  /** Clients that were let in. */
  connectsAccepted = 0;
  /** Clients that were not. */
  connectsRefused = 0;
  /** Sessions that ended because their time was over. */
  sessionsExpired = 0;
  /** Logins that have failed: with a wrong password, say. */
  loginsFailed = 0;
  /** By how much the event loop was late when it was last looked at, in milliseconds. */
  loopLagMs = 0;
  /** PUBLISH packets from clients. */
  messagesReceived = 0;
  /** PUBLISH packets to clients, as far as they were given to the network. */
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
  /** Connections that were closed for breaking the protocol. */
  protocolErrors = 0;
  /** Failures inside the broker that ended a connection; each is reported. */
  internalErrors = 0;
  /** Times a publisher was not read because a subscriber was busy. */
  backpressureWaits = 0;
  /** Subscriptions that ended because the authorizer allows them no more. */
  subscriptionsRevoked = 0;
  /** Messages that were refused with 0x97. */
  messagesRefused = 0;
  /** Times the store could not take what it was given; it is tried again. */
  commitsFailed = 0;
  /** Messages that should have been in the store and were not: it was damaged. */
  messagesLost = 0;
  /** Rows of the store that made no sense when it was opened, and were removed. */
  storeRowsLost = 0;
  /** Messages dropped, by reason. */
  readonly dropped: Record<DropReason, number> = {
    "lag": 0,
    "backlog": 0,
    "outside-mount": 0,
    "expired": 0,
    "too-large": 0,
    "payload-too-large": 0,
    "retained-full": 0,
    "session-ended": 0,
    "not-authorized": 0,
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
    "sessions": 0,
    "memory": 0,
    "topic-aliases": 0,
    "control-bytes": 0,
    "drain": 0,
  };
  /** Faults that were overlooked on lenient listeners, by kind. */
  readonly tolerated: Record<ToleratedFault, number> = {
    "receive-maximum": 0,
    "misplaced-property": 0,
    "empty-client-id": 0,
  };
}
