/**
 * The order of a long list, kept for a while: the first page costs a walk over everything, and each
 * further one what it shows.
 *
 * @module
 */
import type { Clock } from "../../broker/base/clock.ts";
import type { Steps, TimeSlices } from "../time_slices.ts";
import { compare, type Place } from "./place.ts";

/** How long an order is good for a first page, in milliseconds. */
const FRESH_MS = 1000;
/** How long an order is kept for further pages since it was last used, in milliseconds. */
const KEPT_MS = 60_000;
/** Orders that are kept at once: of other selections, or sorted otherwise. */
const ORDERS_MAX = 4;
/** Entries of all of them together. A list that is longer is walked for each page. */
export const ENTRIES_MAX = 1_000_000;
/** Entries that are sorted in one step. */
const RUN_ENTRIES = 16;
/** Entries that are merged in one step. */
const MERGED_PER_STEP = 16;

/** A list that was put in order. */
interface Order {
  readonly places: readonly Place[];
  readonly madeMs: number;
  usedMs: number;
}

/** The orders of one kind of list. */
export class ListIndex {
  readonly #clock: Clock;
  readonly #slices: TimeSlices;
  /** By what was selected and how it was sorted; the one that was used last is the last. */
  readonly #orders = new Map<string, Order>();
  readonly #making = new Map<string, Promise<Order | null>>();
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, slices: TimeSlices) {
    this.#clock = clock;
    this.#slices = slices;
  }

  /** How many orders are kept. */
  get size(): number {
    return this.#orders.size;
  }

  /**
   * The places of a list, in order.
   *
   * @param name What is selected, and how it is sorted.
   * @param isFirst Whether it is for a first page, which has to be up to date.
   * @param entries The places of all entries that belong to the list; `null` for one that does not.
   * @returns `null` if there are too many.
   */
  async places(
    name: string,
    isFirst: boolean,
    entries: () => Iterable<Place | null>,
  ): Promise<readonly Place[] | null> {
    const now = this.#clock.now();
    const known = this.#orders.get(name);
    const isGood = known !== undefined && now - (isFirst ? known.madeMs : known.usedMs) <
        (isFirst ? FRESH_MS : KEPT_MS);
    const order = isGood ? known : await this.#make(name, entries);
    if (order === null) return null;
    order.usedMs = this.#clock.now();
    this.#orders.delete(name);
    this.#orders.set(name, order);
    this.#shorten();
    this.#dropLater();
    return order.places;
  }

  /** Keeps nothing more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#orders.clear();
  }

  /** Makes an order; all who want the same one meanwhile wait for it. */
  #make(name: string, entries: () => Iterable<Place | null>): Promise<Order | null> {
    let making = this.#making.get(name);
    if (making === undefined) {
      const madeMs = this.#clock.now();
      making = this.#slices.run(inOrder(entries())).then((places) =>
        places === null ? null : { places, madeMs, usedMs: madeMs }
      ).finally(() => this.#making.delete(name));
      this.#making.set(name, making);
    }
    return making;
  }

  /** Drops those that were not used for longest, until there are not too many. */
  #shorten(): void {
    let entries = 0;
    for (const { places } of this.#orders.values()) entries += places.length;
    for (const [name, { places }] of this.#orders) {
      if (this.#orders.size <= ORDERS_MAX && entries <= ENTRIES_MAX) return;
      if (this.#orders.size === 1) return;
      this.#orders.delete(name);
      entries -= places.length;
    }
  }

  /** Drops those that nobody uses any more. */
  #dropLater(): void {
    if (this.#cancel !== null) return;
    this.#cancel = this.#clock.schedule(this.#clock.now() + KEPT_MS, () => {
      this.#cancel = null;
      const now = this.#clock.now();
      for (const [name, { usedMs }] of this.#orders) {
        if (now - usedMs >= KEPT_MS) this.#orders.delete(name);
      }
      if (this.#orders.size > 0) this.#dropLater();
    });
  }
}

/** Where the places begin that come after one: all of them without one. */
export function startAfter(places: readonly Place[], after: Place | null): number {
  if (after === null) return 0;
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(places[middle]!, after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Puts places in order, some at a time: sorted runs, which are merged. `null` for too many. */
export function* inOrder(entries: Iterable<Place | null>): Steps<Place[] | null> {
  const all: Place[] = [];
  for (const entry of entries) {
    if (entry !== null && all.push(entry) > ENTRIES_MAX) return null;
    yield;
  }
  let runs: Place[][] = [];
  for (let at = 0; at < all.length; at += RUN_ENTRIES) {
    runs.push(all.slice(at, at + RUN_ENTRIES).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: Place[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(i + 1 < runs.length ? yield* merge(runs[i]!, runs[i + 1]!) : runs[i]!);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge(a: readonly Place[], b: readonly Place[]): Steps<Place[]> {
  const merged: Place[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const isA = j === b.length || (i < a.length && compare(a[i]!, b[j]!) <= 0);
    merged.push(isA ? a[i++]! : b[j++]!);
    if (merged.length % MERGED_PER_STEP === 0) yield;
  }
  return merged;
}
