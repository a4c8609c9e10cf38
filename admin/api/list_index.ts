/**
 * The order of a long list, cached for a while: the first page costs a walk over the list, and each
 * further page only its entries.
 *
 * @module
 */
import type { Clock } from "../../broker/base/clock.ts";
import type { Steps, TimeSlices } from "../time_slices.ts";
import { compare, type Place } from "./place.ts";

/** How long an order can be used for a first page, in milliseconds. */
const FRESH_MS = 1000;
/** How long an order is kept for further pages since it was last used, in milliseconds. */
const KEPT_MS = 60_000;
/** The maximum number of cached orders: of other selections, or other sort keys. */
const ORDERS_MAX = 4;
/** The maximum number of entries of all orders together. A longer list is walked for each page. */
const ENTRIES_MAX = 1_000_000;
/** Entries that are sorted in one step. */
const RUN_ENTRIES = 16;
/** Entries that are merged in one step. */
const MERGED_PER_STEP = 16;

/** A sorted list. */
interface Order {
  readonly places: readonly Place[];
  readonly madeMs: number;
  usedMs: number;
}

/** The orders of one kind of list. */
export class ListIndex {
  readonly #clock: Clock;
  readonly #slices: TimeSlices;
  /** By selection and sort key; the most recently used order is last. */
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
   * @param isFirst Whether it is for a first page, which must be up to date.
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

  /** Drops all orders. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#orders.clear();
  }

  /** Makes an order. Requests for the same order meanwhile wait for it. */
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

  /** Drops the least recently used orders, until the limits hold. */
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

  /** Drops orders that are no longer used. */
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

/** The index of the first place after another one; 0 without one. */
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

/** Sorts places step by step: first runs, which are then merged. `null` for too many. */
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
