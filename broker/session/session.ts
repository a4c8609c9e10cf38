/** A session: the state that the broker keeps of a client, connected or not. */
import { INBOUND_ID_BYTES } from "../base/memory_costs.ts";
import type { Tally } from "../base/memory_tally.ts";
import type { QoS } from "../../codec/mod.ts";
import { InboundWindow } from "../../flow/inbound_window.ts";
import type { OutboundWindow } from "../../flow/outbound_window.ts";
import { WIRE_CLASS_OWN } from "../../router/subscription.ts";
import type { Variant } from "../../router/variant.ts";
import type { ClientAccess } from "./client_access.ts";
import type { Commit } from "../base/commit.ts";
import type { SessionHost } from "./session_host.ts";
import { InflightMessages, type InflightOwner } from "./inflight.ts";
import type { PendingWill, WillOwner } from "./pending_will.ts";
import type { InflightMessage } from "./inflight_message.ts";
import type { ClientLink } from "./client_link.ts";
import type { EffectivePolicy } from "../base/listener_policy.ts";
import type { Message } from "../base/message.ts";
import { isNodeClientId } from "../base/node_peer.ts";
import type { Origin } from "../base/origin.ts";
import { appendNodeRun } from "../delivery/node_run.ts";
import { Rank, type Receiver, wireClassOf } from "../delivery/subscriber.ts";
import type { RetainedDeliveryQueue } from "../delivery/retained_delivery_queue.ts";
import type { PublishBatch } from "../delivery/publish_batch.ts";
import type { Due } from "../base/scheduler.ts";
import { sendRetained } from "./send_retained.ts";
import { FollowingSession } from "./following_session.ts";
import type { QueueOwner, SessionQueue, SleepingQueue, StoredExchanges } from "./session_queue.ts";
import type { SessionReplays } from "./session_replays.ts";
import { SubscriptionTable } from "./subscription_table.ts";

/** The value of a Session Expiry Interval that never ends, in seconds. */
export const NEVER_EXPIRES = 0xffff_ffff;

/**
 * The state of a client: subscriptions, waiting messages, messages in flight. It outlives the
 * connection. Its fields are public because delivery reads them for each message. Each has a
 * writer: `session_attachment.ts` (CONNECT), `wills.ts` (the will), `session_table.ts` (name and
 * deadline), `handle_subscribe.ts` (feeds), `broker_parts.ts` (replays).
 */
