/**
 * Parses the command lines of `pub.ts` and `sub.ts` with a table of flags, from which `--help` is
 * printed too.
 *
 * The argument after a flag is always its value, even if it looks like a flag, because a message
 * may be `-5`. Some flags take several arguments. `@std/cli` supports neither.
 *
 * @module
 */
import { FlagError } from "./flag_error.ts";

/** One flag. */
export interface Flag {
  /** The spellings of the flag. Messages use the first. */
  readonly names: readonly string[];
  /** The name of its value in the help; a flag without one is a switch. */
  readonly value?: string;
  /** Its description. */
  readonly about: string;
  /** Whether it may be given more than once. */
  readonly isRepeatable?: boolean;
  /** The number of arguments it takes, if not one. */
  readonly words?: (following: readonly string[]) => number;
}

/** Flags by their names in the code. */
export type FlagTable<Name extends string> = Readonly<Record<Name, Flag>>;

/** The flags of a command line. */
export class Flags<Name extends string> {
  readonly #table: FlagTable<string>;
  readonly #given = new Map<string, string[][]>();

  /** @throws {FlagError} If a flag is unknown, has no value, or is given too often. */
  constructor(args: readonly string[], table: FlagTable<Name>) {
    this.#table = table;
    const names = new Map<string, string>();
    for (const [name, flag] of Object.entries<Flag>(table)) {
      for (const typed of flag.names) names.set(typed, name);
    }
    for (let at = 0; at < args.length;) at = this.#read(args, at, names);
  }

  /** Whether the flag was given. */
  has(name: Name): boolean {
    return this.#given.has(name);
  }

  /** The name of the flag in messages. */
  label(name: Name): string {
    return this.#table[name]!.names[0]!;
  }

  /** The arguments of each use of the flag. */
  words(name: Name): readonly string[][] {
    return this.#given.get(name) ?? [];
  }

  /** The values, in order. */
  texts(name: Name): string[] {
    return this.words(name).map(([text]) => text!);
  }

  /** The value, or `null`. */
  text(name: Name): string | null {
    return this.texts(name)[0] ?? null;
  }

  /**
   * The value as a whole number, or `null`.
   *
   * @throws {FlagError} If it is not a number, or out of range.
   */
  whole(name: Name, min: number, max: number): number | null {
    const text = this.text(name);
    return text === null ? null : wholeNumber(this.label(name), text, min, max);
  }

  /**
   * The value as a number, which may have a fraction, or `null`.
   *
   * @param unit The unit, for the message.
   * @throws {FlagError} If it is not a number, or below 0.
   */
  decimal(name: Name, unit: string): number | null {
    const text = this.text(name);
    if (text === null) return null;
    if (/^(\d+\.?\d*|\.\d+)$/.test(text)) return Number(text);
    throw new FlagError(`${this.label(name)} needs a number of ${unit}, not "${text}"`);
  }

  /** @returns The index of the next flag. */
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

/** Parses a whole number. */
export function wholeNumber(label: string, text: string, min: number, max: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  const range = max === Infinity ? `of ${min} or more` : `from ${min} to ${max}`;
  throw new FlagError(`${label} needs a whole number ${range}, not "${text}"`);
}

/** The lines of the help for a table. */
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
