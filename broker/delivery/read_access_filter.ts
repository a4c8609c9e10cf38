import type { Member } from "../../router/audience.ts";
import type { Route } from "../../router/route_cache.ts";
import type { Receiver } from "./subscriber.ts";

/** How many members must have gone, beside as many as there are, for the list to be tidied. */
const GONE_MIN = 64;

/**
 * Finds who may not receive a topic among the members of a wide audience, at
 * little cost per message: the members are a list that only grows at its end,
 * and each route is a position in it, up to which they were asked about its
 * topic.
 *
 * A member that was denied is reported once, and forgotten. Whoever has it
 * asked again, as answers may change, adds it again.
 */
export class ReadAccessFilter {
  #list: Member<Receiver>[] = [];
  readonly #members = new Set<Member<Receiver>>();
  /** Stands for the order of the list; positions in another are worth nothing. */
  #order = {};

  /** Has a member asked about every topic. */
  add(member: Member<Receiver>): void {
    this.#members.add(member);
    this.#list.push(member);
  }

  /** Forgets a member. */
  delete(member: Member<Receiver>): void {
    this.#members.delete(member);
    if (this.#list.length > 2 * this.#members.size + GONE_MIN) this.#tidy();
  }

  /** Those who may not receive what is published on a route, and were not reported before. */
  denied(route: Route<Receiver>): readonly Member<Receiver>[] {
    const end = this.#list.length;
    // One that was dropped from the cache is not told when answers change.
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
