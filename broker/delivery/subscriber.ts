/** The interfaces of receivers: of messages, of batches, and of shared logs. */
import type { ByteLog } from "../../log/byte_log.ts";
import type { QoS } from "../../codec/mod.ts";
import type { Variant } from "../../router/variant.ts";
import type { Subscriber } from "../../router/subscription.ts";
import type { Origin } from "../base/origin.ts";
import type { MessageFollows, MessageLog } from "./backlog.ts";
import type { Message } from "../base/message.ts";
import type { Follows } from "./outbox_trail.ts";
import type { PublishBatch } from "./publish_batch.ts";

/** How well a member of a shared group can take a message; higher is better. */
export const Rank = {
  /** It cannot take it. */
  none: 0,
  /** It is another node, and the message has come by a link: only if there is nobody else. */
  onward: 0.5,
  /** It is away, and would get the message when it returns. */
  away: 1,
  /** It is connected, but has to wait. */
  busy: 2,
  /** It is another node, which has members that can be sent the message now, or later. */
  linked: 3,
  /** It can be sent the message now. */
  ready: 4,
} as const;

/** How much fits into a backlog before it is full. */
export interface BacklogRoom {
  readonly messages: number;
  readonly bytes: number;
  /** Whether the client is away. Then the backlog slows no publisher down. */
  readonly isAway: boolean;
}

/** A receiver that may be denied topics, although it is subscribed to them. */
export interface AuthorizedReceiver {
  /** Whether it may be denied topics that it is subscribed to. */
  readonly isRestricted: boolean;
  /** Whether it may receive what is published to a topic: nothing, once it has ended. */
  mayReceive(topic: string): boolean;
}

/** A receiver that takes QoS 0 frames as they came. */
export interface ByteReceiver {
  /** Takes a run of QoS 0 frames. */
  receiveRun(run: PublishBatch, variant: Variant): void;
}

/** A receiver that takes messages one at a time. */
export interface MessageReceiver {
  /** Whether acknowledged messages for it must survive a restart of the broker. */
  readonly isDurable: boolean;
  /** Whether an acknowledged message for it would stay in memory for longer than this turn. */
  readonly keepsMessages: boolean;
  /** Takes one message. It is kept first, unless it is encoded at once. */
  receive(message: Message, variant: Variant): void;
  /** One of {@linkcode Rank}, for a message to be sent with `qos`. */
  rank(qos: QoS): number;
  /** Whether an acknowledged message would go past the limits of the backlog. */
  isFull(bytes: number): boolean;
}

/** A receiver that reads QoS 0 frames from a log that it shares with others. */
export interface ByteFollower {
  /** Follows a log of bytes from its end on. Returns false when it cannot now. */
  followBytes(log: ByteLog, follows: Follows): boolean;
  /** Leaves a log of bytes. */
  leaveBytes(follows: Follows): void;
  /** Acts if it lags too far behind the logs of bytes that it follows. */
  checkLag(): void;
}

/** A receiver that reads acknowledged messages from a log that it shares with others. */
export interface MessageFollower {
  /**
   * Follows a log of messages from its end on.
   *
   * @returns How much more fits into its backlog; `null` when it cannot follow now.
   */
  followMessages(log: MessageLog, follows: MessageFollows): BacklogRoom | null;
  /** Leaves a log of messages. */
  leaveMessages(follows: MessageFollows): void;
  /** Looks at its backlog. */
  checkBacklog(): BacklogRoom;
}

/** A receiver that reads from shared logs, of bytes and of messages. */
export interface Follower extends ByteFollower, MessageFollower {}

/** A receiver of messages: a session, the program that embeds the broker, or a link. */
export interface Receiver extends Subscriber, AuthorizedReceiver, ByteReceiver, MessageReceiver {
  /** The part of it that reads shared logs; `null` if it is handed each message. */
  readonly follower: Follower | null;
  /** Whether messages of this origin are its own. No Local leaves them out [MQTT-3.8.3-3]. */
  isOrigin(origin: Origin): boolean;
}

/** The format in which a subscriber is written to, as its wire class says it. */
export interface Wire {
  /** Whether it speaks MQTT 5. */
  readonly v5: boolean;
  /** The largest packet it takes, in bytes. */
  readonly packetBytesMax: number;
  /** Whether it never shares bytes with others, because its topics differ. */
  readonly isOwn: boolean;
  /** Whether it is another node, which takes runs of frames of each version as they came. */
  readonly isNode: boolean;
}

/** The wire class of subscribers that are written to in this way. */
export function wireClassOf(wire: Pick<Wire, "v5" | "packetBytesMax">): number {
  return wire.packetBytesMax * 2 + (wire.v5 ? 1 : 0);
}

/** The last formats of 3.x and of 5.0. */
const lastWires: [Wire | null, Wire | null] = [null, null];

/**
 * A format. Most clients have the same as the one before in their version, so they share the
 * object.
 */
export function sharedWire(
  v5: boolean,
  packetBytesMax: number,
  isOwn: boolean,
  isNode = false,
): Wire {
  if (isNode) return { v5, packetBytesMax, isOwn, isNode };
  const index = v5 ? 1 : 0;
  const last = lastWires[index];
  if (last !== null && last.packetBytesMax === packetBytesMax && last.isOwn === isOwn) return last;
  return lastWires[index] = { v5, packetBytesMax, isOwn, isNode };
}

/** The way that a wire class stands for. */
export function wireOf(wireClass: number): Wire {
  const packetBytesMax = Math.floor(wireClass / 2);
  return { v5: wireClass % 2 === 1, packetBytesMax, isOwn: false, isNode: false };
}
