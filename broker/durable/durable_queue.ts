/** The queue of a durable session: how its messages wait, are sent, and end with it. */
import type { PublishExchange } from "../../flow/outbound_window.ts";
import type { Waiter } from "../../log/log.ts";
import type { Variant } from "../../router/variant.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Tally } from "../base/memory_tally.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { MessageFollows, MessageLog } from "../delivery/backlog.ts";
import type { Commit } from "../base/commit.ts";
import type { InflightMessage } from "../session/inflight_message.ts";
import type { ClientLink } from "../session/client_link.ts";
import type { Message } from "../base/message.ts";
import type { QueueOwner, SessionQueue } from "../session/session_queue.ts";
import { type BacklogOwner, DurableBacklog } from "./durable_backlog.ts";
import { DurableInflight } from "./durable_inflight.ts";
import { DurableLog } from "./durable_log.ts";
import type { Journal } from "./journal.ts";
import { EndedQueue } from "./ended_queue.ts";
import { SessionRows } from "./session_rows.ts";
import { StoredInflight, storedOf } from "./stored_inflight.ts";

/** The broker, as the queue of a durable session needs it. */
export interface DurableQueueHost {
  readonly context: BrokerContext;
  readonly delivery: Pick<Delivery, "handOver">;
  /** Stores the session; not `null` by then. */
  readonly journal: Journal | null;
}

/**
 * The queue of a session that survives a restart. The waiting messages are in logs of the store.
 * Each change of the session is written with the next commit.
 */
export class DurableQueue implements SessionQueue, BacklogOwner {
  readonly isDurable = true;
  readonly takesAll = true;
  readonly backlog: DurableBacklog;
  /** The rows of the session in the store. */
  readonly rows: SessionRows;
  /** The commit that stores it for the first time. If that fails, a later one does. */
  readonly #firstCommit: number;
  readonly #context: BrokerContext;
  readonly #delivery: DurableQueueHost["delivery"];
  readonly #journal: Journal;
  readonly #session: QueueOwner;
  readonly #inflight: DurableInflight;
  #leaving: EndedQueue | null = null;

  /**
   * @param id The number of the session in the store. Never reused for another session.
   * @param isStored Whether it is already in the store.
   */
  constructor(host: DurableQueueHost, session: QueueOwner, id: number, isStored: boolean) {
    const journal = this.#journal = host.journal!;
    this.#firstCommit = isStored ? 0 : journal.gathering.number;
    this.#context = host.context;
    this.#delivery = host.delivery;
    this.#session = session;
    this.#inflight = new DurableInflight(journal, session);
    this.backlog = new DurableBacklog(this);
    this.rows = new SessionRows(journal, session, this.backlog, host.context.calendar, id);
  }

  hasRoomFor(_message: Message): boolean {
    return !this.#journal.isFull;
  }

  /**
   * The message is in the store. In memory there is only its page, and pages have a limit of their
   * own.
   */
  keeps(_isSent: boolean): boolean {
    return false;
  }

  get messages(): number {
    return this.backlog.messages;
  }

  get bytes(): number {
    return this.backlog.bytes;
  }

  get isHolding(): boolean {
    return this.#inflight.isHolding;
  }

  push(message: Message, variant: Variant): void {
    this.backlog.push(message, variant);
    this.#session.link?.outbox.hurry();
  }

