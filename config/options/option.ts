/** How an option is declared: its values, default and repetition. */
import type { Kind } from "./kinds.ts";

/** An option of the configuration: its values, and its default. */
export interface Option<T> {
  /** The expected values. */
  readonly expects: string;
  /** Whether a value is a single word. Further text is not part of it. */
  readonly isOneWord: boolean;
  /** The default. */
  readonly initial: T;
  /** Whether it may be given only once. Otherwise the last value applies, or all of them. */
  readonly isOnce: boolean;
  /** A warning for the operator when it is used; `null` for none. */
  readonly note: string | null;
  /**
   * Parses a value.
   *
   * @param before The value of earlier lines; `undefined` at the first.
   * @returns The new value; `undefined` if the text is invalid.
   */
  parse(text: string, before: T | undefined): T | undefined;
  /** Formats a value: one text for each line that is necessary. */
  print(value: T): string[];
}

/** Options by their names. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The values of all options of a table. */
export type Values<Table> = {
  readonly [Word in keyof Table]: Table[Word] extends Option<infer Value> ? Value : never;
};

/** An option whose last value applies. */
export function option<T>(kind: Kind<T>, initial: T, note: string | null = null): Option<T> {
  return {
    expects: kind.expects,
    isOneWord: kind.isOneWord,
    initial,
    isOnce: false,
    note,
    parse: (text) => kind.parse(text),
    print: (value) => [kind.print(value)],
  };
}

/** An option without a default. */
export function optional<T>(kind: Kind<T>, note: string | null = null): Option<T | null> {
  return {
    ...option<T | null>({ ...kind, print: (value) => kind.print(value as T) }, null, note),
    print: (value) => value === null ? [] : [kind.print(value)],
  };
}

/** An option that may be given at most once. */
export function once<T>(kind: Kind<T>, note: string | null = null): Option<T | null> {
  return { ...optional(kind, note), isOnce: true };
}

/** An option that may be given many times. Each time adds a value. */
export function many<T>(kind: Kind<T>): Option<readonly T[]> {
  return {
    expects: kind.expects,
    isOneWord: kind.isOneWord,
    initial: [],
    isOnce: false,
    note: null,
    parse: (text, before = []) => {
      const value = kind.parse(text);
      return value === undefined ? undefined : [...before, value];
    },
    print: (values) => values.map((value) => kind.print(value)),
  };
}
