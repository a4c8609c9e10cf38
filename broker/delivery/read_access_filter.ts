/** Finds the members of a wide audience that may not receive a topic. */
import type { Member } from "../../router/member.ts";
import type { Route } from "../../router/route_cache.ts";
import type { Receiver } from "./subscriber.ts";

/** The list is compacted after this many removals plus as many as there are members. */
const REMOVED_MIN = 64;

/**
 * Finds the members of a wide audience that may not receive a topic, at a low cost per message.
 * Members are in a list that only grows at its end. Each route stores the position up to which the
 * members were checked for its topic.
 *
 * A denied member is reported once, and removed. Its owner adds it again when permissions change.
 */
export class ReadAccessFilter {
  #list: Member<Receiver>[] = [];
  readonly #members = new Set<Member<Receiver>>();
  /** Identifies the order of the list. Positions of another order are invalid. */
  #order = {};

  /** Checks a member for every topic from now on. */
  add(member: Member<Receiver>): void {
    this.#members.add(member);
    this.#list.push(member);
  }

  /** Removes a member. */
  delete(member: Member<Receiver>): void {
    this.#members.delete(member);
    if (this.#list.length > 2 * this.#members.size + REMOVED_MIN) this.#tidy();
  }

  /** The members that may not receive messages of a route, and were not reported before. */
  takeDenied(route: Route<Receiver>): readonly Member<Receiver>[] {
    const end = this.#list.length;
    // A route that was removed from the cache misses changes of permissions.
    const isKnown = route.checkedBy === this.#order && route.isCached;
    if (isKnown && route.checked === end) return NOBODY;
    const denied = this.#ask(route.topic, isKnown ? route.checked : 0);
    for (const member of denied) this.#members.delete(member);
    route.checkedBy = this.#order;
    route.checked = end;
    return denied;
  }

  #ask(topic: string, from: number): Member<Receiver>[] {
    const denied: Member<Receiver>[] = [];
    for (let i = from; i < this.#list.length; i++) {
      const member = this.#list[i]!;
      if (!this.#members.has(member)) continue;
      if (!member.subscriber.mayReceive(topic)) denied.push(member);
    }
    return denied;
  }

  #tidy(): void {
    this.#list = [...this.#members];
    this.#order = {};
  }
}

const NOBODY: readonly Member<Receiver>[] = [];
