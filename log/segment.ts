/**
 * A stretch of consecutive items of a {@linkcode Log}. Segments link forward
 * only: whoever holds one can walk on, and once nobody does, the runtime
 * collects it. That is the log's garbage collection.
 */
export class Segment<T> {
  /** The items, oldest first. */
  readonly items: T[] = [];
  /** The segment that follows, or `null` while this is the last. */
  next: Segment<T> | null = null;

  /**
   * Makes a segment with nothing in it.
   *
   * @param base Sequence number of the first item.
   * @param baseWeight Weight of all items before the first.
   */
  constructor(readonly base: number, readonly baseWeight: number) {}

  /** Sequence number behind the last item. */
  get end(): number {
    return this.base + this.items.length;
  }
}
