/** The times of what a stream has dropped. */
import type { RecordReader, RecordWriter } from "../store/record.ts";

/** How many neighbours may stand for the same number of chunks. */
const NEIGHBOURS_MAX = 2;
/** The limit of the runs of a valid row. Each power of two has {@linkcode NEIGHBOURS_MAX}. */
const RUNS_MAX = 128;

/** Chunks that were dropped one after the other. */
interface Run {
  /** The sequence of the first message. */
  readonly from: number;
  /** The time of the last message, in milliseconds since 1970. */
  readonly lastMs: number;
  /** The number of chunks, as a power of two. */
  readonly power: number;
}

/**
 * The times of the chunks that a stream has dropped, so that a reader who asks for a time learns
 * what of it is gone. Runs of chunks are the longer the older they are: the memory grows with the
 * logarithm of what was dropped, and a gap is told too long rather than too short.
 */
export class DroppedTimes {
  /** The oldest run comes first. */
  #runs: Run[] = [];

  /** The number of runs. */
  get size(): number {
    return this.#runs.length;
  }

  /** Adds a chunk, which comes after all others. */
  add(from: number, lastMs: number): void {
    const runs = this.#runs;
    runs.push({ from, lastMs, power: 0 });
    for (let power = 0;; power++) {
      const end = runs.findLastIndex((run) => run.power === power);
      const first = runs.findIndex((run) => run.power === power);
      if (first < 0 || end - first < NEIGHBOURS_MAX) return;
      const [older, newer] = [runs[first]!, runs[first + 1]!];
      runs.splice(first, 2, { from: older.from, lastMs: newer.lastMs, power: power + 1 });
    }
  }

  /**
   * The sequence from which on dropped messages may have arrived at a time or later; `null` if all
   * of them arrived before.
   */
  find(timeMs: number): number | null {
    return this.#runs.find(({ lastMs }) => lastMs >= timeMs)?.from ?? null;
  }

  /** Writes them as a part of a row. */
  write(writer: RecordWriter): void {
    writer.number(this.#runs.length);
    let before = { from: 0, lastMs: 0 };
    for (const run of this.#runs) {
      writer.number(run.from - before.from).number(run.lastMs - before.lastMs).number(run.power);
      before = run;
    }
  }

  /** Reads what {@linkcode write} has written; nothing of a row that has none. */
  static read(reader: RecordReader): DroppedTimes {
    const times = new DroppedTimes();
    if (reader.isAtEnd) return times;
    let [from, lastMs] = [0, 0];
    for (let left = Math.min(RUNS_MAX, reader.number()); left > 0; left--) {
      from += reader.number();
      lastMs += reader.number();
      times.#runs.push({ from, lastMs, power: reader.number() });
    }
    return times;
  }
}
