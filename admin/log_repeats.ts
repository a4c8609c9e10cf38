/**
 * Lines of the log that repeat: within a window the first few of a kind are written, the others are
 * counted, and one line tells how many they were.
 *
 * @module
 */

/** The length of a window, in milliseconds. It begins with the first line that may repeat. */
export const REPEAT_WINDOW_MS = 10_000;
/** Lines of one kind that are written in a window. */
export const REPEATS_WRITTEN = 5;
/** Kinds that are told apart in a window. All beyond that count as one, by their types. */
export const REPEAT_KINDS_MAX = 1000;

/** Calls a function once, after a time; returns what calls it off. */
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

  /**
   * @param tell Writes that lines were not written: the last of them, and how many they were.
   */
  constructor(after: After, tell: (last: T, times: number) => void) {
    this.#after = after;
    this.#tell = tell;
  }

  /**
   * Counts a line.
   *
   * @param kind What makes it the same as other lines.
   * @param others The kind that it has when too many kinds are known.
   * @returns Whether it is to be written.
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

  /** Ends the window, and tells what was counted in it. */
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
