/** The members of one shared subscription, and who gets the next message. */
import type { Subscriber, Subscription } from "./subscription.ts";

/** The members of `$share/{name}/{filter}`. Each message is sent to one of them (MQTT 5 §4.8.2). */
export class SharedGroup<S extends Subscriber> {
  readonly #members: Subscription<S>[] = [];
  readonly #index: Map<S, number> = new Map();
  #turn = 0;

  /** The number of members. */
  get size(): number {
    return this.#members.length;
  }

  /** The subscription of one member. */
  get(subscriber: S): Subscription<S> | undefined {
    const index = this.#index.get(subscriber);
    return index === undefined ? undefined : this.#members[index];
  }

  /** Adds a member, or replaces its subscription. */
  set(subscription: Subscription<S>): void {
    const index = this.#index.get(subscription.subscriber) ?? this.#members.length;
    this.#index.set(subscription.subscriber, index);
    this.#members[index] = subscription;
  }

  /** Removes a member. The last one moves into its place, so the cost is O(1). */
  delete(subscriber: S): Subscription<S> | undefined {
    const index = this.#index.get(subscriber);
    if (index === undefined) return undefined;
    const subscription = this.#members[index]!;
    const last = this.#members.pop()!;
    this.#index.delete(subscriber);
    if (last !== subscription) {
      this.#members[index] = last;
      this.#index.set(last.subscriber, index);
    }
    return subscription;
  }

  /** The subscriptions of all members. */
  get members(): readonly Subscription<S>[] {
    return this.#members;
  }

  /** Whether any member passes a test. */
  some(test: (subscription: Subscription<S>) => boolean): boolean {
    return this.#members.some(test);
  }

  /**
   * Selects a member for a message. Members take turns, and a member that cannot receive the
   * message is skipped.
   *
   * @param rank Rates a member: 0 if it cannot receive the message. The highest rank wins, and
   * between equal ranks the next in turn. The search stops at `best`.
   */
  select(rank: (subscription: Subscription<S>) => number, best: number): Subscription<S> | null {
    const members = this.#members;
    let chosen = -1;
    let chosenRank = 0;
    for (let i = 0; i < members.length; i++) {
      const index = (this.#turn + i) % members.length;
      const value = rank(members[index]!);
      if (value <= chosenRank) continue;
      chosen = index;
      chosenRank = value;
      if (value >= best) break;
    }
    if (chosen < 0) return null;
    this.#turn = (chosen + 1) % members.length;
    return members[chosen]!;
  }
}
