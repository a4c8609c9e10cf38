/** Messages of a resumed session that match no subscription yet. */
import type { Clock } from "../transport/clock.ts";
import type { ClientLimits } from "./limits.ts";
import { Delivery } from "./message.ts";
import type { ReadPause } from "./read_pause.ts";

/**
 * Messages of a resumed session that match no subscription yet.
 *
 * They are not acknowledged at first. If the program subscribes in time, it takes them, and that
 * acknowledges them. If the program ends before, the server sends them again. But acknowledgements
 * are sent in order, so a message that is never wanted would delay all later ones. So there is a
 * limit: `unmatchedWaitMs` after the last `subscribe()`, such messages are acknowledged, and still
 * kept.
 *
 * When the limit of messages or bytes is reached, reading stops, as for a full subscription. This
 * also lasts at most `unmatchedWaitMs`.
 */
export class UnmatchedMessages {
  /** Messages that were dropped to make room. */
  dropped = 0;
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #readPause: ReadPause;
  #held: Delivery[] = [];
  #bytes = 0;
  /** When the wait ends; `null` while no end is set. */
  #untilMs: number | null = null;
  #cancel: () => void = () => {};
  #isFull = false;

  /** Makes an empty one. */
  constructor(limits: ClientLimits, clock: Clock, readPause: ReadPause) {
    this.#limits = limits;
    this.#clock = clock;
    this.#readPause = readPause;
    // If none are kept, there is nothing to wait for.
    if (limits.unmatchedMessagesMax === 0 || limits.unmatchedBytesMax === 0) this.#untilMs = 0;
  }

  /** Takes a message in. */
  put(delivery: Delivery): void {
    const isPatient = this.#isPatient;
    this.#held.push(isPatient ? delivery : settled(delivery));
    this.#note(delivery, 1);
    if (!isPatient) {
      while (this.#isOver) this.#drop(0);
      return delivery.take();
    }
    while (this.#isOver) {
      const oldest = this.#held.findIndex(({ message }) => message.qos === 0);
      if (oldest < 0) break;
      this.#drop(oldest);
    }
    this.#wait();
  }

  /** Takes out the messages that match a new subscription. */
  claim(matches: (topic: string) => boolean): Delivery[] {
    const claimed = this.#remove(matches);
    const { unmatchedMessagesMax, unmatchedBytesMax, unmatchedWaitMs } = this.#limits;
    if (unmatchedMessagesMax > 0 && unmatchedBytesMax > 0) {
      this.#untilMs = this.#clock.now() + unmatchedWaitMs;
    }
    this.#wait();
    return claimed;
  }

  /** Discards the messages of filters that have ended. */
  forgo(matches: (topic: string) => boolean): void {
    for (const delivery of this.#remove(matches)) delivery.take();
    this.#wait();
  }

  /** Ends without acknowledging, so the server sends the messages again. */
  close(): void {
    this.#cancel();
    for (const delivery of this.#held) this.#note(delivery, -1);
    this.#held = [];
    this.#noteFull(false);
  }

  get #isPatient(): boolean {
    return this.#untilMs === null || this.#clock.now() < this.#untilMs;
  }

  get #isOver(): boolean {
    const { unmatchedMessagesMax, unmatchedBytesMax } = this.#limits;
    return this.#held.length > unmatchedMessagesMax || this.#bytes > unmatchedBytesMax;
  }

  /** Sets the end of the wait if it needs one. */
  #wait(): void {
    this.#cancel();
    this.#noteFull(this.#isOver);
    // Before the first subscription, a wait delays nothing else, unless reading has stopped.
    if (this.#isFull) this.#untilMs ??= this.#clock.now() + this.#limits.unmatchedWaitMs;
    if (this.#untilMs === null || this.#held.length === 0) return;
    this.#cancel = this.#clock.schedule(this.#untilMs, () => this.#letGo());
  }

  /** Acknowledges all messages, and keeps as many as the limits allow. */
  #letGo(): void {
    while (this.#isOver) this.#drop(0);
    const held = this.#held;
    this.#held = held.map(settled);
    for (const delivery of held) delivery.take();
    this.#noteFull(false);
  }

  #remove(matches: (topic: string) => boolean): Delivery[] {
    const { true: removed = [], false: rest = [] } = Object.groupBy(this.#held, ({ message }) => {
      return `${matches(message.topic)}`;
    });
    this.#held = rest;
    for (const delivery of removed) this.#note(delivery, -1);
    return removed;
  }

  #drop(index: number): void {
    const [delivery] = this.#held.splice(index, 1);
    this.#note(delivery!, -1);
    this.dropped++;
    delivery!.take();
  }

  #note({ bytes, message }: Delivery, sign: 1 | -1): void {
    this.#bytes += sign * bytes;
    this.#readPause.noteHeld(sign * bytes, message.qos > 0);
  }

  #noteFull(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#readPause.noteFull(isFull);
  }
}

/** The same message without an acknowledgement. */
function settled({ message }: Delivery): Delivery {
  return new Delivery(message, 0, 1, () => {});
}
