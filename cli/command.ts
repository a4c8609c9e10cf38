/**
 * The common parts of `pub.ts`, `sub.ts` and `ticktock.ts`: start, end, and error messages.
 *
 * @module
 */
import type { ClientState } from "../client/mod.ts";
import { ReasonCode } from "../codec/mod.ts";
import { FlagError } from "./flag_error.ts";
import { complain } from "./terminal.ts";

/** Exit codes of the commands. */
export const ExitCode = {
  Success: 0,
  Failure: 1,
  /** The command line is invalid. */
  Usage: 2,
  /** The time of `-W` is over. mosquitto's clients use the same code. */
  Timeout: 27,
} as const;

/**
 * Runs a command, and ends the process with its exit code. It does not wait for a pending read of
 * the standard input. Every failure is printed as one line.
 */
export async function runCommand(main: (args: string[]) => Promise<number>): Promise<never> {
  const isQuiet = Deno.args.includes("--quiet");
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    // The reader of the output has closed it, as in `sub … | head`.
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(ExitCode.Success);
    if (!isQuiet) complain(lineOf(error));
    Deno.exit(error instanceof FlagError ? ExitCode.Usage : ExitCode.Failure);
  }
}

/** Formats an error as one line. */
export function lineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.replace(/\s*\n\s*/g, " ").trim();
  return error instanceof FlagError ? `${line} (see --help)` : line;
}

/** Creates the listener that prints a client's states. */
export function stateTeller(
  url: string,
  { isDebug, isQuiet }: { isDebug: boolean; isQuiet: boolean },
): (state: ClientState) => void {
  // Hides the user name and the password.
  const where = url.replace(/\/\/[^/]*@/, "//");
  let isLost = false;
  return (state) => {
    if (state.kind === "connected") {
      if (isDebug) {
        complain(`Connected to ${where}${state.sessionPresent ? ", session found" : ""}`);
      } else if (isLost && !isQuiet) complain(`Connected to ${where} again`);
      isLost = false;
    } else if (state.kind === "waiting") {
      const wait = `next attempt in ${(state.delayMs / 1000).toFixed(1)} s`;
      if (isDebug || !(isLost || isQuiet)) complain(`${lineOf(state.error)}; ${wait}`);
      isLost = true;
    } else if (isDebug) {
      complain(state.kind === "connecting" ? `Connecting to ${where}` : "Closed");
    }
  };
}

/** Whether the server accepted a message that matches no subscription. */
export function isForNobody(reasonCode: number): boolean {
  return reasonCode === ReasonCode.NoMatchingSubscribers;
}
