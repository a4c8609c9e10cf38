/**
 * Offline stand-in for `jsr:@std/cli`: the part of `parseArgs` this project
 * uses, a thin layer over `node:util`.
 *
 * @module
 */
import { parseArgs as nodeParseArgs } from "node:util";

/** What {@linkcode parseArgs} knows of the flags. */
export interface ParseOptions {
  /** Flags without a value. */
  boolean?: readonly string[];
  /** Flags with a value. */
  string?: readonly string[];
  /** Flags that may be given more than once. */
  collect?: readonly string[];
  /** Short names: alias → flag. */
  alias?: Record<string, string>;
  /** Values of flags that are not given. */
  default?: Record<string, unknown>;
  /** Called with each flag that is not declared; `false` leaves it out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Flags by name; `_` holds the arguments that are no flags. */
// deno-lint-ignore no-explicit-any
export type Args = { [flag: string]: any; _: Array<string | number> };

type NodeOption = { type: "string" | "boolean"; multiple: boolean; short?: string };

function declare(options: ParseOptions): Record<string, NodeOption> {
  const declared: Record<string, NodeOption> = {};
  const multiple = (name: string) => options.collect?.includes(name) ?? false;
  for (const name of options.boolean ?? []) {
    declared[name] = { type: "boolean", multiple: multiple(name) };
  }
  for (const name of options.string ?? []) {
    declared[name] = { type: "string", multiple: multiple(name) };
  }
  for (const [alias, name] of Object.entries(options.alias ?? {})) {
    const option = declared[name];
    if (option !== undefined && alias.length === 1) option.short = alias;
    else if (option !== undefined) declared[alias] = { ...option };
  }
  return declared;
}

/** Reads command-line arguments into an object of flags. */
export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const declared = declare(options);
  const parsed = nodeParseArgs({
    args,
    options: declared,
    strict: false,
    allowPositionals: true,
    allowNegative: false,
  });
  const result: Args = { ...options.default, _: [] };
  for (const [name, value] of Object.entries(parsed.values)) {
    if (declared[name] === undefined && options.unknown?.(`--${name}`, name, value) === false) {
      continue;
    }
    const long = options.alias?.[name] ?? name;
    // A string flag at the very end of the line has no value: @std/cli calls that "".
    result[long] = declared[name]?.type === "string" && value === true ? "" : value;
  }
  for (const argument of parsed.positionals) {
    if (options.unknown?.(argument) !== false) result._.push(argument);
  }
  for (const name of options.boolean ?? []) result[name] ??= false;
  for (const name of options.collect ?? []) result[name] ??= [];
  return result;
}
