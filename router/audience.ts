/** The subscribers of all topics that match the same filters. */
import type { Cursor } from "../log/cursor.ts";
import { FilterEntry } from "./filter_entry.ts";
import { type Member, memberOf, mergedOf } from "./member.ts";
import type { SharedGroup } from "./shared_group.ts";
import { type Subscriber, Subscription } from "./subscription.ts";

/** The member count from which members are found by an index. */
const INDEX_FROM = 8;
/** The member count from which changes are followed. A smaller audience is built again. */
const FOLLOW_FROM = 8;

/** The memory of an audience, of each of its filters and of each member, in bytes. */
const AUDIENCE_BYTES = 170;
const ENTRY_BYTES = 24;
const MEMBER_BYTES = 150;
/** The audience of one subscription, with its member. */
const SOLO_BYTES = 210;
/** A member for which the observer has a seat, too: 250 to 270. */
const OBSERVED_MEMBER_BYTES = 260;

/** The filters of an audience without any. */
const NO_ENTRIES: readonly never[] = [];

/** Observes the members of an audience. A wide fan-out keeps its groups this way. */
export interface MemberObserver<S extends Subscriber> {
  onAdded(member: Member<S>): void;
  onRemoved(member: Member<S>): void;
}

/**
 * All subscribers of certain topics: topics that match the same set of topic filters have the same
 * audience.
 *
 * It is updated before its next use. A small audience is built again. A large one has a cursor in
 * each filter's log of subscription changes. If a filter has started a new log, the audience checks
 * all subscribers.
 */
export class Audience<S extends Subscriber> {
  /**
   * The matching filters. Most audiences have one, which needs no list; and most of these have one
   * subscription, which needs no entry.
   */
  #entries: Subscription<S> | FilterEntry<S> | readonly FilterEntry<S>[];
  /** The shared groups of all filters; `null` for none, which is common. */
  groups: readonly SharedGroup<S>[] | null = null;
  /** The only member, if it receives all messages alike and there is no shared group. */
  sole: Member<S> | null = null;
  /** The number of routes to this audience; `router.ts` counts them. */
  routes = 0;
  /** Its memory when it was weighed last, in bytes. */
  #weight = 0;
  /** The versions of all filters together, as of the last look. */
  #version = -1;
  /** Cursors in the change logs of the filters; `null` while the audience is small. */
  #changes: Cursor<S>[] | null = null;
  /** The only member; `null` for none, and if there is a list. */
  #only: Member<S> | null = null;
  /** All members, as soon as a list is needed. */
  #members: Member<S>[] | null = null;
  /** Members by their subscribers; made for the first change, which most audiences never see. */
  #index: Map<S, Member<S>> | null = null;
  #observer: MemberObserver<S> | null = null;

  /** @param from The filters, kept; or the only subscription of the only filter. */
  constructor(from: Subscription<S> | readonly FilterEntry<S>[]) {
    this.#entries = Array.isArray(from) && from.length === 1 ? from[0]! : from;
    this.refresh();
  }

  /** The audience of one subscription, and only for now: it does not follow changes. */
  static ofOne<S extends Subscriber>(subscription: Subscription<S>): Audience<S> {
    const audience = new Audience<S>(NO_ENTRIES);
    audience.#setOnly(memberOf(subscription));
    audience.#findSole();
    return audience;
  }

