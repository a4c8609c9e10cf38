import type { QoS } from "../codec/mod.ts";
import type { Cursor } from "../log/cursor.ts";
import type { FilterEntry } from "./filter_entry.ts";
import type { SharedGroup } from "./shared_group.ts";
import type { Subscriber, Subscription } from "./subscription.ts";
import { addUp, type Variant } from "./variant.ts";

/** From how many members on they are looked up in a map instead of one by one. */
const INDEX_FROM = 8;

/** A subscriber among those who receive what is published to a topic. */
export class Member<S extends Subscriber> implements Variant {
  readonly retained = false;
  readonly shared = null;
  /** Where the member stands in its audience. */
  index = -1;

  /**
   * @param subscriber Who receives.
   * @param own How it receives what it published itself: `null` when it does
   * not [MQTT-3.8.3-3], `undefined` when like everything else.
   */
  constructor(
    readonly subscriber: S,
    readonly qos: QoS,
    readonly identifiers: readonly number[] | null,
    readonly retainAsPublished: boolean,
    readonly own: Variant | null | undefined,
  ) {}
}

/** Is told who joins and leaves an audience; how a wide fan-out keeps its groups. */
export interface MemberObserver<S extends Subscriber> {
  added(member: Member<S>): void;
  removed(member: Member<S>): void;
}

/**
 * Everyone who receives what is published to certain topics: those which match
 * the very same set of topic filters, and so have the same audience.
 *
 * It is brought up to date when it is next used: each filter keeps a log of
 * whose subscription has changed, and the audience is a cursor in each.
 */
export class Audience<S extends Subscriber> {
  /** The filters that match. */
  readonly entries: readonly FilterEntry<S>[];
  /** The members, in no order; one for each subscriber, shared groups not included. */
  readonly members: Member<S>[] = [];
  /** Whoever keeps something beside the members. */
  observer: MemberObserver<S> | null = null;
  /** The shared groups of all the filters; `null` for none, which is common. */
  groups: readonly SharedGroup<S>[] | null = null;
  /** How many routes lead here. */
  routes = 0;
  readonly #changes: Cursor<S>[];
  #index: Map<S, Member<S>> | null = null;

  constructor(entries: readonly FilterEntry<S>[]) {
    this.entries = entries;
    this.#changes = entries.map((entry) => entry.changes.cursor());
    for (const entry of entries) {
      entry.forEach((subscription) => {
        // A subscriber with several matching subscriptions is met more than once.
        if (entries.length === 1 || this.#find(subscription.subscriber) === undefined) {
          this.#add(this.#merge(subscription.subscriber)!);
        }
      });
    }
    this.#findGroups();
  }

  /** Takes in what has changed since the last time. */
  refresh(): void {
    for (const changes of this.#changes) {
      if (changes.lag === 0) continue;
      for (let changed = changes.next(); changed !== undefined; changed = changes.next()) {
        this.#update(changed);
      }
    }
    this.#findGroups();
  }

  #findGroups(): void {
    let groups: SharedGroup<S>[] | null = null;
    for (const entry of this.entries) {
      if (entry.groups !== null) groups = [...groups ?? [], ...entry.groups.values()];
    }
    this.groups = groups;
  }

  #update(subscriber: S): void {
    const before = this.#find(subscriber);
    if (before !== undefined) this.#remove(before);
    const after = this.#merge(subscriber);
    if (after !== null) this.#add(after);
  }

  #find(subscriber: S): Member<S> | undefined {
    if (this.#index !== null) return this.#index.get(subscriber);
    return this.members.find((member) => member.subscriber === subscriber);
  }

  #add(member: Member<S>): void {
    member.index = this.members.push(member) - 1;
    if (this.#index !== null) this.#index.set(member.subscriber, member);
    else if (this.members.length >= INDEX_FROM) {
      this.#index = new Map(this.members.map((member) => [member.subscriber, member]));
    }
    this.observer?.added(member);
  }

  #remove(member: Member<S>): void {
    const last = this.members.pop()!;
    if (last !== member) {
      this.members[member.index] = last;
      last.index = member.index;
    }
    this.#index?.delete(member.subscriber);
    this.observer?.removed(member);
  }

  /** Adds up the subscriptions of one subscriber; `null` when it has none. */
  #merge(subscriber: S): Member<S> | null {
    const subscriptions: Subscription<S>[] = [];
    for (const entry of this.entries) {
      const subscription = entry.get(subscriber);
      if (subscription !== undefined) subscriptions.push(subscription);
    }
    if (subscriptions.length === 0) return null;
    const { qos, identifiers, retainAsPublished } = addUp(subscriptions);
    const local = subscriptions.filter((subscription) => !subscription.options.noLocal);
    let own: Variant | null | undefined;
    if (local.length === 0) own = null;
    else if (local.length < subscriptions.length) own = addUp(local);
    return new Member(subscriber, qos, identifiers, retainAsPublished, own);
  }
}
