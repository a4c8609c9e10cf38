/** What a {@linkcode Trail} needs of a cursor: where it is and where its log ends. */
export interface Walker {
  /** Where the cursor stands. */
  readonly position: number;
  /** The log it walks. */
  readonly log: { readonly end: number };
}

/** A part of one log that a {@linkcode Trail} leads over. */
export class Stretch<C extends Walker, K> {
  /** Where the stretch ends, or `Infinity` while it follows the end of its log. */
  end = Infinity;
  /** Frames or items of the log in front of `end`; for the owner's use. */
  endCount = Infinity;
  /** The stretch that is walked after this one. */
  next: Stretch<C, K> | null = null;

  /**
   * @param cursor Where in the log the walk is.
   * @param key Why this log is walked.
   */
  constructor(readonly cursor: C, readonly key: K) {}

  /** Where the stretch ends as things are now. */
  get limit(): number {
    return this.end === Infinity ? this.cursor.log.end : this.end;
  }
}

/**
 * The way of one reader over many logs, in the order in which things were
 * appended for it: stretch after stretch, the last of which may be *open*, that
 * is, follow the end of its log. While it is open, appends to that log cost the
 * reader nothing at all, and it is still at one position in one total order.
 *
 * @typeParam C The cursors of its logs.
 * @typeParam K Why a log is walked.
 */
export class Trail<C extends Walker, K> {
  #head: Stretch<C, K> | null = null;
  #tail: Stretch<C, K> | null = null;
  #size = 0;
  /** How much is left of the stretches that are closed, without the first. */
  #behind = 0;

  /** How many stretches there are. */
  get size(): number {
    return this.#size;
  }

  /** The last stretch, if it is open. */
  get open(): Stretch<C, K> | null {
    return this.#tail !== null && this.#tail.end === Infinity ? this.#tail : null;
  }

  /** The first stretch, walked to its end or not. */
  get first(): Stretch<C, K> | null {
    return this.#head;
  }

  /** Follows a log from the cursor's position on. The last stretch must be closed. */
  follow(cursor: C, key: K): Stretch<C, K> {
    const stretch = new Stretch(cursor, key);
    if (this.#tail === null) this.#head = stretch;
    else this.#tail.next = stretch;
    this.#tail = stretch;
    this.#size++;
    return stretch;
  }

  /** Ends the open stretch where its log ends now; `count` is kept with it. */
  close(count: number): void {
    if (this.#tail === null || this.#tail.end !== Infinity) return;
    this.#tail.end = this.#tail.cursor.log.end;
    this.#tail.endCount = count;
    if (this.#tail !== this.#head) this.#behind += this.#tail.end - this.#tail.cursor.position;
  }

  /**
   * The stretch to read from, or `null` when everything was read. Stretches
   * that are closed and read are forgotten; an open one stays.
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

  /** How much is left to read. Only the cursor of {@linkcode current} may have moved. */
  get lag(): number {
    const head = this.#head;
    const tail = this.#tail;
    if (head === null || tail === null) return 0;
    const first = head.limit - head.cursor.position;
    if (tail === head || tail.end !== Infinity) return first + this.#behind;
    return first + this.#behind + tail.limit - tail.cursor.position;
  }

  /**
   * Forgets every stretch that is closed and passed, wherever it stands. To be
   * called when any other cursor than that of {@linkcode current} was moved.
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

  /** Forgets everything. */
  clear(): void {
    this.#head = this.#tail = null;
    this.#size = this.#behind = 0;
  }
}
