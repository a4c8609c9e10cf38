/** Sends the retained messages for one new subscription, step by step. */
import type { Variant } from "../../router/variant.ts";
import { FEED_BYTES } from "../base/memory_costs.ts";
import type { RetainedWalk } from "./retained_store.ts";
import type { Receiver } from "./subscriber.ts";

/** The maximum number of retained messages per step. */
const PAGE_MESSAGES_MAX = 32;
/** The maximum size of a step, in bytes. After a larger one the next step has fewer messages. */
const PAGE_BYTES = 64 * 1024;
/** The maximum number of topic levels visited in one step: about 0.1 ms. */
const PAGE_VISITS_MAX = 256;
/** Bytes of messages that cost as much as one topic level. */
const BYTES_PER_UNIT = 512;

/** Sends retained messages to a new subscription, step by step. */
export class RetainedDelivery {
  readonly #walk: RetainedWalk;
  /** Starts low, because the size of the messages is not yet known. */
  #pageMax = 4;
  #isOver = false;

  /**
   * @param filter The filter of the subscription.
   * @param variant The flags of the messages.
   * @param noLocal Whether the subscriber's own messages are skipped [MQTT-3.8.3-3].
   */
  constructor(
    readonly filter: string,
    walk: RetainedWalk,
    readonly variant: Variant,
    readonly noLocal: boolean,
  ) {
    this.#walk = walk;
  }

  /** What it costs in memory, in bytes: its filter is the key under which it waits, too. */
  get weight(): number {
    return FEED_BYTES + 2 * this.filter.length;
  }

  /** Whether there are no more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Does one step: finds messages and sends them. It may find none.
   *
   * @returns The cost in units of the turn's budget; 1 or more.
   */
  next(receiver: Pick<Receiver, "receive" | "isOrigin">): number {
    const before = this.#walk.visits;
    const page = this.#walk.next(this.#pageMax, PAGE_VISITS_MAX);
    this.#isOver = page === null;
    let bytes = 0;
    for (const message of page ?? []) {
      bytes += message.weight;
      if (this.noLocal && receiver.isOrigin(message.origin)) continue;
      receiver.receive(message, this.variant);
    }
    this.#pageMax = bytes > PAGE_BYTES
      ? Math.max(1, this.#pageMax >> 1)
      : Math.min(PAGE_MESSAGES_MAX, this.#pageMax * 2);
    return 1 + this.#walk.visits - before + Math.floor(bytes / BYTES_PER_UNIT);
  }
}
