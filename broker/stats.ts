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
  /** Clients that were let in. */
  connectsAccepted = 0;
  /** Clients that were not. */
  connectsRefused = 0;
  /** Sessions that ended because their time was over. */
  sessionsExpired = 0;
  /** PUBLISH packets from clients. */
  messagesReceived = 0;
  /** PUBLISH packets to clients, as far as they were given to the network. */
  messagesSent = 0;
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
  /** Faults that were overlooked on lenient listeners, by kind. */
  readonly tolerated: Record<ToleratedFault, number> = {
    "receive-maximum": 0,
    "misplaced-property": 0,
    "empty-client-id": 0,
  };
}
