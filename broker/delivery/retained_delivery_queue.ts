/** The retained deliveries of one session, one after the other. */
import { countKept } from "../base/message.ts";
import type { TurnBudget } from "../base/turn_budget.ts";
import { mapKey } from "../../router/map_key.ts";
import { WideMap } from "../../router/wide_map.ts";
import type { RetainedDelivery } from "./retained_delivery.ts";
import type { Receiver } from "./subscriber.ts";

/** A delivery in the queue. */
interface Place {
  readonly feed: RetainedDelivery;
  before: Place | null;
  after: Place | null;
}

/**
 * The retained deliveries of a session, one after the other. There is at most one per filter, so
 * that repeated subscriptions do not make the queue longer than the number of subscriptions. A
 * later one replaces an earlier one: its messages must be sent from the start [MQTT-3.8.4-3]. One
 * with No Local does not replace one without it, so both may be queued [MQTT-3.8.4-4].
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

  /** Creates a queue with these deliveries. */
  constructor(feeds: Iterable<RetainedDelivery> = []) {
    for (const feed of feeds) this.push(feed);
  }

  /** The number of deliveries. */
  get length(): number {
    return this.#places.size;
  }

  /** The next one. */
  get first(): RetainedDelivery | null {
    return this.#first?.feed ?? null;
  }

  /** Adds a delivery at the end. It replaces one for the same filter. */
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

  /** Whether a step is possible now: there is a delivery, and it need not wait for another turn. */
  get isReady(): boolean {
    return this.#first !== null && !this.#isLate;
  }

  /**
   * Does a step of the first delivery. If the turn is over then, the queue is ready again in a
   * later one.
   *
   * @param goOn Called in that turn.
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

  /** Removes the first delivery. */
  shift(): void {
    if (this.#first === null) return;
    this.#places.delete(keyOf(this.#first.feed));
    this.#takeOut(this.#first);
  }

  /** All deliveries, in order. */
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
