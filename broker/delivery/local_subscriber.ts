/** The subscriber behind a subscription of the program. */
import type { QoS } from "../../codec/mod.ts";
import { Receipt } from "../../log/receipt.ts";
import { WIRE_CLASS_OWN } from "../../router/subscription.ts";
import type { Variant } from "../../router/variant.ts";
import { Backlog } from "./backlog.ts";
import type { BrokerContext } from "../base/context.ts";
import type { ReceivedMessage } from "./local_subscription.ts";
import type { Message } from "../base/message.ts";
import type { Origin } from "../base/origin.ts";
import { Rank, type Receiver } from "./subscriber.ts";
import type { RetainedDelivery } from "./retained_delivery.ts";
import type { PublishBatch } from "./publish_batch.ts";

/**
 * The program as a subscriber. It has the limits of a session's backlog. Beyond them the oldest
 * messages are dropped, and counted. `feed` is set by `subscribe_locally.ts` once, after the
 * subscription was made.
 */
export class LocalSubscriber implements Receiver {
  /** It is handed each message. */
  readonly follower = null;
  readonly isRestricted = false;
  readonly isDurable = false;
  /** It drops the oldest messages itself. */
  readonly keepsMessages = false;
  readonly wireClass: number = WIRE_CLASS_OWN;
  /** Messages that were dropped because the program was too slow. */
  dropped = 0;
  /** The delivery of retained messages in progress, or `null`. */
  feed: RetainedDelivery | null = null;
  readonly #context: BrokerContext;
  readonly #backlog = new Backlog();
  /** Whether the search for retained messages waits for another turn. */
  #isLate = false;
  #more = new Receipt();

  constructor(context: BrokerContext) {
    this.#context = context;
  }

  /** A receipt that closes when a message has arrived since the last {@linkcode take}. */
  get more(): Receipt {
    return this.#more;
  }

  /** Wakes the program if it waits for more. */
  wake(): void {
    this.#more.close();
  }

  /** The next message, or `null` if none waits. */
  take(): ReceivedMessage | null {
    while (this.#backlog.messages === 0 && this.feed !== null && !this.#isLate) this.#search();
    const message = this.#backlog.peek();
    if (message === null) {
      this.#more = new Receipt();
      return null;
    }
    const { variant } = this.#backlog;
    this.#backlog.shift();
    return received(message, variant);
  }

  /** Does one step of the search for retained messages. */
  #search(): void {
    const { turns } = this.#context;
    const isOver = turns.spend(this.feed!.next(this));
    if (this.feed!.isOver) this.feed = null;
    if (!isOver || this.feed === null) return;
    this.#isLate = true;
    turns.later(() => {
      this.#isLate = false;
      this.#more.close();
    });
  }

  isOrigin({ kind }: Origin): boolean {
    return kind === "program";
  }

  mayReceive(): boolean {
    return true;
  }

  receiveRun(run: PublishBatch, variant: Variant): void {
    for (const message of run.messages()) this.receive(message, variant);
  }

  receive(message: Message, variant: Variant): void {
    this.#backlog.push(message.keep(), variant);
    const { backlogMessagesMax, backlogBytesMax } = this.#context.limits;
    const dropped = this.#backlog.trim(backlogMessagesMax, backlogBytesMax);
    this.dropped += dropped;
    this.#context.stats.dropped.backlog += dropped;
    this.#more.close();
  }

  rank(): number {
    return this.isFull(0) ? Rank.busy : Rank.ready;
  }

  isFull(bytes: number): boolean {
    const { backlogMessagesMax, backlogBytesMax } = this.#context.limits;
    return this.#backlog.messages >= backlogMessagesMax ||
      this.#backlog.bytes + bytes > backlogBytesMax;
  }
}

function received(message: Message, variant: Variant): ReceivedMessage {
  return {
    topic: message.name,
    payload: message.payload.slice(),
    qos: Math.min(message.qos, variant.qos) as QoS,
    retain: variant.retained || (variant.retainAsPublished && message.retain),
  };
}
