import type { Place } from "./errors.ts";

/** One line of a configuration: a word and what follows it. */
export interface Line {
  readonly place: Place;
  readonly word: string;
  /** The rest of the line without the blanks around it; empty if there is none. */
  readonly value: string;
}

/**
 * Finds the lines of a configuration that say something: neither empty nor, with
 * `#` as their first mark, a comment. Blanks are spaces and tabs, and a line may
 * end as on Windows.
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
