/** The order in which one reader reads several logs. */

/** What a {@linkcode Trail} needs of a cursor: its position, and the end of its log. */
export interface Walker {
  /** The position of the cursor. */
  readonly position: number;
  /** The log that it reads. */
  readonly log: { readonly end: number };
  /** The bytes up to `end` that are shared with other logs; without it there are none. */
  shared?(end: number): Iterable<Uint8Array>;
}

/** A part of one log that is a part of a {@linkcode Trail}. */
export class Stretch<C extends Walker, K> {
  /** The end of the stretch, or `Infinity` while it follows the end of its log. */
  end = Infinity;
  /** Frames or items of the log before `end`; for the owner's use. */
  endCount = Infinity;
  /** The next stretch. */
  next: Stretch<C, K> | null = null;

  /**
   * @param cursor The cursor in the log.
   * @param key Why this log is read.
   */
  constructor(readonly cursor: C, readonly key: K) {}

  /** The current end of the stretch. */
  get limit(): number {
    return this.end === Infinity ? this.cursor.log.end : this.end;
  }
}

/**
 * The order in which one reader reads many logs: the order in which items were appended for it. It
 * consists of stretches. The last stretch may be *open*: it follows the end of its log. While it is
 * open, appends to that log cost the reader nothing. The reader still has one position in one total
 * order.
 *
 * @typeParam C The cursors of its logs.
 * @typeParam K Why a log is read.
 */
export class Trail<C extends Walker, K> {
  #head: Stretch<C, K> | null = null;
  #tail: Stretch<C, K> | null = null;
  #size = 0;
  /** What is left to read of the closed stretches, except the first. */
  #behind = 0;

  /** How many stretches there are. */
  get size(): number {
    return this.#size;
  }

  /** The last stretch, if it is open. */
  get open(): Stretch<C, K> | null {
    return this.#tail !== null && this.#tail.end === Infinity ? this.#tail : null;
  }

  /** The first stretch, whether or not it was read to its end. */
  get first(): Stretch<C, K> | null {
    return this.#head;
  }

  /** Adds an open stretch from the cursor's position. The last stretch must be closed. */
  follow(cursor: C, key: K): Stretch<C, K> {
    const stretch = new Stretch(cursor, key);
    if (this.#tail === null) this.#head = stretch;
    else this.#tail.next = stretch;
    this.#tail = stretch;
    this.#size++;
    return stretch;
  }

  /** Closes the open stretch at the current end of its log, and stores `count` with it. */
  close(count: number): void {
    if (this.#tail === null || this.#tail.end !== Infinity) return;
    this.#tail.end = this.#tail.cursor.log.end;
    this.#tail.endCount = count;
    if (this.#tail !== this.#head) this.#behind += this.#tail.end - this.#tail.cursor.position;
  }

  /**
   * The stretch to read from, or `null` if everything was read. It removes closed stretches that
   * were read. An open one stays.
   */
  current(): Stretch<C, K> | null {
    let head = this.#head;
    while (head !== null && head.cursor.position >= head.end) {
      head = this.#head = head.next;
      this.#size--;
      if (head === null) this.#tail = null;
      else if (head.end !== Infinity) this.#behind -= head.end - head.cursor.position;
    }
    return head !== null && head.cursor.position < head.limit ? head : null;
  }

  /** What is left to read. Only the cursor of {@linkcode current} may have moved. */
  get lag(): number {
    const head = this.#head;
    const tail = this.#tail;
    if (head === null || tail === null) return 0;
    const first = head.limit - head.cursor.position;
    if (tail === head || tail.end !== Infinity) return first + this.#behind;
    return first + this.#behind + tail.limit - tail.cursor.position;
  }

  /**
   * Removes every closed stretch that was read, at any place. Call it when a cursor other than that
   * of {@linkcode current} has moved.
   */
  prune(): void {
    let last: Stretch<C, K> | null = null;
    this.#size = this.#behind = 0;
    for (let s = this.#head; s !== null; s = s.next) {
      if (s.cursor.position >= s.end) continue;
      if (last === null) this.#head = s;
      else {
        last.next = s;
        if (s.end !== Infinity) this.#behind += s.end - s.cursor.position;
      }
      last = s;
      this.#size++;
    }
    if (last === null) this.#head = null;
    else last.next = null;
    this.#tail = last;
  }

  /** Removes all stretches. */
  clear(): void {
    this.#head = this.#tail = null;
    this.#size = this.#behind = 0;
  }
}
