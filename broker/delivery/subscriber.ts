import type { ByteLog } from "../../log/byte_log.ts";
import type { QoS } from "../../codec/mod.ts";
import type { Variant } from "../../router/variant.ts";
import type { Subscriber } from "../../router/subscription.ts";
import type { MessageFollows, MessageLog } from "./backlog.ts";
import type { Message } from "../base/message.ts";
import type { Follows } from "./outbox.ts";
import type { PublishBatch } from "./publish_batch.ts";

/** How well a member of a shared group can take a message; higher is better. */
export const Rank = {
  /** Not at all. */
  none: 0,
  /** It is away, and would get the message when it returns. */
  away: 1,
  /** It is connected, but has to wait. */
  busy: 2,
  /** It can be sent the message now. */
  ready: 3,
} as const;

/** How much fits into a backlog before it is full. */
export interface BacklogRoom {
  readonly messages: number;
  readonly bytes: number;
  /** Whether nobody takes anything out at the moment, so that it slows nobody down either. */
  readonly isAway: boolean;
}

/** Whoever receives messages: a session, or the program the broker is part of. */
export interface Receiver extends Subscriber {
  /** The client identifier; `null` for the program. */
  readonly clientId: string | null;
  /** Whether it may perhaps not receive everything it is subscribed to. */
  readonly isRestricted: boolean;
  /** Whether it may receive what is published to a topic: nothing, once it has ended. */
  mayReceive(topic: string): boolean;
  /** Whether acknowledged messages for it must survive a restart of the broker. */
  readonly isDurable: boolean;
  /** Whether an acknowledged message for it would stay in memory for longer than this turn. */
  readonly keepsMessages: boolean;
  /** Takes a run of QoS 0 frames. */
  receiveRun(run: PublishBatch, variant: Variant): void;
  /** Takes one message, which is kept first if it is not encoded at once. */
  receive(message: Message, variant: Variant): void;
  /** One of {@linkcode Rank}, for a message to be sent with `qos`. */
  rank(qos: QoS): number;
  /** Whether an acknowledged message would go past the limits of the backlog. */
  isFull(bytes: number): boolean;
  /** Follows a log of bytes from its end on. Returns false when it cannot now. */
  followBytes(log: ByteLog, follows: Follows): boolean;
  /** Follows a log of messages from its end on. Returns false when it cannot now. */
  followMessages(log: MessageLog, follows: MessageFollows): boolean;
  /** Leaves a log of bytes. */
  leaveBytes(follows: Follows): void;
  /** Leaves a log of messages. */
  leaveMessages(follows: MessageFollows): void;
  /** Looks at how far it lags behind the logs of bytes it follows. */
  checkLag(): void;
  /** Looks at its backlog. */
  checkBacklog(): BacklogRoom;
}

/** How a subscriber is written to, as its wire class says it. */
export interface Wire {
  /** Whether it speaks MQTT 5. */
  readonly v5: boolean;
  /** The largest packet it takes, in bytes. */
  readonly packetBytesMax: number;
  /** Whether it is never written the bytes of others: its topics are others. */
  readonly isOwn: boolean;
}

/** The wire class of subscribers that are written to in this way. */
export function wireClassOf(wire: Omit<Wire, "isOwn">): number {
  return wire.packetBytesMax * 2 + (wire.v5 ? 1 : 0);
}

/** The way that a wire class stands for. */
export function wireOf(wireClass: number): Wire {
  return { v5: wireClass % 2 === 1, packetBytesMax: Math.floor(wireClass / 2), isOwn: false };
}