export class Session extends FollowingSession
  implements Receiver, QueueOwner, InflightOwner, WillOwner {
  /** How messages are written to the client, as of its last connection. */
  wireClass: number;
  /** The connection, or `null` while the client is away. */
  link: ClientLink | null = null;
  /** Seconds it outlives its connection; {@linkcode NEVER_EXPIRES} for ever. */
  expirySeconds = 0;
  /** What it is subscribed to. */
  readonly subscriptions: SubscriptionTable = new SubscriptionTable();
  /** What is published when the client is lost, or `null`. */
  will: PendingWill | null = null;
  /** Whether the session is no more. */
  hasEnded = false;
  /** When the session ends. */
  expiryDeadline: Due | null = null;
  /** The user name of its client, as of its last connection; `null` for none, or if unknown. */
  username: string | null = null;
  /** What its client may do, as of its last connection; `null` for everything. */
  access: ClientAccess | null = null;
  /** The same, if it decides about deliveries; `null` otherwise. */
  deliveryAccess: ClientAccess | null = null;
  /** Retained messages that are being sent. */
  feeds: RetainedDeliveryQueue | null = null;
  /** Subscriptions that read streams; `null` for none. */
  replays: SessionReplays | null = null;
  #inflight: InflightMessages | null = null;
  #inbound: InboundWindow | null = null;
  #receiveMaximum = 1;
  /** The rules of the listener by which its client connected last. */
  #policy: EffectivePolicy;

  /** @param queue Makes the queue of the session, at once or when it is first needed. */
  constructor(
    host: SessionHost,
    readonly clientId: string,
    queue: ((owner: QueueOwner) => SessionQueue) | SleepingQueue,
  ) {
    super(host);
    const { packetBytesMax, queueQoS0, upgradeOutgoingQoS } = this.#policy = host.context.policy;
    const isOwn = queueQoS0 || upgradeOutgoingQoS;
    this.wireClass = isOwn ? WIRE_CLASS_OWN : wireClassOf({ v5: false, packetBytesMax });
    if (typeof queue === "function") this.begin(queue(this), null);
    else this.begin(null, queue);
  }

  protected override get waking(): this {
    return this;
  }

  /** The commit that an answer to the client waits for; `null` if it may leave at once. */
  durableAfter(): Commit | null {
    return this.queue.pendingCommit;
  }

  /** QoS 2 messages of the client that it has not released. */
  get inbound(): InboundWindow {
    return this.#inbound ??= new InboundWindow();
  }

  /** Their packet identifiers. */
  get inboundIds(): readonly number[] {
    return this.#inbound === null ? [] : [...this.#inbound.ids()];
  }

  get inflightMessages(): InflightMessages | null {
    return this.#inflight;
  }

  get outbound(): OutboundWindow<InflightMessage> | null {
    return this.#inflight?.window ?? null;
  }

  /** Restores the messages in flight from the store. */
  restoreInflight(lastId: number, inflight: StoredExchanges, inboundIds: readonly number[]): void {
    if (lastId > 0) this.openInflight().window.restore(lastId, inflight);
    for (const packetId of inboundIds) this.inbound.accept(packetId);
  }

  override tally(tally: Tally): void {
    super.tally(tally);
    tally.bytes += (this.#inbound?.size ?? 0) * INBOUND_ID_BYTES + (this.feeds?.weight ?? 0);
  }

  /** How many messages are in flight to the client. */
  get inflight(): number {
    return this.#inflight?.window.size ?? 0;
  }

  /** Binds it to a connection: what was in flight is sent again [MQTT-4.4.0-1], then what waits. */
  attach(link: ClientLink, receiveMaximum: number): void {
    this.link = link;
    this.#receiveMaximum = receiveMaximum;
    this.#inflight?.resume(receiveMaximum);
    this.knownOverflow?.onProgress();
    this.#policy = link.policy;
    const isOwn = link.wire.isOwn || link.wire.isNode || this.#takesEach;
    const wireClass = isOwn ? WIRE_CLASS_OWN : wireClassOf(link.wire);
    this.queue.onAttached();
    this.replays?.onAttached();
    // It may have a hundred thousand subscriptions: they are touched only if that matters.
    if (wireClass !== this.wireClass || this.isStale) {
      this.wireClass = wireClass;
      this.touch();
    }
    link.outbox.hurry();
  }

  /** Sets the permissions of its client; `null` for everything. */
  permit(access: ClientAccess | null): void {
    this.access = access;
    if (this.will !== null) this.will.access = access;
    if (this.deliveryAccess !== null || access !== null) this.isStale = true;
    this.deliveryAccess = access?.checksDelivery ? access : null;
  }

  /** Makes every audience that it belongs to check it again. */
  touch(): void {
    this.isStale = false;
    for (const filter of this.subscriptions.filters()) this.host.router.touch(this, filter);
  }

  /** Lets go of the connection. */
  detach(): void {
    this.link = null;
    this.knownOverflow?.onDetached();
    this.queue.onDetached();
    this.replays?.onDetached();
  }

  isOrigin(origin: Origin): boolean {
    if (isNodeClientId(this.clientId)) return origin.kind === "link";
    return origin.isClient(this.clientId);
  }

  get isRestricted(): boolean {
    return this.deliveryAccess !== null;
  }

  mayReceive(topic: string): boolean {
    return !this.hasEnded &&
      (this.deliveryAccess === null || this.deliveryAccess.mayReceive(topic));
  }

  /** Whether an acknowledged message for it would stay in memory for longer than this turn. */
  get keepsMessages(): boolean {
    const { link } = this;
    return this.queue.keeps(link !== null && this.expirySeconds === 0 && this.#canSend(link));
  }

  receiveRun(run: PublishBatch, variant: Variant): void {
    const { link } = this;
    const isApart = this.#takesEach || this.#isBehind;
    if (isApart) return run.messages().forEach((one) => this.receive(one, variant));
    // Nothing may come behind a DISCONNECT [MQTT-3.14.4-1].
    if (link === null || !link.outbox.isOpen) return;
    if (!this.mayReceive(run.route.topic)) return this.host.context.countWithheld(run.frames);
    const { wire } = link;
    const isPlain = !wire.isOwn && variant.identifiers === null;
    if (isPlain && wire.isNode) return appendNodeRun(link.outbox, run);
    if (isPlain && run.appendTo(link.outbox, wire.v5, wire.packetBytesMax)) return;
    for (const message of run.messages()) this.sendLoose(link, message, variant);
  }

  receive(message: Message, variant: Variant): void {
    if (this.hasEnded) return;
    const { deliveryAccess } = this;
    if (deliveryAccess !== null && !deliveryAccess.mayReceive(message.name)) {
      return this.host.context.countWithheld(1);
    }
    const qos = this.qosOf(message, variant);
    const { link } = this;
    if (qos === 0) {
      if (this.#mustQueueLoose(link)) this.#queueLoose(message, variant);
      else if (link !== null && link.outbox.isOpen) this.sendLoose(link, message, variant);
      return;
    }
    const { queue } = this;
    const inflight = this.#inflight ?? this.openInflight();
    const canSend = link !== null && !queue.takesAll && queue.messages === 0 && inflight.mayOpen &&
      link.outbox.hasRoom;
    if (canSend) inflight.send(link, message, variant, qos as 1 | 2);
    else this.#enqueue(message, variant);
  }

  rank(qos: QoS): number {
    const { link } = this;
    const isAway = link === null || !link.outbox.isOpen;
    if (isAway) return (qos > 0 || this.#queuesQoS0) && !this.isFull(0) ? Rank.away : Rank.none;
    if (qos > 0 && this.isFull(0)) return Rank.none;
    const isBusy = qos === 0 ? !link.outbox.hasRoom : !this.#canSend(link);
    return isBusy ? Rank.busy : isNodeClientId(this.clientId) ? Rank.linked : Rank.ready;
  }

  /** Sends what waits, as far as the client's Receive Maximum and the outbox allow. */
  pump(): void {
    const { link, replays } = this;
    if (link === null) return;
    while (link.outbox.hasRoom) {
      if (this.#inflight?.window.resending) {
        if (!this.#inflight.resendNext(link)) return;
      } else if (
        !this.queue.sendNext(link) && !sendRetained(this, this.host.context) &&
        !replays?.sendNext(link)
      ) break;
    }
    if (this.queue.messages === 0) this.queue.park(link.outbox);
    this.knownOverflow?.clearIfShort();
  }

  /** Ends the session: forgets everything. Returns what {@linkcode SessionQueue.end} does. */
  end(): IterableIterator<InflightMessage | null> {
    this.hasEnded = true;
    // The removal of its subscriptions may take a while. Until then no message reaches the client.
    this.detach();
    this.feeds = null;
    this.replays?.end();
    return this.queue.end();
  }

  /** Whether it handles each QoS 0 message by itself, and so cannot share bytes with others. */
  get #takesEach(): boolean {
    return this.#policy.upgradeOutgoingQoS || this.#queuesQoS0;
  }

  qosOf(message: Message, variant: Variant): QoS {
    const { upgradeOutgoingQoS } = this.#policy;
    return upgradeOutgoingQoS ? variant.qos : Math.min(message.qos, variant.qos) as QoS;
  }

  /** Whether QoS 0 messages wait for the client: only if it can return. */
  get #queuesQoS0(): boolean {
    return this.#policy.queueQoS0 && this.expirySeconds > 0;
  }

  /** Whether a QoS 0 message has to wait: for the client, or not to overtake one that waits. */
  #mustQueueLoose(link: ClientLink | null): boolean {
    if (!this.#queuesQoS0) return this.#isBehind;
    return link === null || !link.outbox.isOpen || this.queue.messages > 0;
  }

  /** Whether messages wait for a node: the QoS of the next one may differ for the same receiver. */
  get #isBehind(): boolean {
    if (this.#policy.peer === null || this.link === null) return false;
    const { queue } = this;
    return queue.messages > 0 || queue.isHolding || this.#inflight?.window.resending === true;
  }

  /** Queues a QoS 0 message if there is room. A lack of room does not end the session. */
  #queueLoose(message: Message, variant: Variant): void {
    const hasRoom = !this.overflow.isEnding && !this.isFull(message.weight) &&
      this.queue.hasRoomFor(message);
    if (hasRoom) this.#enqueue(message, variant);
    else this.host.context.reportDrop("backlog", message, this.clientId);
  }

  #canSend(link: ClientLink): boolean {
    return this.openInflight().mayOpen && link.outbox.hasRoom && this.queue.messages === 0;
  }

  openInflight(): InflightMessages {
    return this.#inflight ??= new InflightMessages(this.host.context, this, this.#receiveMaximum);
  }

  sendLoose(link: ClientLink, message: Message, variant: Variant): void {
    if (link.send(message, variant, 0, 0, false)) return;
    this.host.context.reportDrop(link.whyUnsent(message), message, this.clientId);
  }

  passOn(message: Message, { shared }: Variant): void {
    const isTaken = shared !== null && this.host.delivery.handOver(message, shared);
    if (!isTaken) this.host.context.countWithheld(1);
  }

  onExchangeEnded(): void {
    this.knownOverflow?.onProgress();
    const isMore = this.queue.messages > 0 || this.feeds !== null || this.replays !== null ||
      this.#inflight!.window.resending;
    if (isMore && this.link !== null) this.link.outbox.hurry();
  }

  #enqueue(message: Message, variant: Variant): void {
    if (this.hasEnded || !this.overflow.admits(message)) return;
    this.queue.push(this.link?.wire.isNode ? message.keepBriefly() : message.keep(), variant);
    this.overflow.onQueued();
  }
}
