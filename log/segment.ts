/** A part of a log. */

/**
 * Consecutive items of a {@linkcode Log}. Segments link forward only. A reader that holds one can
 * reach the later ones, and a segment that no reader can reach is garbage. `next` is set by the
 * log.
 */
export class Segment<T> {
  /** The items, oldest first. */
  readonly items: T[];
  /** The segment that follows, or `null` while this is the last. */
  next: Segment<T> | null = null;

  /** Sequence number of the first item. */
  readonly base: number;
  /** Weight of all items before the first. */
  readonly baseWeight: number;

  /**
   * Makes a segment.
   *
   * @param base Sequence number of the first item.
   * @param baseWeight Weight of all items before the first.
   * @param items The first items; none by default.
   */
  constructor(base: number, baseWeight: number, items: T[] = []) {
    this.base = base;
    this.baseWeight = baseWeight;
    this.items = items;
  }

  /** Sequence number after the last item. */
  get end(): number {
    return this.base + this.items.length;
  }

  /**
   * Copies the segments from here to sequence number `end`, over the same items, without links to
   * later ones.
   */
  upTo(end: number): Segment<T> {
    const first = new Segment<T>(this.base, this.baseWeight, this.items);
    let last = first;
    for (let s = this.next; s !== null && s.base < end; s = s.next) {
      last = last.next = new Segment<T>(s.base, s.baseWeight, s.items);
    }
    return first;
  }
}