  /** Follows a shared log. All sessions that start at the same time are stored in one row. */
  follow(log: MessageLog, follows: MessageFollows): boolean {
    if (!(log instanceof DurableLog)) throw new TypeError("Cannot follow a log that is not stored");
    if (!this.backlog.makeRoom()) return false;
    this.backlog.follow(this.#journal.starts.add(this.rows.id, log, follows.variant), follows);
    return true;
  }

  leave(follows?: MessageFollows): void {
    this.backlog.leave(follows);
  }

  park(waiter: Waiter): void {
    this.backlog.park(waiter);
  }

  tally(tally: Tally): void {
    this.backlog.tally(tally);
  }

  trim(messagesMax: number, bytesMax: number): number {
    return this.backlog.trim(messagesMax, bytesMax);
  }

  get pendingCommit(): Commit | null {
    return this.#journal.latest;
  }

  /** Whether it is on the disk. */
  get isStored(): boolean {
    return this.#firstCommit <= this.#journal.done;
  }

  markChanged(): void {
    this.#journal.onRowsChanged(this.rows);
  }

  markSubscriptionChanged(filter: string): void {
    this.rows.addFilter(filter);
    this.markChanged();
  }

  /**
   * Takes the next message and sends it: at once, or, with QoS 2, when its packet identifier is on
   * the disk.
   */
  sendNext(link: ClientLink): boolean {
    const { backlog } = this;
    const outbound = this.#session.openInflight().window;
    const entry = backlog.peek();
    if (entry === null) return false;
    const { message, place } = entry;
    if (message === null || place.isRevoked) {
      backlog.shift();
      return true;
    }
    if (message.deadlineMs <= this.#context.clock.now()) {
      backlog.shift();
      this.#context.reportDrop("expired", message, this.#session.clientId);
      return true;
    }
    const { variant } = backlog;
    const qos = this.#session.qosOf(message, variant);
    if (qos > 0 && outbound.quota === 0) return false;
    if (!this.#session.mayReceive(message.name)) {
      backlog.shift();
      this.#session.passOn(message, variant);
      return true;
    }
    if (qos === 0) {
      // It must not overtake the messages before it.
      if (this.#inflight.isHolding) return false;
      backlog.shift();
      this.#session.sendLoose(link, message, variant);
      return true;
    }
    const { isDoubtful } = backlog;
    const sent = new StoredInflight(message, variant, qos, backlog.take());
    // A QoS 2 message is stored before it is sent: had it been sent, it would be in flight.
    sent.wasSent = isDoubtful && qos === 1;
    const exchange = outbound.open(qos, sent);
    if (qos === 1) this.#inflight.send(exchange);
    else this.sendStored(exchange);
    return true;
  }

  sendStored(exchange: PublishExchange<InflightMessage>): boolean {
    this.#inflight.holdForCommit(storedOf(exchange));
    this.markChanged();
    this.#inflight.send(exchange);
    return true;
  }

  resend(_link: ClientLink, exchange: PublishExchange<InflightMessage>): void {
    this.#inflight.send(exchange);
  }

  /** The client has a QoS 2 message: its PUBREL is sent when that is on the disk. */
  release(exchange: PublishExchange<InflightMessage>, isRepeated: boolean): void {
    if (isRepeated) return this.#inflight.repeatPubrel(exchange);
    const sent = storedOf(exchange);
    sent.message = null;
    sent.hold?.release();
    sent.hold = null;
    this.#inflight.holdForCommit(sent);
    this.markChanged();
    this.#inflight.send(exchange);
  }

  onAcknowledged(exchange: PublishExchange<InflightMessage>): void {
    storedOf(exchange).hold?.release();
    this.markChanged();
  }

  /** The client is connected. */
  onAttached(): void {
    this.rows.disconnectedMs = null;
    this.markChanged();
    this.backlog.onAttached();
  }

  /** The client is disconnected: messages in flight are sent again when it reconnects. */
  onDetached(): void {
    this.#inflight.clear();
    this.rows.disconnectedMs = this.#context.clock.now();
    for (const exchange of this.#session.outbound?.exchanges() ?? []) storedOf(exchange).letGo();
    this.markChanged();
  }

  newLog(): DurableLog {
    return this.#journal.newLog();
  }

  onLoaded(): void {
    this.#session.link?.outbox.hurry();
    this.#leaving?.run();
  }

  /**
   * Ends the session. Messages of shared subscriptions go to other members. Until that is done, its
   * row stays.
   */
  end(): IterableIterator<InflightMessage | null> {
    const { outbound } = this.#session;
    const exchanges = outbound?.exchanges() ?? [];
    const mayLeave = this.backlog.mayBeShared ||
      exchanges.some(({ message: sent }) => sent!.variant.shared !== null);
    this.#inflight.clear();
    if (!mayLeave) {
      this.#forget(exchanges);
      return [].values();
    }
    this.rows.isLeaving = true;
    this.#journal.onHandedOver();
    this.markChanged();
    this.#context.stats.dropped["session-ended"] += this.backlog.leaveShared();
    this.#leaving = new EndedQueue({
      context: this.#context,
      delivery: this.#delivery,
      clientId: this.#session.clientId,
      backlog: this.backlog,
      exchanges,
      onReleased: (exchange) => {
        storedOf(exchange).hold?.release();
        outbound!.close(exchange);
        this.markChanged();
      },
      onDone: () => this.#forget([]),
    });
    this.#leaving.run();
    return [].values();
  }

  #forget(exchanges: readonly PublishExchange<InflightMessage>[]): void {
    for (const exchange of exchanges) storedOf(exchange).hold?.release();
    this.rows.releaseStarts();
    this.#context.stats.dropped["session-ended"] += this.backlog.clear();
    this.#leaving = null;
    this.rows.isRemoved = true;
    this.markChanged();
  }
}
