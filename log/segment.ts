/**
 * A stretch of consecutive items of a {@linkcode Log}. Segments link forward
 * only: whoever holds one can walk on, and once nobody does, the runtime
 * collects it. That is the log's garbage collection.
 */
export class Segment<T> {
  /** The items, oldest first. */
  readonly items: T[];
  /** The segment that follows, or `null` while this is the last. */
  next: Segment<T> | null = null;

  /**
   * Makes a segment.
   *
   * @param base Sequence number of the first item.
   * @param baseWeight Weight of all items before the first.
   * @param items Nothing, if not given.
   */
  constructor(readonly base: number, readonly baseWeight: number, items: T[] = []) {
    this.items = items;
  }

  /** Sequence number behind the last item. */
  get end(): number {
    return this.base + this.items.length;
  }

  /** The segments from here to sequence number `end`, over the same items, linked no further. */
  upTo(end: number): Segment<T> {
    const first = new Segment<T>(this.base, this.baseWeight, this.items);
    let last = first;
    for (let s = this.next; s !== null && s.base < end; s = s.next) {
      last = last.next = new Segment<T>(s.base, s.baseWeight, s.items);
    }
    return first;
  }
}