  /** The matching filters; none if it is that of a subscription alone. */
  get entries(): readonly FilterEntry<S>[] {
    if (this.#entries instanceof FilterEntry) return [this.#entries];
    return Array.isArray(this.#entries) ? this.#entries : NO_ENTRIES;
  }

  /** The only subscription, if the audience was made of it alone. */
  get only(): Subscription<S> | null {
    return this.#entries instanceof Subscription ? this.#entries : null;
  }

  /**
   * What the audience is made of has changed: to another subscription of the same subscriber, to the
   * entry of the filter, or to nothing.
   */
  become(from: Subscription<S> | FilterEntry<S> | null): void {
    this.#entries = from ?? NO_ENTRIES;
    this.#version = -1;
  }

  /** The members, in no specific order: one for each subscriber, without shared groups. */
  get members(): readonly Member<S>[] {
    return this.#members ?? this.#toList();
  }

  /** The number of members. */
  get size(): number {
    return this.#members === null ? (this.#only === null ? 0 : 1) : this.#members.length;
  }

  /** The observer of the members, or `null`. */
  get observer(): MemberObserver<S> | null {
    return this.#observer;
  }

  /**
   * Computes its memory, which grows with each member.
   *
   * @returns The growth since the last call, in bytes.
   */
  weigh(): number {
    const before = this.#weight;
    if (this.only !== null) {
      this.#weight = SOLO_BYTES;
      return SOLO_BYTES - before;
    }
    // An observer has data for each member.
    const memberBytes = this.#observer === null ? MEMBER_BYTES : OBSERVED_MEMBER_BYTES;
    const entries = Array.isArray(this.#entries) ? this.#entries.length : 1;
    this.#weight = AUDIENCE_BYTES + entries * ENTRY_BYTES + this.size * memberBytes;
    return this.#weight - before;
  }

  /** The audience is removed: returns its memory when it was weighed last, in bytes. */
  unweigh(): number {
    const before = this.#weight;
    this.#weight = 0;
    return before;
  }

  /**
   * Tells an observer of every change from now on. The observer cannot be removed.
   *
   * @throws {Error} If the audience is that of one subscription, which follows no changes.
   */
  observe(observer: MemberObserver<S>): void {
    if (this.only !== null) throw new Error("The audience of one subscription has no observer");
    this.#observer = observer;
    this.#follow();
  }

  /** Applies the changes since the last call. */
  refresh(): void {
    const version = this.#sumOfVersions;
    if (version === this.#version) return;
    this.#version = version;
    if (this.#changes === null) this.#rebuild();
    else this.#update(this.entries, this.#changes);
    this.#findGroups();
    this.#findSole();
  }

  get #sumOfVersions(): number {
    if (this.#entries instanceof Subscription) return 0;
    if (this.#entries instanceof FilterEntry) return this.#entries.version;
    let sum = 0;
    for (const { version } of this.entries) sum += version;
    return sum;
  }

  #update(entries: readonly FilterEntry<S>[], logs: Cursor<S>[]): void {
    if (logs.every(({ log }, i) => log === entries[i]!.changes)) this.#updateChanged(logs);
    else this.#updateAll(entries);
  }

  #findSole(): void {
    const only = this.#members?.length === 1 ? this.#members[0]! : this.#only;
    const isSole = only !== null && only.own === undefined && this.groups === null;
    this.sole = isSole && this.#observer === null ? only : null;
  }

  #updateChanged(logs: Cursor<S>[]): void {
    if (logs.length === 1) {
      const log = logs[0]!;
      for (let one = log.next(); one !== undefined; one = log.next()) this.#updateOne(one);
      return;
    }
    // Each subscriber once, because it is looked up in all entries.
    const subscribers = new Set<S>();
    for (const log of logs) {
      for (let changed = log.next(); changed !== undefined; changed = log.next()) {
        subscribers.add(changed);
      }
    }
    for (const subscriber of subscribers) this.#updateOne(subscriber);
  }

  #updateAll(entries: readonly FilterEntry<S>[]): void {
    this.#changes = entries.map((entry) => entry.changes.cursor());
    const subscribers = new Set(this.members.map(({ subscriber }) => subscriber));
    for (const entry of entries) {
      entry.forEach(({ subscriber }) => subscribers.add(subscriber));
    }
    for (const subscriber of subscribers) this.#updateOne(subscriber);
  }

  #rebuild(): void {
    this.#index = null;
    const entry = this.#entries instanceof FilterEntry ? this.#entries : null;
    const single = this.only ?? entry?.single ?? null;
    // The most common case.
    if (single !== null) return this.#setOnly(memberOf(single));
    this.#only = null;
    this.#members = null;
    if (entry === null) this.#addMerged();
    else entry.forEach((subscription) => this.#add(memberOf(subscription)));
    if (this.size >= FOLLOW_FROM) this.#follow();
  }

  #setOnly(member: Member<S>): void {
    member.index = 0;
    this.#only = member;
    this.#members = null;
  }

  /** A subscriber with several matching subscriptions is one member. */
  #addMerged(): void {
    const found = new Map<S, Subscription<S> | Subscription<S>[]>();
    for (const entry of this.entries) {
      entry.forEach((subscription) => {
        const { subscriber } = subscription;
        const known = found.get(subscriber);
        if (known === undefined) found.set(subscriber, subscription);
        else if (Array.isArray(known)) known.push(subscription);
        else found.set(subscriber, [known, subscription]);
      });
    }
    for (const one of found.values()) {
      this.#add(Array.isArray(one) ? mergedOf(one) : memberOf(one));
    }
  }

