/** One member of a group, with the messages that it has not acknowledged. */
import type { QoS } from "../../codec/mod.ts";
import type { PublishExchange } from "../../flow/outbound_window.ts";
import type { Variant } from "../../router/variant.ts";
import type { PendingHolder, PendingMessage } from "../../stream/stream_group.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { Message } from "../base/message.ts";
import type { DropReason } from "../base/stats.ts";
import { InflightMessage } from "../session/inflight_message.ts";
import type { ReplayRecord } from "../session/session_replays.ts";
import type { ReplayingSession } from "./replaying_session.ts";
import { TopicPrefix } from "./stream_message.ts";

/** From this many deliveries on a message is the only one that its member has. */
export const ALONE_FROM = 2;

/** What a subscription to a group asks for. */
export type MemberRequest = Omit<ReplayRecord, "at" | "until">;

/** The dispatcher of a group, as its members tell it what became of their messages. */
export interface MemberOwner {
  /** A member has acknowledged a message, or refused it with a reason code of 0x80 or more. */
  onAnswered(member: GroupMember, message: PendingMessage, reasonCode: number): void;
  /** A member is not sent a message again, and has not answered. */
  onGivenUp(member: GroupMember, message: PendingMessage): void;
}

/** A message of a group in flight to one of its members. */
class GroupInflight extends InflightMessage {
  // As a durable queue has its messages in flight (`StoredInflight`): it holds none of its entries.
  readonly hold = null;
  readonly commit = 0;
  readonly #member: GroupMember;
  readonly #pending: PendingMessage;
  readonly #topic: string;

  constructor(
    message: Message | null,
    member: GroupMember,
    pending: PendingMessage,
    topic: string,
  ) {
    super(message, member.variant, 1);
    this.#member = member;
    this.#pending = pending;
    this.#topic = topic;
    this.wasSent = true;
  }

  /** It is kept until it is acknowledged, to be sent again: its stream may have dropped it by then. */
  letGo(): void {}

  override get topic(): string {
    return this.#topic;
  }

  override onFinished(reasonCode: number): void {
    this.#member.exchanges.delete(this.#pending);
    this.#member.owner?.onAnswered(this.#member, this.#pending, reasonCode);
  }

  override onGivenUp(): void {
    this.#member.exchanges.delete(this.#pending);
    this.#member.owner?.onGivenUp(this.#member, this.#pending);
  }
}

/** One member of a group: a subscription of a session, and what it has not acknowledged yet. */
export class GroupMember implements PendingHolder {
  readonly session: ReplayingSession;
  readonly request: MemberRequest;
  readonly variant: Variant;
  readonly prefix: TopicPrefix;
  /** What it was sent and has not acknowledged, in the order it was sent in. */
  readonly exchanges: Map<PendingMessage, PublishExchange<InflightMessage>> = new Map();
  /** Who gives it messages; `null` until its stream is there. */
  owner: MemberOwner | null = null;
  /** Whether it gets nothing more. */
  hasLeft = false;
  /** Called when its group, or its stream, was removed. */
  readonly onGroupEnded: () => void;

  constructor(session: ReplayingSession, request: MemberRequest, onGroupEnded: () => void) {
    this.session = session;
    this.onGroupEnded = onGroupEnded;
    this.request = request;
    this.prefix = new TopicPrefix(request.prefix, request.mountBytes);
    this.variant = {
      qos: request.qos,
      identifiers: request.identifier === 0 ? null : [request.identifier],
      retainAsPublished: false,
      retained: false,
      // Whoever else gets its messages is chosen by the group.
      shared: null,
    };
  }

  get clientId(): string {
    return this.session.clientId;
  }

  /** The highest QoS that it is sent. */
  get qos(): QoS {
    return this.variant.qos;
  }

  /** Whether its client is connected. */
  get isConnected(): boolean {
    return this.session.link !== null && !this.session.hasEnded;
  }

  /** Whether it is sent another message now. */
  isReady({ groupMemberPendingMax }: BrokerLimits): boolean {
    const { session, exchanges } = this;
    const { link } = session;
    if (link === null || session.hasEnded || !link.outbox.hasRoom) return false;
    // What waits for the client comes first.
    if (session.queue.messages > 0) return false;
    if (this.qos === 0) return true;
    if (exchanges.size >= groupMemberPendingMax || !session.openInflight().mayOpen) return false;
    for (const { deliveries } of exchanges.keys()) return deliveries <= ALONE_FROM;
    return true;
  }

  /** Sends a message. Returns why it was not sent; `null` if it was. */
  send(pending: PendingMessage, message: Message, topic: string): DropReason | null {
    const { session, variant } = this;
    const link = session.link!;
    if (this.qos === 0) {
      // It gets no more than there is room for, so nothing is skipped.
      return link.send(message, variant, 0, 0, false, true) ? null : link.whyUnsent(message);
    }
    const { window } = session.openInflight();
    const kept = session.expirySeconds > 0 ? message.keep() : null;
    const exchange = window.open(1, new GroupInflight(kept, this, pending, topic));
    if (link.send(message, variant, 1, exchange.packetId, false)) {
      this.exchanges.set(pending, exchange);
      return null;
    }
    window.close(exchange);
    return link.whyUnsent(message);
  }

  /** A message that it was sent is not its any more: it is not sent it again. */
  forget(pending: PendingMessage): void {
    const exchange = this.exchanges.get(pending);
    if (exchange === undefined) return;
    this.exchanges.delete(pending);
    this.session.openInflight().window.close(exchange);
    this.session.queue.markChanged();
  }
}
