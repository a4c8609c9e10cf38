/** One member of a group, with the messages that it has not acknowledged. */
import type { QoS } from "../../codec/mod.ts";
import type { PublishExchange } from "../../flow/outbound_window.ts";
import type { Variant } from "../../router/variant.ts";
import type { StreamCursor } from "../../stream/stream_cursor.ts";
import type { PendingHolder, PendingMessage } from "../../stream/stream_group.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { Message } from "../base/message.ts";
import { shownClientId } from "../base/stream_reader.ts";
import type { InflightMessage } from "../session/inflight_message.ts";
import type { DropReason } from "../base/stats.ts";
import type { ReplayRecord } from "../session/session_replays.ts";
import type { ReplayingSession } from "./replaying_session.ts";
import { TopicPrefix } from "./stream_message.ts";
import { sendRecord } from "./send_record.ts";
import { StreamInflight } from "./stream_inflight.ts";

/** From this many deliveries on, a member receives the message alone. */
export const ALONE_FROM = 2;

/** The options of a subscription to a group. */
export type MemberRequest = Omit<ReplayRecord, "at" | "until" | "lost">;

/** The dispatcher of a group, as its members need it. */
export interface MemberOwner {
  /** A member has acknowledged a message, or refused it with a reason code of 0x80 or more. */
  onAnswered(member: GroupMember, message: PendingMessage, reasonCode: number): void;
  /** A message is not sent to a member again, although the member has not answered. */
  onGivenUp(member: GroupMember, message: PendingMessage): void;
}

/** A message of a group in flight to one of its members. */
class GroupInflight extends StreamInflight {
  readonly #member: GroupMember;
  readonly #pending: PendingMessage;

  constructor(
    message: Message | null,
    member: GroupMember,
    pending: PendingMessage,
    topic: string,
  ) {
    super(message, member.variant, 1, topic);
    this.#member = member;
    this.#pending = pending;
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

/**
 * One member of a group: a subscription of a session, and its unacknowledged messages. `owner` and
 * `hasLeft` are set by the dispatcher of its group.
 */
export class GroupMember implements PendingHolder {
  readonly session: ReplayingSession;
  readonly request: MemberRequest;
  readonly variant: Variant;
  readonly prefix: TopicPrefix;
  /** Its unacknowledged messages, in the order in which they were sent. */
  readonly exchanges: Map<PendingMessage, PublishExchange<InflightMessage>> = new Map();
  /** The dispatcher of its group; `null` until its stream is declared. */
  owner: MemberOwner | null = null;
  /** Whether it gets no more messages. */
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
      // The group chooses another member itself.
      shared: null,
    };
  }

  get clientId(): string {
    return shownClientId(this.session.clientId);
  }

  /** The maximum QoS of its messages. */
  get qos(): QoS {
    return this.variant.qos;
  }

  /** Whether its client is connected. */
  get isConnected(): boolean {
    return this.session.link !== null && !this.session.hasEnded;
  }

  /** Whether another message can be sent to it now. */
  isReady({ groupMemberPendingMax }: BrokerLimits): boolean {
    const { session, exchanges } = this;
    const { link } = session;
    if (link === null || session.hasEnded || !link.outbox.hasRoom) return false;
    // Messages that wait for the client come first.
    if (session.queue.messages > 0) return false;
    if (this.qos === 0) return true;
    if (exchanges.size >= groupMemberPendingMax || !session.openInflight().mayOpen) return false;
    for (const { deliveries } of exchanges.keys()) return deliveries <= ALONE_FROM;
    return true;
  }

  /**
   * Sends the message at a cursor without creating an object for it.
   *
   * @param sent Its topic, as the client receives it, in UTF-8.
   * @returns False if that is not possible: {@linkcode send} sends it, or says why it cannot be sent.
   */
  sendAsIs(pending: PendingMessage, cursor: StreamCursor, sent: Uint8Array): boolean {
    const { session, variant, qos } = this;
    const link = session.link!;
    // What is sent again after a reconnect is kept, and what expires is checked once more.
    if (cursor.record.expirySeconds >= 0 || (qos > 0 && session.expirySeconds > 0)) return false;
    if (!link.sender!.isPlain(qos)) return false;
    const delivery = pending.deliveries + 1;
    if (qos === 0) return sendRecord(link, cursor, sent, variant, 0, delivery);
    const { window } = session.openInflight();
    const exchange = window.open(1, new GroupInflight(null, this, pending, cursor.topic));
    if (sendRecord(link, cursor, sent, variant, exchange.packetId, delivery)) {
      this.exchanges.set(pending, exchange);
      return true;
    }
    window.close(exchange);
    return false;
  }

  /** Sends a message. Returns why it was not sent; `null` if it was. */
  send(pending: PendingMessage, message: Message, topic: string): DropReason | null {
    const { session, variant } = this;
    const link = session.link!;
    if (this.qos === 0) {
      // It only gets what there is room for, so nothing may be skipped.
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

  /** Takes a message in flight from it, so that it is not sent to it again. */
  forget(pending: PendingMessage): void {
    const exchange = this.exchanges.get(pending);
    if (exchange === undefined) return;
    this.exchanges.delete(pending);
    this.session.openInflight().window.close(exchange);
    this.session.queue.markChanged();
  }
}
