/** What a bridge has done since it was added. */

/** Why a bridge did not pass a message on. */
export type BridgeDropReason =
  /** It is larger than the broker that it goes to, or `packetBytesMax`, allows. */
  | "too-large"
  /** It went round in a circle of bridges. */
  | "loop"
  /** No topic of the bridge matches, or its name on the other side would not be valid. */
  | "unmatched"
  /** The broker that it went to has refused it for good. */
  | "refused"
  /** It changed a retained message while there was no connection, and too many others had changed. */
  | "retained";

/** What a bridge has done since it was added. */
export interface BridgeCounters {
  /** Messages that were sent to the other broker. */
  messagesOut: number;
  /** Messages that were published on this broker. */
  messagesIn: number;
  /** Bytes of payload that were sent to the other broker. */
  bytesOut: number;
  /** Bytes of payload that were published on this broker. */
  bytesIn: number;
  /** Connections that were made. */
  connects: number;
  /** Attempts that failed, and connections that were lost. */
  failures: number;
  /** Messages that were not passed on, by the reason. */
  readonly dropped: Record<BridgeDropReason, number>;
}

/** All zero. */
export function newCounters(): BridgeCounters {
  return {
    messagesOut: 0,
    messagesIn: 0,
    bytesOut: 0,
    bytesIn: 0,
    connects: 0,
    failures: 0,
    dropped: { "too-large": 0, loop: 0, unmatched: 0, refused: 0, retained: 0 },
  };
}
