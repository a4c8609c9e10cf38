import type { Clock } from "../transport/clock.ts";
import type { ClientLimits } from "./limits.ts";
import { Delivery } from "./message.ts";
import type { ReadingGate } from "./read_pause.ts";

/**
 * Messages of a resumed session that no subscription is there for yet.
 *
 * They are not acknowledged: whoever subscribes in time does that by taking
 * them, and what is left when the program ends the server brings again. But
 * acknowledgements have an order, so a message that nobody will ever want holds
 * up those of all that came later. Hence the patience has an end, so long after
 * the last time the program has subscribed: from then on such messages are
 * acknowledged, and kept all the same.
 *
 * When there are as many as there may be, nothing more is read, just as with a
 * subscription that is full; that is for no longer than the patience either.
 */
export class Unclaimed {
  /** Messages that were dropped to make room. */
  dropped = 0;
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #gate: ReadingGate;
  #held: Delivery[] = [];
  #bytes = 0;
  /** When the patience ends; `null` as long as it has no end. */
  #untilMs: number | null = null;
  #cancel: () => void = () => {};
  #isFull = false;

  /** Makes an empty one. */
  constructor(limits: ClientLimits, clock: Clock, gate: ReadingGate) {
    this.#limits = limits;
    this.#clock = clock;
    this.#gate = gate;
    // Who keeps none does not wait for anyone to take them.
    if (limits.unclaimedMessagesMax === 0 || limits.unclaimedBytesMax === 0) this.#untilMs = 0;
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

  /** Gives away the messages that a new subscription is for; there may be more such. */
  claim(matches: (topic: string) => boolean): Delivery[] {
    const claimed = this.#remove(matches);
    const { unclaimedMessagesMax, unclaimedBytesMax, unclaimedWaitMs } = this.#limits;
    if (unclaimedMessagesMax > 0 && unclaimedBytesMax > 0) {
      this.#untilMs = this.#clock.now() + unclaimedWaitMs;
    }
    this.#wait();
    return claimed;
  }

  /** Lets go of the messages that nobody will subscribe to. */
  forgo(matches: (topic: string) => boolean): void {
    for (const delivery of this.#remove(matches)) delivery.take();
    this.#wait();
  }

  /** Waits no more, and acknowledges nothing: the server brings it again. */
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
    const { unclaimedMessagesMax, unclaimedBytesMax } = this.#limits;
    return this.#held.length > unclaimedMessagesMax || this.#bytes > unclaimedBytesMax;
  }

  /** Sees to it that the wait for somebody to subscribe has an end where it must have one. */
  #wait(): void {
    this.#cancel();
    this.#noteFull(this.#isOver);
    // Before the first subscription nothing else is held up, unless nothing is read.
    if (this.#isFull) this.#untilMs ??= this.#clock.now() + this.#limits.unclaimedWaitMs;
    if (this.#untilMs === null || this.#held.length === 0) return;
    this.#cancel = this.#clock.schedule(this.#untilMs, () => this.#letGo());
  }

  /** Lets all be acknowledged, and keeps of them what there is room for. */
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
    this.#gate.noteHeld(sign * bytes, message.qos > 0);
  }

  #noteFull(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#gate.noteFull(isFull);
  }
}

/** The same message, with nothing to acknowledge. */
function settled({ message }: Delivery): Delivery {
  return new Delivery(message, 0, 1, () => {});
}
