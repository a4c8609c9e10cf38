import { ConfigError, formatRemark } from "../config/errors.ts";
import { plain } from "../config/why.ts";
import { FlagError } from "./server_flags.ts";

/** Why a server cannot start: what, where, and what would be right, in one line. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}

/** What the shell is told: the command line or the configuration is wrong; or anything else. */
export const StartExit = { Wrong: 2, Failed: 1 } as const;

/** The lines that say why a server cannot start, and the exit code. */
export function startFailure(error: unknown): { lines: string[]; code: number } {
  if (error instanceof ConfigError) {
    return { lines: error.remarks.map(formatRemark), code: StartExit.Wrong };
  }
  if (error instanceof FlagError) return { lines: [error.message], code: StartExit.Wrong };
  return { lines: [`Cannot start: ${plain(error)}`], code: StartExit.Failed };
}
