import type { Kind } from "./kinds.ts";

/** A word of the configuration: the values it takes, and what holds without it. */
export interface Option<T> {
  /** What would be right. */
  readonly expects: string;
  /** Whether a value is one word, and what follows it is none of it. */
  readonly isOneWord: boolean;
  /** What holds while the word is not given. */
  readonly initial: T;
  /** Whether it may be given once only; otherwise the last one holds, or all of them do. */
  readonly isOnce: boolean;
  /** What its operator is told when it is used; `null` for nothing. */
  readonly note: string | null;
  /**
   * Reads a value.
   *
   * @param before What the word has meant so far; `undefined` when it is given first.
   * @returns What it means now; `undefined` if the text is no such value.
   */
  parse(text: string, before: T | undefined): T | undefined;
  /** Writes a value, one text for each time the word has to be given. */
  print(value: T): string[];
}

/** Words and what they mean, as a table gives them. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The values of all words of a table. */
export type Values<Table> = {
  readonly [Word in keyof Table]: Table[Word] extends Option<infer Value> ? Value : never;
};

/** A word whose last value holds. */
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

/** A word that may be left out altogether. */
export function optional<T>(kind: Kind<T>, note: string | null = null): Option<T | null> {
  return {
    ...option<T | null>({ ...kind, print: (value) => kind.print(value as T) }, null, note),
    print: (value) => value === null ? [] : [kind.print(value)],
  };
}

/** A word that may be given once, or not at all. */
export function once<T>(kind: Kind<T>, note: string | null = null): Option<T | null> {
  return { ...optional(kind, note), isOnce: true };
}

/** A word that may be given many times; each time adds to what it means. */
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
