/**
 * A session without a broker, as its queue and its messages in flight see it.
 *
 * @module
 */
import type { QoS } from "../../codec/mod.ts";
import type { OutboundWindow } from "../../flow/outbound_window.ts";
import type { Variant } from "../../router/variant.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";
import type { ClientLink } from "../session/client_link.ts";
import { InflightMessages, type InflightOwner } from "../session/inflight.ts";
import type { InflightMessage } from "../session/inflight_message.ts";
import type { QueueOwner, SessionQueue } from "../session/session_queue.ts";
import { SubscriptionTable } from "../session/subscription_table.ts";
import { textOf } from "./messages.ts";

/** A connection that tells in words what was sent by it. */
export class TestLink {
  /** What was sent since the last {@linkcode taken}. */
  #sent: string[] = [];
  /** Payloads that cannot be sent, because they are too large. */
  readonly tooLarge = new Set<string>();
  /** How often the outbox was asked to flush. */
  flushes = 0;
  readonly outbox = { hurry: () => void this.flushes++ };

  /** The connection as a session sees it. */
  get asLink(): ClientLink {
    return this as unknown as ClientLink;
  }

  send(message: Message, _variant: Variant, qos: QoS, packetId: number, dup: boolean): boolean {
    const payload = textOf(message);
    if (this.tooLarge.has(payload)) return false;
    const words = qos === 0 ? `${payload} QoS 0` : `${payload} QoS ${qos} #${packetId}`;
    this.#sent.push(dup ? `${words} DUP` : words);
    return true;
  }

  whyUnsent(): "too-large" {
    return "too-large";
  }

  sendPubrel(packetId: number): void {
    this.#sent.push(`PUBREL #${packetId}`);
  }

  /** What was sent since the last time. */
  taken(): string[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }
}

/** What a queue needs of its session, and what is in flight to its client. */
export class TestQueueOwner implements QueueOwner, InflightOwner {
  readonly clientId = "a";
  expirySeconds = 100;
  readonly subscriptions = new SubscriptionTable();
  inboundIds: number[] = [];
  readonly feeds = null;
  readonly replays = null;
  link: ClientLink | null = null;
  inflightMessages: InflightMessages | null = null;
  /** Topics that the client may not receive. */
  readonly denied = new Set<string>();
  /** Payloads of messages that went to others of their groups. */
  readonly passedOn: string[] = [];
  /** How many exchanges have ended. */
  exchangesEnded = 0;
  readonly queue: SessionQueue;
  readonly #context: BrokerContext;

  /** @param receiveMaximum The client's Receive Maximum. */
  constructor(
    context: BrokerContext,
    newQueue: (owner: QueueOwner) => SessionQueue,
    readonly receiveMaximum = 10,
  ) {
    this.#context = context;
    this.queue = newQueue(this);
  }

  get outbound(): OutboundWindow<InflightMessage> | null {
    return this.inflightMessages?.window ?? null;
  }

  openInflight(): InflightMessages {
    return this.inflightMessages ??= new InflightMessages(this.#context, this, this.receiveMaximum);
  }

  qosOf(message: Message, variant: Variant): QoS {
    return Math.min(message.qos, variant.qos) as QoS;
  }

  mayReceive(topic: string): boolean {
    return !this.denied.has(topic);
  }

  passOn(message: Message): void {
    this.passedOn.push(textOf(message));
  }

  sendLoose(link: ClientLink, message: Message, variant: Variant): void {
    link.send(message, variant, 0, 0, false);
  }

  onExchangeEnded(): void {
    this.exchangesEnded++;
  }

  /** Connects the client. What was in flight is sent again by {@linkcode pump}. */
  connect(): TestLink {
    const link = new TestLink();
    this.link = link.asLink;
    this.outbound?.resume(this.receiveMaximum);
    this.queue.onAttached();
    return link;
  }

  /** Disconnects the client. */
  disconnect(): void {
    this.link = null;
    this.queue.onDetached();
  }

  /** Sends what is in flight of an earlier connection, then what waits, as far as possible. */
  pump(): void {
    const { link } = this;
    if (link === null) return;
    for (;;) {
      if (this.outbound?.resending) {
        if (!this.inflightMessages!.resendNext(link)) return;
      } else if (!this.queue.sendNext(link)) return;
    }
  }
}
