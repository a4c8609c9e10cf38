import type { Variant } from "../../router/variant.ts";
import type { RetainedWalk } from "./retained_store.ts";
import type { Receiver } from "./subscriber.ts";

/** Retained messages that are sent in one step, at most. */
const PAGE_MESSAGES_MAX = 32;
/** Bytes of a step; past them the next one has fewer messages. */
const PAGE_BYTES = 64 * 1024;
/** Topic levels that are looked at in one step: about 0.1 ms. */
const PAGE_LOOKS_MAX = 256;
/** How many bytes of messages cost as much as one topic level. */
const BYTES_PER_UNIT = 512;

/** The retained messages that a new subscription is still to be sent. */
export class RetainedDelivery {
  readonly #walk: RetainedWalk;
  /** How large the messages are is not known before they are found. */
  #pageMax = 4;
  #isOver = false;

  /**
   * @param filter What the messages match.
   * @param variant How they are sent.
   * @param noLocal Whether the subscriber's own are left out [MQTT-3.8.3-3].
   */
  constructor(
    readonly filter: string,
    walk: RetainedWalk,
    readonly variant: Variant,
    readonly noLocal: boolean,
  ) {
    this.#walk = walk;
  }

  /** Whether there are no more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Takes one step: looks for messages, and hands over what it has found, which may be nothing.
   *
   * @returns What that has cost, in units of the turn's budget; 1 or more.
   */
  next(receiver: Pick<Receiver, "receive" | "isOrigin">): number {
    const before = this.#walk.looks;
    const page = this.#walk.next(this.#pageMax, PAGE_LOOKS_MAX);
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
    return 1 + this.#walk.looks - before + Math.floor(bytes / BYTES_PER_UNIT);
  }
}
