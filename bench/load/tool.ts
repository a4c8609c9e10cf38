/**
 * The common parts of all load tools: flags, progress, results, and the exit code.
 *
 * @module
 */
import { FlagError, parseToolFlags, type ToolDefaults, type ToolFlags } from "./flags.ts";
import { type Faults, isClean } from "./ledger.ts";
import { ProgressBar, type ProgressFunction } from "./progress.ts";

/** The result of a run. */
export interface Outcome {
  /** For people; several lines. */
  readonly text: string;
  /** For programs. */
  readonly json: Record<string, unknown>;
  readonly faults: Faults;
}

/** A load tool. */
export interface Tool {
  readonly name: string;
  readonly help: string;
  readonly defaults: ToolDefaults;
  run(flags: ToolFlags, progress: ProgressFunction): Promise<Outcome>;
}

/**
 * Runs a tool as a command. Exit code 0: success, 1: failures or lost messages, 2: invalid flags.
 */
export async function runTool(tool: Tool): Promise<void> {
  try {
    const flags = parseToolFlags(Deno.args, tool.defaults);
    if (flags.help) say(tool.help.trimEnd());
    else Deno.exitCode = await runWith(tool, flags);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    Deno.exit(error instanceof FlagError ? 2 : 1);
  }
}

async function runWith(tool: Tool, flags: ToolFlags): Promise<number> {
  const bar = new ProgressBar(tool.name);
  try {
    const { text, json, faults } = await tool.run(flags, bar.show);
    bar.end();
    const ok = isClean(faults);
    say(flags.json ? JSON.stringify({ tool: tool.name, ok, ...json }) : text);
    return ok ? 0 : 1;
  } finally {
    bar.end();
  }
}

/** Formats a number for people. */
export function figure(value: number, digits = 0): string {
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** The line about faults. */
export function faultLine({ missed, duplicates, outOfOrder, foreign, refused }: Faults): string {
  const rest = foreign + refused === 0 ? "" : `, ${foreign} foreign, ${refused} refused`;
  return `${missed} missed, ${duplicates} duplicates, ${outOfOrder} out of order${rest}`;
}

/** The line about the processor time per message; unknown values are omitted. */
export function costLine(broker: number | null, own: number | null): string {
  const parts: string[] = [];
  if (broker !== null) parts.push(`broker ${figure(broker, 3)} µs a message`);
  if (own !== null) parts.push(`this tool ${figure(own, 3)} µs`);
  return parts.length === 0 ? "unknown" : parts.join(", ");
}

/** Prints a line on standard output. */
export function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

function complain(line: string): void {
  // deno-lint-ignore no-console
  console.error(line);
}
