/** The interface of the subscriptions of a session that read streams. */
import type { QoS } from "../../codec/mod.ts";
import type { ClientLink } from "./client_link.ts";

/** A subscription that reads a stream, as it is stored with its session. */
export interface ReplayRecord {
  /** Its key in the session: the filter of the SUBSCRIBE. */
  readonly key: string;
  /** The name of the stream; `""` if only the other node that reads it knows the name. */
  readonly stream: string;
  /** The position at which it was asked to begin; `""` if another node reads the stream. */
  readonly position: string;
  /** The filter that its topics match, with the mount point. */
  readonly filter: string;
  /** The prefix that is added to each topic; `""` for none. */
  readonly prefix: string;
  /** Bytes of the mount point, which are removed from each topic that is sent. */
  readonly mountBytes: number;
  readonly qos: QoS;
  /** Subscription Identifier, or 0. */
  readonly identifier: number;
  readonly noLocal: boolean;
  /** The sequence from which on the client has not acknowledged everything; 0 if not known. */
  readonly at: number;
  /**
   * Before this sequence only the last message of each topic is read; 0 if there is no such
   * sequence.
   */
  readonly until: number;
  /** Messages that are gone, although the client was told that they come; `null` for none. */
  readonly lost: { readonly from: number; readonly to: number } | null;
  /** The group that it is a member of, as the broker knows it; `""` for none. */
  readonly group: string;
  /** Whether one member of the group at a time gets messages. */
  readonly isExclusive: boolean;
}

/** Whether another node reads the stream. */
export function isReadElsewhere({ position }: ReplayRecord): boolean {
  return position === "";
}

/** What a session keeps of a subscription that another node has for it. */
export function recordElsewhere(
  known: Pick<ReplayRecord, "key" | "stream" | "filter" | "qos" | "identifier">,
): ReplayRecord {
  return {
    ...known,
    ...{ position: "", prefix: "", mountBytes: 0, noLocal: false },
    ...{ at: 0, until: 0, lost: null, group: "", isExclusive: false },
  };
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
  /**
   * Resolves when the ends of subscriptions until now have taken effect, or the client is away;
   * `null` if they have.
   */
  whenRemoved(): Promise<void> | null;
  /**
   * The client has acknowledged a message.
   *
   * @param type The type of the packet: PUBACK, PUBREC or PUBCOMP.
   * @returns False if the message is one of the session itself.
   * @throws {ProtocolError} If the message waits for another packet.
   */
  onAnswer(type: number, packetId: number, reasonCode: number): boolean;
  /** The client is connected: messages in flight will be sent again. */
  onAttached(): void;
  /** The client is away: others of its groups may get what it has not acknowledged. */
  onDetached(): void;
  /** The records of them that the session stores. */
  records(): readonly ReplayRecord[];
  /** Ends all of them. */
  end(): void;
}
