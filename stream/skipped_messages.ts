/** The sequences of messages that a stream could not store. */
import type { RecordReader, RecordWriter } from "../store/record.ts";

/** The limit of the runs of one stream. Beyond it the two oldest are counted as one. */
export const SKIPPED_RUNS_MAX = 64;

/** Sequences one after the other, both ends included. */
interface Run {
  readonly from: number;
  readonly to: number;
}

/**
 * The sequences that have no message, because the disk was full. Where later messages take the
 * place of earlier ones, a reader cannot tell from the records alone what is missing. A full disk
 * makes one run, so there are few. A gap is told too long rather than too short.
 */
export class SkippedMessages {
  /** In ascending order. */
  readonly #runs: Run[] = [];

  /** The number of runs. */
  get size(): number {
    return this.#runs.length;
  }

  /**
   * Adds a sequence, which comes after all others.
   *
   * @param first The first sequence of the stream. Runs before it are forgotten.
   */
  add(seq: number, first: number): void {
    const runs = this.#runs;
    while (runs.length > 0 && runs[0]!.to < first) runs.shift();
    const last = runs.at(-1);
    if (last?.to === seq - 1) runs[runs.length - 1] = { from: last.from, to: seq };
    else runs.push({ from: seq, to: seq });
    if (runs.length <= SKIPPED_RUNS_MAX) return;
    const [oldest, next] = [runs[0]!, runs[1]!];
    runs.splice(0, 2, { from: oldest.from, to: next.to });
  }

  /** Calls `found` with each run between two sequences, both included. */
  within(from: number, to: number, found: (from: number, to: number) => void): void {
    for (const run of this.#runs) {
      if (run.to >= from && run.from <= to) found(Math.max(from, run.from), Math.min(to, run.to));
    }
  }

  /** Writes them as a part of a row. */
  write(writer: RecordWriter): void {
    writer.number(this.#runs.length);
    let before = 0;
    for (const { from, to } of this.#runs) {
      writer.number(from - before).number(to - from);
      before = to;
    }
  }

  /** Reads what {@linkcode write} has written; nothing of a row that has none. */
  static read(reader: RecordReader): SkippedMessages {
    const skipped = new SkippedMessages();
    if (reader.isAtEnd) return skipped;
    let before = 0;
    for (let left = Math.min(SKIPPED_RUNS_MAX, reader.number()); left > 0; left--) {
      const from = before + reader.number();
      before = from + reader.number();
      skipped.#runs.push({ from, to: before });
    }
    return skipped;
  }
}
