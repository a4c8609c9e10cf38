/**
 * Reads the command lines of `pub.ts` and `sub.ts` by a table of flags, which is
 * the text of their `--help` as well.
 *
 * What follows a flag is its value, whatever it looks like, for a message may
 * well be `-5`; and some flags take several words. `@std/cli` knows neither.
 *
 * @module
 */
import { FlagError } from "./server_flags.ts";

/** One flag. */
export interface Flag {
  /** How it is typed; the first is the one messages name. */
  readonly names: readonly string[];
  /** What its value is called in the help; a flag without is a switch. */
  readonly value?: string;
  /** What it is for. */
  readonly about: string;
  /** Whether it may be given more than once. */
  readonly isRepeatable?: boolean;
  /** How many words it takes of those that follow, if not one. */
  readonly words?: (following: readonly string[]) => number;
}

/** Flags by a name for the code. */
export type FlagTable<Name extends string> = Readonly<Record<Name, Flag>>;

/** What was given on a command line. */
export class Flags<Name extends string> {
  readonly #table: FlagTable<string>;
  readonly #given = new Map<string, string[][]>();

  /** @throws {FlagError} If a flag is unknown, has no value, or comes too often. */
  constructor(args: readonly string[], table: FlagTable<Name>) {
    this.#table = table;
    const names = new Map<string, string>();
    for (const [name, flag] of Object.entries<Flag>(table)) {
      for (const typed of flag.names) names.set(typed, name);
    }
    for (let at = 0; at < args.length;) at = this.#read(args, at, names);
  }

  /** Whether it was given. */
  has(name: Name): boolean {
    return this.#given.has(name);
  }

  /** How messages name it. */
  label(name: Name): string {
    return this.#table[name]!.names[0]!;
  }

  /** The words of each time it was given. */
  words(name: Name): readonly string[][] {
    return this.#given.get(name) ?? [];
  }

  /** Its values, in order. */
  texts(name: Name): string[] {
    return this.words(name).map(([text]) => text!);
  }

  /** Its value, or `null`. */
  text(name: Name): string | null {
    return this.texts(name)[0] ?? null;
  }

  /**
   * Its value as a whole number, or `null`.
   *
   * @throws {FlagError} If it is none, or not within the bounds.
   */
  whole(name: Name, min: number, max: number): number | null {
    const text = this.text(name);
    return text === null ? null : wholeNumber(this.label(name), text, min, max);
  }

  /**
   * Its value as a number that may have a fraction, or `null`.
   *
   * @param unit What it counts, for the message.
   * @throws {FlagError} If it is none, or below 0.
   */
  decimal(name: Name, unit: string): number | null {
    const text = this.text(name);
    if (text === null) return null;
    if (/^(\d+\.?\d*|\.\d+)$/.test(text)) return Number(text);
    throw new FlagError(`${this.label(name)} needs a number of ${unit}, not "${text}"`);
  }

  /** @returns Where the next flag is. */
  #read(args: readonly string[], at: number, names: ReadonlyMap<string, string>): number {
    const typed = args[at]!;
    const [, long, inline] = /^(--[^=]+)=(.*)$/s.exec(typed) ?? [];
    const name = names.get(long ?? typed);
    if (name === undefined) throw new FlagError(`Unknown argument: ${long ?? typed}`);
    const { value, words, isRepeatable } = this.#table[name]!;
    const given = this.#given.get(name) ?? [];
    if (given.length > 0 && value !== undefined && isRepeatable !== true) {
      throw new FlagError(`${typed} may be given once only`);
    }
    if (value === undefined && inline !== undefined) {
      throw new FlagError(`${long} takes no value`);
    }
    const following = inline === undefined ? args.slice(at + 1) : [inline];
    const count = value === undefined ? 0 : words?.(following) ?? 1;
    if (following.length < count) throw new FlagError(`${typed} needs a value: ${value}`);
    this.#given.set(name, [...given, following.slice(0, count)]);
    return at + 1 + (inline === undefined ? count : 0);
  }
}

/** Reads a whole number. */
export function wholeNumber(label: string, text: string, min: number, max: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  const range = max === Infinity ? `of ${min} or more` : `from ${min} to ${max}`;
  throw new FlagError(`${label} needs a whole number ${range}, not "${text}"`);
}

/** The lines of a table in the help. */
export function helpOf(table: FlagTable<string>): string {
  const rows = Object.values(table).map(({ names, value, about }) => {
    return [`  ${names.join(", ")}${value === undefined ? "" : ` ${value}`}`, about] as const;
  });
  return rows.map(([left, about]) => {
    return left.length > 27
      ? `${left}\n${" ".repeat(29)}${about}\n`
      : `${left.padEnd(29)}${about}\n`;
  }).join("");
}
