import { parseArgs } from "@std/cli";

/** The flags of a command for developers: words that take a value, and switches. */
export interface CommandFlags<Text extends string, Switch extends string> {
  readonly text?: readonly Text[];
  readonly whole?: readonly Text[];
  readonly switches?: readonly Switch[];
  /** The most words that are no flags; none if not given. */
  readonly wordsMax?: number;
}

/**
 * Reads the command line of a command for developers. One that makes no sense ends the process
 * with exit code 2, and a line that says what is wrong.
 */
export function readCommandLine<Text extends string = never, Switch extends string = never>(
  args: readonly string[],
  { text = [], whole = [], switches = [], wordsMax = 0 }: CommandFlags<Text, Switch>,
): Partial<Record<Text, string>> & Partial<Record<Switch, boolean>> & { _: string[] } {
  const known = [...text, ...whole, ...switches].map((name) => `--${name}`);
  const usage = `known are ${known.join(", ") || "none"}`;
  let words = 0;
  const flags = parseArgs([...args], {
    string: [...text, ...whole, "_"],
    boolean: [...switches],
    unknown: (word) => {
      if (!word.startsWith("-") && ++words <= wordsMax) return true;
      return refuse(`Unknown argument: ${word} (${usage})`);
    },
  });
  for (const name of whole) {
    const value = flags[name];
    if (value === undefined || /^\d+$/.test(`${value}`)) continue;
    refuse(`--${name} needs a whole number, not "${value}"`);
  }
  for (const name of text) {
    if (flags[name] === "") refuse(`--${name} needs a value`);
  }
  return flags as ReturnType<typeof readCommandLine<Text, Switch>>;
}

/** Says in a line what is wrong with a command line, and ends the process with exit code 2. */
export function refuse(line: string): never {
  // deno-lint-ignore no-console
  console.error(JSON.stringify(line).slice(1, -1).replaceAll('\\"', '"'));
  Deno.exit(2);
}
