/**
 * Counts repeated lines of the log: in a window of time the first few of a kind are written, the
 * others are counted, and one line says how many there were.
 *
 * @module
 */

/** The length of a window, in milliseconds. It begins with the first line that may repeat. */
export const REPEAT_WINDOW_MS = 10_000;
/** The maximum number of lines of one kind that are written in a window. */
export const REPEATS_WRITTEN = 5;
/** The maximum number of kinds in a window. Further kinds count as one per type. */
export const REPEAT_KINDS_MAX = 1000;

/** Calls a function once, after a time; returns a function that cancels the call. */
export type After = (ms: number, call: () => void) => () => void;

/** Lines of one kind in this window. */
interface Kind<T> {
  lines: number;
  /** The last line that was counted and not written. */
  last: T | null;
}

/** Counts the lines of each kind. */
export class LogRepeats<T> {
  readonly #after: After;
  readonly #tell: (last: T, times: number) => void;
  readonly #kinds = new Map<string, Kind<T>>();
  #callOff: (() => void) | null = null;

  /** @param tell Writes that lines were left out: the last one, and their number. */
  constructor(after: After, tell: (last: T, times: number) => void) {
    this.#after = after;
    this.#tell = tell;
  }

  /**
   * Counts a line.
   *
   * @param kind Identifies lines that count as the same.
   * @param others Its kind if there are too many kinds.
   * @returns Whether to write it.
   */
  takes(kind: string, others: string, line: T): boolean {
    const kinds = this.#kinds;
    const name = kinds.has(kind) || kinds.size < REPEAT_KINDS_MAX ? kind : others;
    let known = kinds.get(name);
    if (known === undefined) kinds.set(name, known = { lines: 0, last: null });
    this.#callOff ??= this.#after(REPEAT_WINDOW_MS, () => this.flush());
    if (++known.lines <= REPEATS_WRITTEN) return true;
    known.last = line;
    return false;
  }

  /** Ends the window, and writes what was counted in it. */
  flush(): void {
    this.#callOff?.();
    this.#callOff = null;
    const counted = [...this.#kinds.values()];
    this.#kinds.clear();
    for (const { lines, last } of counted) {
      if (last !== null) this.#tell(last, lines - REPEATS_WRITTEN);
    }
  }
}
