/** What another node still has to be told about the subscriptions here, and what it knows. */
import { FrameKind, FrameWriter } from "./frames.ts";
import type { InterestTable } from "./interest_table.ts";

/** A frame is sent when it has so many bytes, or there is nothing more to tell. */
const FRAME_BYTES = 64 * 1024;

/** The flags of a frame. */
export const InterestFlag = {
  /** All that is subscribed to follows, from this frame on. */
  first: 1,
  /** The last frame of that. What was not in it is not subscribed to. */
  last: 2,
} as const;

/** In the place of a QoS: the filter is not subscribed to any more. */
export const GONE = 3;
/** In the place of a QoS: no filter follows, but flags, and the number of the last change. */
export const END = 4;

/** Somebody waits until the other node knows a change. */
interface Waiter {
  readonly change: number;
  readonly resolve: () => void;
}

/**
 * The subscriptions of this node on their way to another one, over one link: first all of them, then
 * what changes. Changes of one filter that were not sent yet become one, so what waits is never
 * more than the table itself.
 */
export class InterestFeed {
  readonly #table: InterestTable;
  /** The filters that have changed and were not sent, with the number of the first such change. */
  readonly #changed = new Map<string, number>();
  /** The walk of all filters at the start; `null` when it is over. */
  #all: Iterator<string> | null;
  #isFirst = true;
  /** The number of the last change; the state at the start is number 1. */
  #change = 1;
  /** The number of the last change that the other node knows, with all before it. */
  #known = 0;
  #waiters: Waiter[] = [];
  /** Whether an answer is wanted although nothing has changed. */
  #isAsked = false;
  #isEnded = false;

  constructor(table: InterestTable) {
    this.#table = table;
    this.#all = table.filters();
  }

  /** Whether the other node knows all that there was at the start. */
  get isKnown(): boolean {
    return this.#known > 0;
  }

  /** A filter is subscribed to now, or not any more, or with another QoS. */
  onChanged(filter: string): void {
    this.#change++;
    if (!this.#changed.has(filter)) this.#changed.set(filter, this.#change);
  }

  /** Has the other node answer, although nothing has changed: it answers after what it has to send. */
  ask(): void {
    this.#change++;
    this.#isAsked = true;
  }

  /** Resolves when the other node knows all changes until now; `null` if it knows them. */
  whenKnown(): Promise<void> | null {
    if (this.#isEnded || this.#known >= this.#change) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push({ change: this.#change, resolve });
    return promise;
  }

  /** The other node knows the changes up to this one. */
  onKnown(change: number): void {
    if (change <= this.#known) return;
    this.#known = change;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((one) => one.change > change);
    for (const one of waiters) if (one.change <= change) one.resolve();
  }

  /** The link has ended: nobody waits any longer. */
  end(): void {
    this.#isEnded = true;
    for (const { resolve } of this.#waiters) resolve();
    this.#waiters = [];
  }

  /** The next frame; `null` if the other node was told all. */
  next(): Uint8Array | null {
    if (this.#all === null && this.#changed.size === 0 && !this.#isAsked) return null;
    this.#isAsked = false;
    const entries = new FrameWriter(FrameKind.interest);
    const first = this.#isFirst ? InterestFlag.first : 0;
    this.#isFirst = false;
    // The flags and the number of the last change are only known at the end, so they come last.
    const isLast = this.#all !== null && this.#writeAll(entries, this.#all);
    if (isLast) this.#all = null;
    if (this.#all === null) this.#writeChanged(entries);
    entries.byte(END).byte(first | (isLast ? InterestFlag.last : 0));
    return entries.number(this.#told).take();
  }

  /** The number of the last change up to which all was told. */
  get #told(): number {
    if (this.#all !== null) return 0;
    const [next] = this.#changed.values();
    return next === undefined ? this.#change : next - 1;
  }

  /** Returns whether that was all. */
  #writeAll(frame: FrameWriter, all: Iterator<string>): boolean {
    while (frame.length < FRAME_BYTES) {
      const { value, done } = all.next();
      if (done) return true;
      this.#write(frame, value);
    }
    return false;
  }

  #writeChanged(frame: FrameWriter): void {
    for (const filter of this.#changed.keys()) {
      if (frame.length >= FRAME_BYTES) return;
      this.#changed.delete(filter);
      this.#write(frame, filter);
    }
  }

  #write(frame: FrameWriter, filter: string): void {
    frame.byte(this.#table.qosOf(filter) ?? GONE).uint32(this.#table.numberOf(filter)).text(filter);
  }
}
