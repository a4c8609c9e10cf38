/** The number of files and sockets that this process may open. */

/** The limit that is assumed if it cannot be read: the lowest common one. */
const ASSUMED = 1024;

/**
 * The maximum number of open files and sockets of this process, and whether it was read or assumed.
 */
export interface FdLimit {
  readonly limit: number;
  readonly isKnown: boolean;
}

/**
 * Reads the limit of file descriptors of this process. Deno raises its soft limit to the hard one,
 * and a child process inherits it, so a child can report it.
 *
 * Needs `--allow-run=prlimit`, or `--allow-all`. Without them a low limit is assumed, because a
 * process without free descriptors ends.
 */
export async function readFdLimit(): Promise<FdLimit> {
  const limit = await fromProc() ?? await fromPrlimit();
  return limit === null ? { limit: ASSUMED, isKnown: false } : { limit, isKnown: true };
}

async function fromProc(): Promise<number | null> {
  try {
    const limits = await Deno.readTextFile("/proc/self/limits");
    return parse(/^Max open files\s+(\S+)/m.exec(limits)?.[1]);
  } catch {
    // The file does not exist on this system, or may not be read.
    return null;
  }
}

async function fromPrlimit(): Promise<number | null> {
  try {
    const args = ["--nofile", "--noheadings", "--output=SOFT"];
    const { stdout } = await new Deno.Command("prlimit", { args }).output();
    return parse(new TextDecoder().decode(stdout).trim());
  } catch {
    // The program does not exist on this system, or may not be run.
    return null;
  }
}

function parse(text: string | undefined): number | null {
  if (text === "unlimited") return Number.MAX_SAFE_INTEGER;
  const limit = Number(text);
  return Number.isInteger(limit) && limit > 0 ? limit : null;
}