  #follow(): void {
    this.#changes ??= this.entries.map((entry) => entry.changes.cursor());
  }

  #findGroups(): void {
    let groups: SharedGroup<S>[] | null = null;
    const isPlain = this.#entries instanceof Subscription ||
      this.#entries instanceof FilterEntry && this.#entries.groups === null;
    for (const entry of isPlain ? NO_ENTRIES : this.entries) {
      if (entry.groups !== null) (groups ??= []).push(...entry.groups.values());
    }
    this.groups = groups;
  }

  #updateOne(subscriber: S): void {
    const before = this.#find(subscriber);
    const after = this.#merge(subscriber);
    if (before !== undefined && after !== null) this.#replace(before, after);
    else if (before !== undefined) this.#remove(before);
    else if (after !== null) this.#add(after);
  }

  /**
   * Replaces a member at its index. A key that is removed from a `Map` and added again is found
   * ever more slowly.
   */
  #replace(before: Member<S>, after: Member<S>): void {
    after.index = before.index;
    this.#toList()[after.index] = after;
    this.#index?.set(after.subscriber, after);
    this.#observer?.onRemoved(before);
    this.#observer?.onAdded(after);
  }

  #find(subscriber: S): Member<S> | undefined {
    const members = this.#toList();
    if (this.#index === null && members.length >= INDEX_FROM) {
      this.#index = new Map(members.map((member) => [member.subscriber, member]));
    }
    if (this.#index !== null) return this.#index.get(subscriber);
    return members.find((member) => member.subscriber === subscriber);
  }

  /** Makes a list of the members. */
  #toList(): Member<S>[] {
    this.#members ??= this.#only === null ? [] : [this.#only];
    this.#only = null;
    return this.#members;
  }

  #add(member: Member<S>): void {
    const members = this.#toList();
    member.index = members.push(member) - 1;
    this.#index?.set(member.subscriber, member);
    this.#observer?.onAdded(member);
  }

  #remove(member: Member<S>): void {
    const members = this.#toList();
    const last = members.pop()!;
    if (last !== member) {
      members[member.index] = last;
      last.index = member.index;
    }
    this.#index?.delete(member.subscriber);
    this.#observer?.onRemoved(member);
  }

  /** Merges the subscriptions of one subscriber; `null` if it has none. */
  #merge(subscriber: S): Member<S> | null {
    const subscriptions: Subscription<S>[] = [];
    for (const entry of this.entries) {
      const subscription = entry.get(subscriber);
      if (subscription !== undefined) subscriptions.push(subscription);
    }
    if (subscriptions.length === 0) return null;
    return subscriptions.length === 1 ? memberOf(subscriptions[0]!) : mergedOf(subscriptions);
  }
}
