/**
 * What `pub.ts`, `sub.ts` and `ticktock.ts` do alike: how they begin, end, and
 * say what went wrong.
 *
 * @module
 */
import type { ClientState } from "../client/mod.ts";
import { ReasonCode } from "../codec/mod.ts";
import { FlagError } from "./server_flags.ts";
import { complain } from "./terminal.ts";

/** What a command leaves behind for the shell. */
export const ExitCode = {
  Success: 0,
  Failure: 1,
  /** The command line makes no sense. */
  Usage: 2,
  /** The time of `-W` is over; mosquitto's clients have the same. */
  Timeout: 27,
} as const;

/**
 * Runs a command, and ends the process with its exit code: whatever it waits
 * for on its standard input is not waited for. Every failure is one line.
 */
export async function runCommand(main: (args: string[]) => Promise<number>): Promise<never> {
  const isQuiet = Deno.args.includes("--quiet");
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    // Who reads the output has seen enough, as in `sub … | head`.
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(ExitCode.Success);
    if (!isQuiet) complain(lineOf(error));
    Deno.exit(error instanceof FlagError ? ExitCode.Usage : ExitCode.Failure);
  }
}

/** Says what went wrong, in one line. */
export function lineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.replace(/\s*\n\s*/g, " ").trim();
  return error instanceof FlagError ? `${line} (see --help)` : line;
}

/** Makes the listener that tells of a client's states. */
export function stateTeller(
  url: string,
  { isDebug, isQuiet }: { isDebug: boolean; isQuiet: boolean },
): (state: ClientState) => void {
  // A user name and a password are nobody's business.
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

/** Whether a message was taken, though nobody subscribes to its topic. */
export function isForNobody(reasonCode: number): boolean {
  return reasonCode === ReasonCode.NoMatchingSubscribers;
}
