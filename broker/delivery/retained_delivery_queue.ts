import { countKept } from "../base/message.ts";
import type { TurnBudget } from "../base/turn_budget.ts";
import { mapKey } from "../../router/map_key.ts";
import { WideMap } from "../../router/wide_map.ts";
import type { RetainedDelivery } from "./retained_delivery.ts";
import type { Receiver } from "./subscriber.ts";

/** A feed in its queue. */
interface Place {
  readonly feed: RetainedDelivery;
  before: Place | null;
  after: Place | null;
}

/**
 * The feeds of a session, one after the other; at most one for each filter, so that whoever
 * subscribes again and again has no more of them than subscriptions. The later one counts: its
 * messages are to be sent from the first [MQTT-3.8.4-3]. One without the client's own messages is
 * no substitute for one with them, and so there may be both [MQTT-3.8.4-4].
 */
export class RetainedDeliveryQueue {
  /** By {@linkcode keyOf}. */
  readonly #places = new WideMap<Place>();
  #first: Place | null = null;
  #last: Place | null = null;
  /** Whether it waits for another turn. */
  #isLate = false;
  /** What they cost in memory, in bytes. */
  weight = 0;

  /** Makes a queue of these. */
  constructor(feeds: Iterable<RetainedDelivery> = []) {
    for (const feed of feeds) this.push(feed);
  }

  /** How many there are. */
  get length(): number {
    return this.#places.size;
  }

  /** The next one. */
  get first(): RetainedDelivery | null {
    return this.#first?.feed ?? null;
  }

  /** Adds one at the end, in the place of another for the same filter. */
  push(feed: RetainedDelivery): void {
    const key = keyOf(feed);
    const known = this.#places.get(key);
    if (known !== undefined) this.#takeOut(known);
    const place: Place = { feed, before: this.#last, after: null };
    if (this.#last === null) this.#first = place;
    else this.#last.after = place;
    this.#last = place;
    this.#places.set(key, place);
    this.weight += feed.weight;
    countKept(feed.weight);
  }

  /** Whether a step is to be taken now: there is something left, and it is this queue's turn. */
  get isReady(): boolean {
    return this.#first !== null && !this.#isLate;
  }

  /**
   * Takes a step of the next feed. If that was the last for this turn, the queue is ready again in
   * a later one.
   *
   * @param goOn Called then.
   */
  step(receiver: Receiver, turns: TurnBudget, goOn: () => void): void {
    const { feed } = this.#first!;
    const units = feed.next(receiver);
    if (feed.isOver) this.shift();
    if (!turns.spend(units) || this.length === 0) return;
    this.#isLate = true;
    turns.later(() => {
      this.#isLate = false;
      goOn();
    });
  }

  /** Takes the next one out. */
  shift(): void {
    if (this.#first === null) return;
    this.#places.delete(keyOf(this.#first.feed));
    this.#takeOut(this.#first);
  }

  /** All of them, in their order. */
  *[Symbol.iterator](): Generator<RetainedDelivery> {
    for (let place = this.#first; place !== null; place = place.after) yield place.feed;
  }

  #takeOut({ feed, before, after }: Place): void {
    this.weight -= feed.weight;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
  }
}

function keyOf({ filter, noLocal }: RetainedDelivery): string {
  return mapKey(noLocal ? `l${filter}` : `a${filter}`);
}
