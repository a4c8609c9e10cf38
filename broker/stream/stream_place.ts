/** Where a message of a stream that is in flight is found again after a restart. */

/** Sequences that are gone, both included. */
export interface StreamGap {
  readonly from: number;
  readonly to: number;
}

/** The subscription that a message is sent for. */
export interface StreamSource {
  /** The filter of its SUBSCRIBE. */
  readonly key: string;
  /** The name of the stream. */
  readonly stream: string;
  /** The identifier of the stream: another one may have its name later. */
  readonly streamId: number;
  /** The prefix of its topics; `""` for none. */
  readonly prefix: string;
  /** Bytes of the mount point, which stays in front of the prefix. */
  readonly mountBytes: number;
}

/** A message of a stream that is in flight with QoS 2, as it is stored with its session. */
export interface StreamPlace {
  /** The same object for all messages of a subscription. */
  readonly source: StreamSource;
  readonly seq: number;
  /** The gap that it reports; `null` for none. */
  readonly gap: StreamGap | null;
}
