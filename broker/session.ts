import { type QoS, ReasonCode, type Will } from "../codec/mod.ts";
import { InboundWindow } from "../flow/inbound_window.ts";
import type { OutboundWindow } from "../flow/outbound_window.ts";
import type { ByteLog } from "../log/byte_log.ts";
import type { Log } from "../log/log.ts";
import { WIRE_CLASS_OWN } from "../router/subscription.ts";
import type { Variant } from "../router/variant.ts";
import type { Access } from "./access.ts";
import { Backlog, type MessageFollows } from "./backlog.ts";
import { Congestion } from "./congestion.ts";
import type { Core } from "./core.ts";
import type { DurableBacklog } from "./durable/durable_backlog.ts";
import { DurableLog } from "./durable/durable_log.ts";
import { DurableSession } from "./durable/durable_session.ts";
import { Flights } from "./flights.ts";
import type { Link } from "./link.ts";
import type { ListenerTerms } from "./listener_policy.ts";
import type { Tally } from "./memory_walk.ts";
import type { Message } from "./message.ts";
import type { Follows } from "./outbox.ts";
import { type BacklogRoom, Rank, type Receiver, wireClassOf } from "./receiver.ts";
import type { FeedQueue } from "./feed_queue.ts";
import type { Run } from "./run.ts";
import type { Deadline } from "./scheduler.ts";
import { Sent } from "./sent.ts";
import { SubscriptionTable } from "./subscription_table.ts";

/** The value of a Session Expiry Interval that never ends, in seconds. */
export const NEVER_EXPIRES = 0xffff_ffff;

/**
 * What the broker keeps of a client: its subscriptions, what waits for it, and
 * its handshakes. It outlives the connection by its expiry interval.
 */
export class Session implements Receiver {
  /** How messages are written to the client, as of its last connection. */
  wireClass: number;
  /** The connection, or `null` while the client is away. */
  link: Link | null = null;
  /** Seconds it outlives its connection; {@linkcode NEVER_EXPIRES} for ever. */
  expirySeconds = 0;
  /** What it is subscribed to. */
  readonly subscriptions: SubscriptionTable = new SubscriptionTable();
  /** What is published when the client is lost, or `null`. */
  will: Will | null = null;
  /** Whether the session is no more. */
  hasEnded = false;
  /** When the will is due, and when the session ends. */
  willDeadline: Deadline | null = null;
  expiryDeadline: Deadline | null = null;
  /** The user name of its client, as of its last connection; `null` for none, or if unknown. */
  username: string | null = null;
  /** What its client may do, as of its last connection; `null` for everything. */
  access: Access | null = null;
  /** The same, where it must be asked for what the client receives. */
  gate: Access | null = null;
  /** Retained messages that are being sent. */
  feeds: FeedQueue | null = null;
  /** What makes it survive; `null` for a session that ends with its connection. */
  readonly durable: DurableSession | null;
  /** Where its will is stored, if it was; 0 if not. */
  willId = 0;
  /** When its will is due, of a session that was just restored. */
  willDueMs: number | null = null;
  readonly #core: Core;
  #flights: Flights | null = null;
  #inbound: InboundWindow | null = null;
  #backlog: Backlog | DurableBacklog | null = null;
  #congestion: Congestion | null = null;
  #receiveMaximum = 1;
  /** What holds at the listener by which its client came last. */
  #terms: ListenerTerms;
  /** Whether its backlog was too long for it: it ends as soon as it can. */
  #hasOverflowed = false;
  /** Whether audiences have to look at it again when it returns. */
  #isStale = false;

  /**
   * @param durableId Where it is stored; `null` for a session that is not.
   * @param isStored Whether it is there already.
   */
  constructor(
    core: Core,
    readonly clientId: string,
    durableId: number | null = null,
    isStored = false,
  ) {
    this.#core = core;
    this.#terms = core.terms;
    const { packetBytesMax, queueQoS0, upgradeOutgoingQoS } = core.terms;
    const isOwn = queueQoS0 || upgradeOutgoingQoS;
    this.wireClass = isOwn ? WIRE_CLASS_OWN : wireClassOf({ v5: false, packetBytesMax });
    this.durable = durableId === null ? null : new DurableSession(core, this, durableId, isStored);
    if (this.durable !== null) this.#backlog = this.durable.backlog;
  }

  /** Whether what it needs is stored. */
  get isDurable(): boolean {
    return this.durable !== null;
  }

  /** Whether nothing of it has still to be stored for it to survive, if it is to. */
  get isStored(): boolean {
    return this.durable === null || this.durable.isStored;
  }

  /** QoS 2 messages of the client that it has not released. */
  get inbound(): InboundWindow {
    return this.#inbound ??= new InboundWindow();
  }

