/** Why a server could not start, and its exit code. */
import { ConfigError, formatRemark } from "../config/errors/errors.ts";
import { plain } from "../config/errors/why.ts";
import { NativeSocketsUnavailableError } from "../transport/native/unavailable.ts";
import { FlagError } from "../cli/flag_error.ts";

/** A worker that could not start: the lines that it has said why, and the exit code. */
export class NodeStartError extends Error {
  override readonly name: string = "NodeStartError";
  readonly lines: readonly string[];
  readonly code: number;

  constructor({ lines, code }: { lines: readonly string[]; code: number }) {
    super(lines.join("; "));
    this.lines = lines;
    this.code = code;
  }
}

/** A failed start: cause, place and solution, in one line. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}

/** Exit codes: an invalid command line or configuration; any other failure. */
export const StartExit = { Wrong: 2, Failed: 1 } as const;

/** The lines that explain a failed start, and the exit code. */
export function startFailure(error: unknown): { lines: string[]; code: number } {
  if (error instanceof ConfigError) {
    return { lines: error.remarks.map(formatRemark), code: StartExit.Wrong };
  }
  if (error instanceof NodeStartError) return { lines: [...error.lines], code: error.code };
  const native = nativeFault(error);
  if (native !== null) return { lines: [`Cannot start: ${native.message}`], code: StartExit.Wrong };
  if (error instanceof FlagError) return { lines: [error.message], code: StartExit.Wrong };
  return { lines: [`Cannot start: ${plain(error)}`], code: StartExit.Failed };
}

/** Why native sockets cannot be used, if that is what has failed. */
function nativeFault(error: unknown): NativeSocketsUnavailableError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof NativeSocketsUnavailableError) return cause;
  }
  return null;
}
