/** The interface of the subscriptions of a session that read streams. */
import type { QoS } from "../../codec/mod.ts";
import type { ClientLink } from "./client_link.ts";

/** A subscription that reads a stream, as it is stored with its session. */
export interface ReplayRecord {
  /** What names it in the session: the filter as it was subscribed to. */
  readonly key: string;
  readonly stream: string;
  /** Where it has begun, as it was asked for. */
  readonly position: string;
  /** What the topics match, as the broker knows them. */
  readonly filter: string;
  /** What is put before each topic; `""` for nothing. */
  readonly prefix: string;
  /** Bytes of the mount point, which are taken off each topic that is sent. */
  readonly mountBytes: number;
  readonly qos: QoS;
  /** Subscription Identifier, or 0. */
  readonly identifier: number;
  readonly noLocal: boolean;
  /** The sequence from which on the client has not acknowledged everything; 0 if not known. */
  readonly at: number;
  /**
   * In front of this sequence only the last messages of each topic are read; 0 if that is over, or
   * was not asked for.
   */
  readonly until: number;
  /** The group that it is a member of, as the broker knows it; `""` for none. */
  readonly group: string;
  /** Whether one member of the group at a time gets messages. */
  readonly isExclusive: boolean;
}

/** The subscriptions of a session that read streams. */
export interface SessionReplays {
  /** How many there are. */
  readonly size: number;
  /**
   * Sends messages to the client.
   *
   * @returns False if none can be sent now.
   */
  sendNext(link: ClientLink): boolean;
  /** Ends the subscription with a key. Returns whether there was one. */
  remove(key: string): boolean;
  /** The client is connected: messages in flight will be sent again. */
  onAttached(): void;
  /** The client is away: others of its groups may get what it has not acknowledged. */
  onDetached(): void;
  /** What has to be stored of them. */
  records(): readonly ReplayRecord[];
  /** Ends all of them. */
  end(): void;
}
