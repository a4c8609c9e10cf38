/** The messages that wait in one subscription of a client. */
import type { Cursor } from "../log/cursor.ts";
import { Log } from "../log/log.ts";
import type { Delivery } from "./message.ts";
import type { ClientLimits } from "./limits.ts";
import type { ReadPause } from "./read_pause.ts";

/** What happens when a subscription is full. */
export type SubscriptionOverflow =
  /** Reading from the server stops, for all subscriptions. The default. */
  | "wait"
  /** The oldest message is dropped, acknowledged, and counted in `dropped`. */
  | "drop-oldest";

/** Small, so that messages that the program has taken become garbage soon. */
const SEGMENT = { segmentItems: 16, segmentWeight: 65_536 };

/** The messages that wait in one subscription. */
export class SubscriptionBuffer {
  /** Messages that were dropped. */
  dropped = 0;
  readonly #log = new Log<Delivery>({ ...SEGMENT, weigh: (delivery) => delivery.bytes });
  readonly #cursor: Cursor<Delivery> = this.#log.cursor();
  readonly #readPause: ReadPause;
  readonly #limits: ClientLimits;
  readonly #overflow: SubscriptionOverflow;
  #isFull = false;
  #isClosed = false;
  #error: Error | null = null;

  /** Makes an empty one. */
  constructor(readPause: ReadPause, limits: ClientLimits, overflow: SubscriptionOverflow) {
    this.#readPause = readPause;
    this.#limits = limits;
    this.#overflow = overflow;
  }

  /** Adds a message. */
  put(delivery: Delivery): void {
    const isTooMuch = delivery.message.qos === 0 && this.#readPause.refusesBestEffort;
    if (this.#isClosed || isTooMuch) {
      this.dropped++;
      return delivery.take();
    }
    this.#readPause.noteHeld(delivery.bytes, delivery.message.qos > 0);
    this.#log.append(delivery);
    if (this.#overflow === "wait") return this.#noteFull();
    while (this.#cursor.lag > 1 && this.#isOver(1)) {
      this.dropped++;
      this.#takeOldest();
    }
  }

  /**
   * Takes the oldest message, and waits for one if there is none.
   *
   * @returns `undefined` once the buffer is closed.
   * @throws The error that the buffer was closed with, after the last message.
   */
  async take(): Promise<Delivery | undefined> {
    for (;;) {
      const delivery = this.#takeOldest();
      if (delivery !== undefined) return delivery;
      if (this.#error !== null) throw this.#error;
      if (this.#isClosed) return undefined;
      await this.#log.more();
    }
  }

  /**
   * Accepts no more messages. Without an error, held messages are discarded. With an error, the
   * program gets them first.
   *
   * @param isTaken Whether discarded messages count as taken.
   */
  close(error: Error | null, isTaken: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#error = error;
    const released = error === null ? this.release() : [];
    if (isTaken) released.forEach((delivery) => delivery.take());
    this.#noteFull();
    this.#log.more().close();
  }

  /** Returns the messages that it holds, for other subscriptions. */
  release(): Delivery[] {
    const released: Delivery[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) released.push(next);
    this.#noteFull();
    return released;
  }

  #takeOldest(): Delivery | undefined {
    const delivery = this.#next();
    if (delivery === undefined) return undefined;
    this.#noteFull();
    delivery.take();
    return delivery;
  }

  #next(): Delivery | undefined {
    const delivery = this.#cursor.next();
    if (delivery !== undefined) this.#readPause.noteHeld(-delivery.bytes, delivery.message.qos > 0);
    return delivery;
  }

  /** Whether it holds more than a part of its limits. */
  #isOver(part: number): boolean {
    const { subscriptionMessagesMax, subscriptionBytesMax } = this.#limits;
    return this.#cursor.lag > subscriptionMessagesMax * part ||
      this.#log.weight - this.#cursor.weight > subscriptionBytesMax * part;
  }

  #noteFull(): void {
    // Reading resumes when half of it is free, so that it does not switch for each message.
    const isFull = !this.#isClosed && this.#overflow === "wait" &&
      this.#isOver(this.#isFull ? 0.5 : 1);
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#readPause.noteFull(isFull);
  }
}
