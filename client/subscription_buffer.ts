import type { Cursor } from "../log/cursor.ts";
import { Log } from "../log/log.ts";
import type { Delivery } from "./message.ts";
import type { ClientLimits } from "./limits.ts";
import type { ReadingGate } from "./read_pause.ts";

/** What happens when a subscription holds as much as it may. */
export type SubscriptionOverflow =
  /** Nothing more is read from the server, for no subscription. The default. */
  | "wait"
  /** The oldest message is dropped, acknowledged and counted. */
  | "drop-oldest";

/** Small, so that messages the program has taken are soon garbage. */
const SEGMENT = { segmentItems: 16, segmentWeight: 65_536 };

/** The messages that wait for one subscription to take them. */
export class SubscriptionBuffer {
  /** Messages that were dropped. */
  dropped = 0;
  readonly #log = new Log<Delivery>({ ...SEGMENT, weigh: (delivery) => delivery.bytes });
  readonly #cursor: Cursor<Delivery> = this.#log.cursor();
  readonly #gate: ReadingGate;
  readonly #limits: ClientLimits;
  readonly #overflow: SubscriptionOverflow;
  #isFull = false;
  #isClosed = false;
  #error: Error | null = null;

  /** Makes an empty one. */
  constructor(gate: ReadingGate, limits: ClientLimits, overflow: SubscriptionOverflow) {
    this.#gate = gate;
    this.#limits = limits;
    this.#overflow = overflow;
  }

  /** Takes a message in. */
  put(delivery: Delivery): void {
    const isTooMuch = delivery.message.qos === 0 && this.#gate.refusesBestEffort;
    if (this.#isClosed || isTooMuch) {
      this.dropped++;
      return delivery.take();
    }
    this.#gate.noteHeld(delivery.bytes, delivery.message.qos > 0);
    this.#log.append(delivery);
    if (this.#overflow === "wait") return this.#noteFull();
    while (this.#cursor.lag > 1 && this.#isOver(1)) {
      this.dropped++;
      this.#takeOldest();
    }
  }

  /**
   * The oldest message, which counts as taken from here on; waits for one.
   *
   * @returns `undefined` once the buffer is closed.
   * @throws What the buffer was closed with, after the last message.
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
   * Takes no more in. Without an error what is held is let go of; with one the
   * program gets it first.
   *
   * @param isTaken Whether what is let go of counts as taken.
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

  /** Gives back what it holds, for others to take. */
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
    if (delivery !== undefined) this.#gate.noteHeld(-delivery.bytes, delivery.message.qos > 0);
    return delivery;
  }

  /** Whether it holds more than a part of what it may. */
  #isOver(part: number): boolean {
    const { subscriptionMessagesMax, subscriptionBytesMax } = this.#limits;
    return this.#cursor.lag > subscriptionMessagesMax * part ||
      this.#log.weight - this.#cursor.weight > subscriptionBytesMax * part;
  }

  #noteFull(): void {
    // Room for half of it before reading goes on: not a turn for each message.
    const isFull = !this.#isClosed && this.#overflow === "wait" &&
      this.#isOver(this.#isFull ? 0.5 : 1);
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#gate.noteFull(isFull);
  }
}