  /** Their packet identifiers. */
  get inboundIds(): readonly number[] {
    return this.#inbound === null ? [] : [...this.#inbound.ids()];
  }

  /** What is in flight to the client; `null` if nothing ever was. */
  get flights(): Flights | null {
    return this.#flights;
  }

  /** The window of what is in flight; `null` if nothing ever was. */
  get outbound(): OutboundWindow<Sent> | null {
    return this.#flights?.window ?? null;
  }

  /** Goes on with what was in flight when it was stored. */
  restoreFlights(
    lastId: number,
    flights: Parameters<OutboundWindow<Sent>["restore"]>[1],
    inboundIds: readonly number[],
  ): void {
    if (lastId > 0) {
      this.#openFlights().window.restore(lastId, flights);
    }
    for (const packetId of inboundIds) this.inbound.accept(packetId);
  }

  /** How many messages wait to be sent, and how many bytes. */
  get waiting(): { messages: number; bytes: number } {
    return { messages: this.#backlog?.messages ?? 0, bytes: this.#backlog?.bytes ?? 0 };
  }

  /** Adds what waits for it in memory. */
  tally(tally: Tally): void {
    if (this.#backlog instanceof Backlog) this.#backlog.tally(tally);
  }

  /** How many messages are in flight to the client. */
  get inflight(): number {
    return this.#flights?.window.size ?? 0;
  }

  /**
   * Binds the session to a connection: flights of an earlier one are sent again
   * [MQTT-4.4.0-1], then what waits.
   *
   * @param receiveMaximum How many unacknowledged messages the client takes.
   */
  attach(link: Link, receiveMaximum: number): void {
    this.link = link;
    this.#receiveMaximum = receiveMaximum;
    this.#flights?.window.resume(receiveMaximum);
    this.#congestion?.progress();
    this.#terms = link.terms;
    const isOwn = link.wire.isOwn || this.#takesEach;
    const wireClass = isOwn ? WIRE_CLASS_OWN : wireClassOf(link.wire);
    this.durable?.attach();
    this.#backlog?.returned();
    // It may have a hundred thousand subscriptions: touched only if that makes a difference.
    if (wireClass !== this.wireClass || this.#isStale) {
      this.wireClass = wireClass;
      this.touch();
    }
    link.outbox.hurry();
  }

  /** Says what its client may do from now on; `null` for everything. */
  permit(access: Access | null): void {
    this.access = access;
    if (this.gate !== null || access !== null) this.#isStale = true;
    this.gate = access?.checksDelivery ? access : null;
  }

  /** Has every audience that it belongs to look at it again. */
  touch(): void {
    this.#isStale = false;
    for (const filter of this.subscriptions.filters()) this.#core.router.touch(this, filter);
  }

  /** Lets go of the connection. */
  detach(): void {
    this.link = null;
    this.#congestion?.clear();
    this.durable?.detach(this.outbound);
  }

  /** What the store had to be asked for is there. */
  loaded(): void {
    this.link?.outbox.hurry();
    if (this.hasEnded) this.durable!.loaded();
  }

  get isGated(): boolean {
    return this.gate !== null;
  }

  mayReceive(topic: string): boolean {
    return !this.hasEnded && (this.gate === null || this.gate.mayReceive(topic));
  }

  /** Whether an acknowledged message for it would stay in memory for longer than this turn. */
  get keepsMessages(): boolean {
    if (this.isDurable) return false;
    const { link } = this;
    return link === null || this.expirySeconds > 0 || !this.#canSend(link);
  }

  receiveRun(run: Run, variant: Variant): void {
    const { link } = this;
    if (this.#takesEach) {
      for (const message of run.messages()) this.receive(message, variant);
      return;
    }
    // Nothing may come behind a DISCONNECT [MQTT-3.14.4-1].
    if (link === null || !link.outbox.isOpen) return;
    if (!this.mayReceive(run.route.topic)) return this.#core.withheld(run.frames);
    const { wire } = link;
    const asIs = wire.v5 === run.v5 && !wire.isOwn && variant.identifiers === null &&
      run.frameBytesMax <= wire.packetBytesMax;
    if (asIs) link.outbox.append(run.buffer, run.start, run.end, run.frames);
    else for (const message of run.messages()) this.sendLoose(link, message, variant);
  }

  receive(message: Message, variant: Variant): void {
    if (this.hasEnded) return;
    if (!this.mayReceive(message.name)) return this.#core.withheld(1);
    const qos = this.qosOf(message, variant);
    const { link } = this;
    if (qos === 0) {
      if (this.#queuesQoS0 && !this.#canSendLoose(link)) this.#queueLoose(message, variant);
      else if (link !== null && link.outbox.isOpen) this.sendLoose(link, message, variant);
      return;
    }
    if (this.isDurable || link === null || !this.#canSend(link)) {
      return this.#queue(message, variant);
    }
    this.#flights!.send(link, message, variant, qos as 1 | 2);
  }

  rank(qos: QoS): number {
    const { link } = this;
    const isAway = link === null || !link.outbox.isOpen;
    const isKept = qos > 0 || this.#queuesQoS0;
    if (isAway) return isKept && !this.isFull(0) ? Rank.away : Rank.none;
    if (qos > 0 && this.isFull(0)) return Rank.none;
    const isBusy = qos === 0 ? !link.outbox.hasRoom : !this.#canSend(link);
    return isBusy ? Rank.busy : Rank.ready;
  }

  isFull(bytes: number): boolean {
    const backlog = this.#backlog;
    if (backlog === null) return false;
    const { backlogMessagesMax, backlogBytesMax } = this.#core.limits;
    return backlog.messages >= backlogMessagesMax || backlog.bytes + bytes > backlogBytesMax;
  }

  followBytes(log: ByteLog, follows: Follows): boolean {
    if (this.link === null || !this.link.outbox.isOpen) {
      // It is not asked again.
      this.#isStale = true;
      return false;
    }
    this.link.outbox.follow(log, follows);
    return true;
  }

  leaveBytes(follows: Follows): void {
    this.link?.outbox.leaveIf(follows);
  }

  followMessages(log: Log<Message> | DurableLog, follows: MessageFollows): boolean {
    if (this.hasEnded || this.#hasOverflowed || this.isFull(0)) return false;
    if (this.durable?.backlog.makeRoom() === false) return false;
    if (log instanceof DurableLog) this.durable!.follow(log, follows);
    else ((this.#backlog ??= new Backlog()) as Backlog).follow(log, follows);
    this.link?.outbox.wake();
    return true;
  }

  leaveMessages(follows: MessageFollows): void {
    this.#backlog?.leave(follows);
  }

  lookAtBytes(): void {
    this.link?.outbox.look();
  }

  lookAtMessages(): BacklogRoom {
    const isAway = this.link === null;
    const none = { messages: Infinity, bytes: Infinity, isAway };
    const backlog = this.#backlog;
    if (backlog === null || this.hasEnded) return none;
    const { backlogMessagesMax, backlogBytesMax } = this.#core.limits;
    const over = this.#core.overflow === "drop-newest"
      ? this.isFull(0)
      : backlog.messages > backlogMessagesMax || backlog.bytes > backlogBytesMax;
    if (over && this.#overflow() !== "keeps") return none;
    this.#slowDown();
    return {
      messages: Math.max(0, backlogMessagesMax - backlog.messages),
      bytes: Math.max(0, backlogBytesMax - backlog.bytes),
      isAway,
    };
  }

  /** Sends what waits, as far as the client's Receive Maximum and the outbox allow. */
  pump(): void {
    const { link } = this;
    if (link === null) return;
    while (link.outbox.hasRoom) {
      if (this.#flights?.window.resending) {
        if (!this.#flights.resendNext(link)) return;
      } else if (!this.#sendNext(link) && !this.#feed()) break;
    }
    if (this.#backlog?.messages === 0) this.#backlog.park(link.outbox);
    if (this.#congestion?.isAwaited) this.#clearIfShort();
  }

  /**
   * Ends the session: forgets everything.
   *
   * @returns Messages of shared subscriptions that somebody else should get.
   */
  end(): Sent[] {
    this.hasEnded = true;
    // What it is subscribed to may take a while to be removed: nothing of it reaches the client.
    this.detach();
    this.feeds = null;
    if (this.durable !== null) {
      this.durable.end(this.outbound);
      return [];
    }
    const orphans = this.#flights?.orphans() ?? [];
    for (const [message, variant] of (this.#backlog as Backlog | null)?.drain() ?? []) {
      if (variant.shared !== null) orphans.push(new Sent(message, variant, message.qos));
      else this.#core.dropped("session-ended", message, this.clientId);
    }
    this.#backlog = this.#flights = this.#inbound = null;
    return orphans;
  }

  /** Whether QoS 0 messages are more for it than bytes to be written, or not. */
  get #takesEach(): boolean {
    return this.#terms.upgradeOutgoingQoS || this.#queuesQoS0;
  }

  /** The QoS with which it is sent a message. */
  qosOf(message: Message, variant: Variant): QoS {
    const { upgradeOutgoingQoS } = this.#terms;
    return upgradeOutgoingQoS ? variant.qos : Math.min(message.qos, variant.qos) as QoS;
  }

  /** Whether QoS 0 messages wait for the client to return: only if it can. */
  get #queuesQoS0(): boolean {
    return this.#terms.queueQoS0 && this.expirySeconds > 0;
  }

  /** Whether a QoS 0 message that is sent now overtakes none that waits. */
  #canSendLoose(link: Link | null): boolean {
    return link !== null && link.outbox.isOpen && this.waiting.messages === 0;
  }

  /** Has a QoS 0 message wait, if there is room: it is no reason to end the session. */
  #queueLoose(message: Message, variant: Variant): void {
    const isStoreBusy = this.isDurable && this.#core.journal!.isFull;
    const hasRoom = !isStoreBusy && !this.#hasOverflowed && !this.isFull(message.weight) &&
      (this.isDurable || this.#core.mayKeep(message, this.clientId));
    if (hasRoom) this.#queue(message, variant);
    else this.#core.dropped("backlog", message, this.clientId);
  }

  #canSend(link: Link): boolean {
    return this.#openFlights().mayOpen && link.outbox.hasRoom &&
      (this.#backlog === null || this.#backlog.messages === 0);
  }

  #openFlights(): Flights {
    return this.#flights ??= new Flights(this.#core, this, this.#receiveMaximum);
  }

  /** Sends a QoS 0 message: it is neither kept nor acknowledged. */
  sendLoose(link: Link, message: Message, variant: Variant): void {
    if (!link.send(message, variant, 0, 0, false)) {
      this.#core.dropped(link.whyUnsent(message), message, this.clientId);
    }
  }

  /** A message that the client may no longer receive goes to another of its group, if any. */
  passOn(message: Message, { shared }: Variant): void {
    const isTaken = shared !== null && this.#core.delivery.handOver(message, shared);
    if (!isTaken) this.#core.withheld(1);
  }

  /** A flight has ended: another message may be sent. */
  landed(): void {
    this.#congestion?.progress();
    if (this.#backlog !== null || this.feeds !== null || this.#flights!.window.resending) {
      this.link?.outbox.hurry();
    }
  }

  /** Sends the next message of the backlog. Returns false if there is none, or no quota. */
  #sendNext(link: Link): boolean {
    const flights = this.#openFlights();
    if (this.durable !== null) return this.durable.sendNext(flights.window);
    return flights.sendNext(link, this.#backlog as Backlog | null);
  }

  /** Goes on sending retained messages, once nothing else waits. */
  #feed(): boolean {
    const feed = this.feeds?.first ?? null;
    if (feed === null || this.waiting.messages > 0) return false;
    if (!feed.next(this)) this.feeds!.shift();
    if (this.feeds!.length === 0) this.feeds = null;
    this.durable?.changed();
    return true;
  }

  #queue(message: Message, variant: Variant): void {
    if (this.hasEnded) return;
    const backlog = this.#backlog ??= new Backlog();
    const isFull = this.#hasOverflowed || this.isFull(message.weight);
    if (isFull && this.#overflow(message) === "gone") return;
    backlog.push(message.keep(), variant);
    if (this.durable !== null) this.link?.outbox.hurry();
    this.#slowDown();
    if (this.isFull(0)) this.#trim();
  }

  /** Applies the overflow policy. Says whether the session still takes messages. */
  #overflow(message?: Message): "keeps" | "gone" {
    const { overflow } = this.#core;
    if (overflow === "end-session") {
      if (!this.#hasOverflowed) this.#core.endSessionLater(this, ReasonCode.QuotaExceeded);
      this.#hasOverflowed = true;
      if (message !== undefined) this.#core.dropped("session-ended", message, this.clientId);
      return "gone";
    }
    if (overflow === "drop-oldest") {
      this.#trim();
      return "keeps";
    }
    // The publisher was refused before it came to this, or it is dropped here.
    if (message !== undefined) this.#core.dropped("backlog", message, this.clientId);
    else this.#backlog?.leave();
    return "gone";
  }

  #trim(): void {
    if (this.#core.overflow !== "drop-oldest") return;
    const { backlogMessagesMax, backlogBytesMax } = this.#core.limits;
    const count = this.#backlog!.trim(backlogMessagesMax, backlogBytesMax);
    this.#core.stats.dropped.backlog += count;
  }

  /** Has publishers wait while much waits for a client that is connected and well. */
  #slowDown(): void {
    if (this.link === null) return;
    const { highWaterBytes, backlogMessagesMax, stallMs } = this.#core.limits;
    const { messages, bytes } = this.waiting;
    if (bytes <= highWaterBytes && messages <= backlogMessagesMax / 2) return;
    const { clock, scheduler } = this.#core;
    this.#congestion ??= new Congestion(clock, scheduler, stallMs);
    if (!this.#congestion.isStalled) this.#core.congested(this.#congestion.room());
  }

  #clearIfShort(): void {
    const { highWaterBytes, backlogMessagesMax } = this.#core.limits;
    const { messages, bytes } = this.waiting;
    if (bytes <= highWaterBytes / 4 && messages <= backlogMessagesMax / 4) {
      this.#congestion!.clear();
    }
  }
}
