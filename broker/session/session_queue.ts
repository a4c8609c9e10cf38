/** The interface of the queue of a session: in memory, or in a store. */
import type { OutboundWindow, PublishExchange } from "../../flow/outbound_window.ts";
import type { Waiter } from "../../log/log.ts";
import type { QoS } from "../../codec/mod.ts";
import type { Variant } from "../../router/variant.ts";
import type { LookedThrough } from "../delivery/waiting_message.ts";
import type { MessageFollows, MessageLog } from "../delivery/backlog.ts";
import type { Tally } from "../base/memory_tally.ts";
import type { Commit } from "../base/commit.ts";
import type { InflightMessage } from "./inflight_message.ts";
import type { InflightMessages } from "./inflight.ts";
import type { RetainedDeliveryQueue } from "../delivery/retained_delivery_queue.ts";
import type { ClientLink } from "./client_link.ts";
import type { SessionReplays } from "./session_replays.ts";
import type { SubscriptionTable } from "./subscription_table.ts";
import type { Message } from "../base/message.ts";

/**
 * The acknowledged messages that wait for the client of a session, in the order in which they
 * were published, and how those in flight are sent again.
 *
 * The session asks nothing about where the messages are: in memory they are lost when the broker
 * ends, in a store they survive it. A queue that survives also stores what else changes about the
 * session, and says with {@linkcode pendingCommit} what an answer to the client has to wait for.
 */
export interface SessionQueue {
  /** Whether the messages, and the session, survive a restart of the broker. */
  readonly isDurable: boolean;
  /** Whether the session is in the store; true if it does not have to be. */
  readonly isStored: boolean;
  /** Whether an acknowledged message that could be sent at once has to be queued first. */
  readonly takesAll: boolean;
  /** Whether messages were taken from it that are not sent yet. */
  readonly isHolding: boolean;
  /** The waiting messages, for operators; `null` if there never was one. */
  readonly backlog: LookedThrough | null;
  /** How many messages wait. */
  readonly messages: number;
  /** How many bytes those are. */
  readonly bytes: number;

  /**
   * Whether there is room for a message in the memory budget or in the store. The limits of the
   * backlog do not count here.
   */
  hasRoomFor(message: Message): boolean;
  /**
   * Whether an acknowledged message stays in memory for longer than this turn.
   *
   * @param isSent Whether it can be sent at once, and is never sent again.
   */
  keeps(isSent: boolean): boolean;
  /** Appends a message for this session alone. It must be kept by then. */
  push(message: Message, variant: Variant): void;
  /**
   * Follows a log that is shared with other sessions, from its end on, until it is left.
   *
   * @returns False if it cannot follow one more.
   */
  follow(log: MessageLog, follows: MessageFollows): boolean;
  /** Leaves the log that is followed for `follows`, or, without one, every log. */
  leave(follows?: MessageFollows): void;
  /** Wakes `waiter` when a followed log continues. */
  park(waiter: Waiter): void;
  /** Passes the oldest messages until no more than this is left. Returns how many it passed. */
  trim(messagesMax: number, bytesMax: number): number;

  /**
   * Sends the next message to the client.
   *
   * @returns False if none waits, if the client's Receive Maximum is reached, or if the message
   * has to be loaded first.
   */
  sendNext(link: ClientLink): boolean;
  /**
   * Sends a QoS 2 message that is not from this queue, when its packet identifier is on the disk.
   *
   * @returns False if nothing has to be on the disk: then the caller sends it.
   */
  sendStored(exchange: PublishExchange<InflightMessage>): boolean;
  /** Sends again what was in flight on an earlier connection [MQTT-4.4.0-1]. */
  resend(link: ClientLink, exchange: PublishExchange<InflightMessage>): void;
  /**
   * The client has a QoS 2 message: sends PUBREL, and releases the message.
   *
   * @param isRepeated Whether the client has said so before.
   */
  release(exchange: PublishExchange<InflightMessage>, isRepeated: boolean): void;
  /** The exchange of a message is over. */
  onAcknowledged(exchange: PublishExchange<InflightMessage>): void;

  /** The client is connected. */
  onAttached(): void;
  /** The client is away. */
  onDetached(): void;
  /** Adds the memory of what waits. */
  tally(tally: Tally): void;
  /** Marks the session as changed, so that it is stored again. */
  markChanged(): void;
  /** Marks the subscription with a topic filter as added, changed or removed. */
  markSubscriptionChanged(filter: string): void;
  /**
   * The commit that an answer to the client waits for: with it all changes until now are stored.
   * `null` if nothing waits to be stored.
   */
  readonly pendingCommit: Commit | null;

  /**
   * Ends the queue: waiting messages are dropped and counted.
   *
   * @returns Messages of shared subscriptions that other members of their groups should get
   * [MQTT-4.8.2-4], and `null` for one that was dropped. The caller reads to the end, in as many
   * turns as it takes. A queue that hands them over by itself returns none.
   */
  end(): IterableIterator<InflightMessage | null>;
}

/**
 * The queue of a session that nothing has touched since the broker started. Most sessions of a large
 * broker are asleep for long, so they must cost little.
 */
export interface SleepingQueue extends Pick<SessionQueue, "messages" | "bytes" | "tally"> {
  /**
   * Follows a shared log from its end on, without waking.
   *
   * @returns False if it has to wake for that.
   */
  follow(log: MessageLog, follows: MessageFollows): boolean;
  /** Makes the queue: a message, the client, or the end of the session has come. Called once. */
  wake(session: WakingSession): SessionQueue;
}

/** What was in flight when a session was stored. */
export type StoredExchanges = Parameters<OutboundWindow<InflightMessage>["restore"]>[1];

/** What a {@linkcode SleepingQueue} needs of its session. */
export interface WakingSession extends QueueOwner {
  /** Restores the messages in flight from the store. */
  restoreInflight(lastId: number, inflight: StoredExchanges, inboundIds: readonly number[]): void;
}

/** What a {@linkcode SessionQueue} needs of its session. */
export interface QueueOwner {
  readonly clientId: string;
  /** Seconds the session outlives its connection. */
  readonly expirySeconds: number;
  /** What the client is subscribed to. */
  readonly subscriptions: SubscriptionTable;
  /** Packet identifiers of QoS 2 messages of the client that it has not released. */
  readonly inboundIds: readonly number[];
  /** Retained messages that are being sent; `null` for none. */
  readonly feeds: RetainedDeliveryQueue | null;
  /** Subscriptions that read streams; `null` for none. */
  readonly replays: SessionReplays | null;
  /** The connection of the client; `null` while it is away. */
  readonly link: ClientLink | null;
  /** The messages in flight to the client; `null` if there never was one. */
  readonly inflightMessages: InflightMessages | null;
  /** The window of the messages in flight; `null` if there never was one. */
  readonly outbound: OutboundWindow<InflightMessage> | null;
  /** The same, made if there is none yet. */
  openInflight(): InflightMessages;
  /** The QoS with which the client is sent a message. */
  qosOf(message: Message, variant: Variant): QoS;
  /** Whether the client may receive what is published to a topic. */
  mayReceive(topic: string): boolean;
  /** A message that the client may no longer receive goes to another of its group, if any. */
  passOn(message: Message, variant: Variant): void;
  /** Sends a QoS 0 message: it is neither kept nor acknowledged. */
  sendLoose(link: ClientLink, message: Message, variant: Variant): void;
}
