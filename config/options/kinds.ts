/** The types of option values, and how each is read and written. */
import { UNITS_MS } from "../../stream/position.ts";

/** A type of values of configuration options, and their text form. */
export interface Kind<T> {
  /** The expected values, as in `… expects a whole number from 0 to 2`. */
  readonly expects: string;
  /** Whether the value is a single word. Further text is not part of it. */
  readonly isOneWord: boolean;
  /** Parses a value, which is not empty; `undefined` if it is invalid. */
  parse(text: string): T | undefined;
  /** Formats a value so that it can be parsed again. */
  print(value: T): string;
}

/** `true` or `false`, or 1 or 0. */
export const boolean: Kind<boolean> = {
  expects: "true or false",
  isOneWord: true,
  parse: (text) => {
    if (text === "true" || text === "1") return true;
    return text === "false" || text === "0" ? false : undefined;
  },
  print: String,
};

/** Any text to the end of the line. */
export function text(expects: string): Kind<string> {
  return { expects, isOneWord: false, parse: (value) => value, print: (value) => value };
}

/** A text that satisfies a condition. */
export function textWhere(expects: string, holds: (value: string) => boolean): Kind<string> {
  return {
    expects,
    isOneWord: false,
    parse: (value) => holds(value) ? value : undefined,
    print: (value) => value,
  };
}

/** A whole number. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Kind<number> {
  const upTo = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  return {
    expects: `a whole number ${upTo}`,
    isOneWord: true,
    parse: (value) => {
      const number = /^-?\d{1,16}$/.test(value) ? Number(value) : NaN;
      return number >= min && number <= max ? number : undefined;
    },
    print: String,
  };
}

/** A value of another kind, or a word. */
export function orWord<T, const W extends string>(kind: Kind<T>, word: W): Kind<T | W> {
  return {
    expects: `${kind.expects}, or ${word}`,
    isOneWord: true,
    parse: (value) => value === word ? word : kind.parse(value),
    print: (value) => value === word ? word : kind.print(value as T),
  };
}

/** One of several words. */
export function oneOf<const T extends string>(...words: readonly T[]): Kind<T> {
  return {
    expects: words.length === 1 ? words[0]! : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`,
    isOneWord: true,
    parse: (value) => words.find((word) => word === value),
    print: (value) => value,
  };
}

/** A list in one line, separated by commas or blanks. */
export function listOf<T>(item: Kind<T>, expects: string): Kind<readonly T[]> {
  return {
    expects,
    isOneWord: false,
    parse: (value) => {
      const items: T[] = [];
      for (const part of value.split(/[\s,]+/).filter((part) => part !== "")) {
        const parsed = item.parse(part);
        if (parsed === undefined) return undefined;
        if (!items.includes(parsed)) items.push(parsed);
      }
      return items.length === 0 ? undefined : items;
    },
    print: (items) => items.map((value) => item.print(value)).join(","),
  };
}

/** Seconds in the units of {@linkcode duration}; a month has 30 days, a year 365. */
const UNITS = { h: 3600, d: 86_400, w: 604_800, m: 2_592_000, y: 31_536_000 } as const;

/** A duration of at least an hour, such as `14d`; its value is in seconds. */
export const duration: Kind<number> = {
  expects: "a whole number of 1 or more followed by h, d, w, m or y, such as 14d",
  isOneWord: true,
  parse: (value) => {
    const match = /^(\d{1,9})([hdwmy])$/.exec(value);
    if (match === null || Number(match[1]) === 0) return undefined;
    return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  },
  print: (seconds) => `${seconds / UNITS.h}h`,
};

/** File permissions as `chmod` takes them, such as `0660`. */
export const fileMode: Kind<number> = {
  expects: "file permissions in octal, such as 0660",
  isOneWord: true,
  parse: (value) => /^0?[0-7]{3}$/.test(value) ? parseInt(value, 8) : undefined,
  print: (mode) => mode.toString(8).padStart(4, "0"),
};

/** A span of time, such as `7d`; its value is in milliseconds. */
export const span: Kind<number> = {
  expects: "a whole number of 1 or more followed by s, m, h, d or w, such as 7d",
  isOneWord: true,
  parse: (value) => {
    const match = /^(\d{1,6})([smhdw])$/.exec(value);
    if (match === null || Number(match[1]) === 0) return undefined;
    return Number(match[1]) * UNITS_MS[match[2]!]!;
  },
  print: (ms) => inUnits(ms, Object.entries(UNITS_MS).reverse()),
};

/** Units of {@linkcode bytesKind}, in bytes. */
const UNITS_BYTES = { T: 2 ** 40, G: 2 ** 30, M: 2 ** 20, K: 1024 } as const;

/** A number of bytes, such as `1G`. */
export const bytesKind: Kind<number> = {
  expects: "a whole number of bytes of 1 or more, also with K, M, G or T, such as 1G",
  isOneWord: true,
  parse: (value) => {
    const match = /^(\d{1,15})([KMGT]?)$/.exec(value);
    if (match === null) return undefined;
    const bytes = Number(match[1]) * (match[2] === "" ? 1 : UNITS_BYTES[match[2] as "K"]);
    return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : undefined;
  },
  print: (bytes) => inUnits(bytes, Object.entries(UNITS_BYTES)),
};

/** In the largest unit that leaves a whole number. */
function inUnits(value: number, units: readonly [string, number][]): string {
  const [letter, unit] = units.find(([, unit]) => value % unit === 0) ?? ["", 1];
  return `${value / unit}${letter}`;
}
