/** Splits a configuration into lines of an option and its value. */
import type { Place } from "../errors/errors.ts";

/** One line of a configuration: an option and its value. */
export interface Line {
  readonly place: Place;
  readonly word: string;
  /** The rest of the line without surrounding blanks; empty if there is none. */
  readonly value: string;
}

/**
 * Splits a configuration into lines, without empty lines and comments, which begin with `#`. Blanks
 * are spaces and tabs. Line ends may be those of Windows.
 */
export function readLines(file: string, text: string): Line[] {
  const lines: Line[] = [];
  const raw = text.replace(/^\uFEFF/, "").split("\n");
  for (const [index, untrimmed] of raw.entries()) {
    const content = untrimmed.trim();
    if (content === "" || content.startsWith("#")) continue;
    const [word] = /^\S+/.exec(content)!;
    const place = { file, line: index + 1 };
    lines.push({ place, word, value: content.slice(word.length).trimStart() });
  }
  return lines;
}
