/** The queue of a session that ends with the broker. */
import { type QoS, ReasonCode } from "../../codec/mod.ts";
import type { PublishExchange } from "../../flow/outbound_window.ts";
import { Log, type Waiter } from "../../log/log.ts";
import type { Variant } from "../../router/variant.ts";
import { Backlog, type MessageFollows, type MessageLog } from "../delivery/backlog.ts";
import { InflightMessage } from "./inflight_message.ts";
import type { Tally } from "../base/memory_tally.ts";
import type { ClientLink } from "./client_link.ts";
import type { Message } from "../base/message.ts";
import type { QueueOwner, SessionQueue } from "./session_queue.ts";
import type { BrokerContext } from "../base/context.ts";
import type { MemoryBudget } from "../limits/memory_budget.ts";

/** What a queue in memory needs of the broker. */
export interface MemoryQueueHost {
  readonly context: Pick<BrokerContext, "clock" | "reportDrop">;
  readonly memory: Pick<MemoryBudget, "admitsMessage">;
}

/** The queue of a session that ends with the broker: a {@linkcode Backlog}, made for the first message. */
export class MemoryQueue implements SessionQueue {
  readonly #host: MemoryQueueHost;
  readonly #owner: QueueOwner;
  #backlog: Backlog | null = null;

  constructor(host: MemoryQueueHost, owner: QueueOwner) {
    this.#host = host;
    this.#owner = owner;
  }

  // These four are alike for all queues in memory, so no queue has a field for them.

  get isDurable(): false {
    return false;
  }

  get isStored(): true {
    return true;
  }

  get takesAll(): false {
    return false;
  }

  get isHolding(): false {
    return false;
  }

  get backlog(): Backlog | null {
    return this.#backlog;
  }

  get messages(): number {
    return this.#backlog === null ? 0 : this.#backlog.messages;
  }

  get bytes(): number {
    return this.#backlog === null ? 0 : this.#backlog.bytes;
  }

  hasRoomFor(message: Message): boolean {
    return this.#host.memory.admitsMessage(message, this.#owner.clientId);
  }

  keeps(isSent: boolean): boolean {
    return !isSent;
  }

  push(message: Message, variant: Variant): void {
    (this.#backlog ??= new Backlog()).push(message, variant);
  }

  follow(log: MessageLog, follows: MessageFollows): boolean {
    if (!(log instanceof Log)) throw new TypeError("Cannot follow a stored log in memory");
    (this.#backlog ??= new Backlog()).follow(log, follows);
    return true;
  }

  leave(follows?: MessageFollows): void {
    this.#backlog?.leave(follows);
  }

  park(waiter: Waiter): void {
    this.#backlog?.park(waiter);
  }

  trim(messagesMax: number, bytesMax: number): number {
    return this.#backlog?.trim(messagesMax, bytesMax) ?? 0;
  }

  sendNext(link: ClientLink): boolean {
    const backlog = this.#backlog;
    const message = backlog === null ? null : backlog.peek();
    if (message === null) return false;
    const owner = this.#owner;
    const { variant } = backlog!;
    const isExpired = message.deadlineMs <= this.#host.context.clock.now();
    const qos: QoS = owner.qosOf(message, variant);
    const inflight = owner.openInflight();
    if (!isExpired && qos > 0 && inflight.window.quota === 0) return false;
    backlog!.shift();
    if (isExpired) this.#host.context.reportDrop("expired", message, owner.clientId);
    else if (!owner.mayReceive(message.name)) owner.passOn(message, variant);
    else if (qos === 0) owner.sendLoose(link, message, variant);
    else inflight.send(link, message, variant, qos);
    return true;
  }

  sendStored(): boolean {
    return false;
  }

  resend(link: ClientLink, exchange: PublishExchange<InflightMessage>): void {
    if (exchange.phase !== "pubcomp") exchange.message!.wasSent = true;
    this.#owner.inflightMessages!.transmit(link, exchange);
  }

  release(exchange: PublishExchange<InflightMessage>): void {
    exchange.message = null;
    this.#owner.link?.sendPubrel(exchange.packetId, ReasonCode.Success);
  }

  // Nothing of it is stored.

  onAcknowledged(): void {}

  tally(tally: Tally): void {
    this.#backlog?.tally(tally);
  }

  onAttached(): void {
    this.#backlog?.onAttached();
  }

  onDetached(): void {}

  markChanged(): void {}

  markSubscriptionChanged(): void {}

  get pendingCommit(): null {
    return null;
  }

  end(): IterableIterator<InflightMessage | null> {
    const inflight = this.#owner.inflightMessages?.unacknowledgedShared() ?? [];
    const backlog = this.#backlog;
    // Most sessions leave nothing, and a generator costs as much as the rest of their end.
    if (backlog === null) return inflight.values();
    this.#backlog = null;
    backlog.leave();
    return this.#leftBehind(inflight, backlog);
  }

  /** One message at a time, because very many may wait, and others are served in between. */
  *#leftBehind(
    inflight: InflightMessage[],
    backlog: Backlog,
  ): IterableIterator<InflightMessage | null> {
    yield* inflight;
    for (const [message, variant] of backlog.drain()) {
      if (variant.shared !== null) yield new InflightMessage(message, variant, message.qos);
      else {
        this.#host.context.reportDrop("session-ended", message, this.#owner.clientId);
        yield null;
      }
    }
  }
}
