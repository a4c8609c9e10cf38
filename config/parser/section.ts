/** The options that are given in one part of a configuration. */
import type { Place } from "../errors/errors.ts";
import type { Line } from "./lexer.ts";
import type { OptionTable, Values } from "../options/option.ts";

/** Reports a fault or a warning about a line. */
export interface Report {
  problem(line: Line, text: string): void;
  note(line: Line, text: string): void;
}

/** The options of one table that were given in one part of a configuration. */
export class Section<Table extends OptionTable> {
  readonly #table: Table;
  readonly #report: Report;
  readonly #values = new Map<string, unknown>();
  readonly #places = new Map<string, Place>();

  constructor(table: Table, report: Report) {
    this.#table = table;
    this.#report = report;
  }

  /** Reads a line whose option is in the table. */
  take(line: Line, word: string): void {
    const option = this.#table[word]!;
    const report = this.#report;
    if (line.value === "") return report.problem(line, `expects ${option.expects}, not nothing`);
    const first = this.#places.get(word);
    if (option.isOnce && first !== undefined) {
      return report.problem(line, `was given already at ${first.file}:${first.line}`);
    }
    const text = option.isOneWord ? firstWord(line, report) : line.value;
    const value = option.parse(text, this.#values.get(word));
    if (value === undefined) {
      return report.problem(line, `expects ${option.expects}, not "${text}"`);
    }
    this.#values.set(word, value);
    this.#places.set(word, line.place);
    if (option.note !== null) report.note(line, option.note);
  }

  /** The last place of each option. */
  get places(): ReadonlyMap<string, Place> {
    return this.#places;
  }

  /** The options whose value is not the default. */
  changed(): string[] {
    const isChanged = ([word, value]: [string, unknown]) => value !== this.#table[word]!.initial;
    return [...this.#values].filter(isChanged).map(([word]) => word);
  }

  /** The values of all options. */
  values(): Values<Table> {
    const values: Record<string, unknown> = {};
    for (const [word, option] of Object.entries(this.#table)) {
      values[word] = this.#values.has(word) ? this.#values.get(word) : option.initial;
    }
    return values as Values<Table>;
  }
}

/** The first word of the value. Further text is reported unless it is a comment. */
export function firstWord(line: Line, report: Report): string {
  const [word, ...rest] = line.value.split(/\s+/);
  if (rest.length > 0 && !rest[0]!.startsWith("#")) {
    report.note(line, `takes one value; "${rest.join(" ")}" has no effect`);
  }
  return word!;
}
