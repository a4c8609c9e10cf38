/** What is assumed when the limit cannot be read: the least that is common. */
const ASSUMED = 1024;

/** How many files and sockets this process may have open, and whether that was read or assumed. */
export interface FdLimit {
  readonly limit: number;
  readonly isKnown: boolean;
}

/**
 * Reads how many file descriptors this process may have. Deno raises its soft
 * limit to the hard one, and a child inherits it, so a child can be asked.
 *
 * Needs `--allow-run=prlimit`, or `--allow-all`; without either the limit is
 * assumed to be low, since running out of descriptors ends the process.
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
    // No such file on this system, or no permission to read it.
    return null;
  }
}

async function fromPrlimit(): Promise<number | null> {
  try {
    const args = ["--nofile", "--noheadings", "--output=SOFT"];
    const { stdout } = await new Deno.Command("prlimit", { args }).output();
    return parse(new TextDecoder().decode(stdout).trim());
  } catch {
    // No such program on this system, or no permission to run it.
    return null;
  }
}

function parse(text: string | undefined): number | null {
  if (text === "unlimited") return Number.MAX_SAFE_INTEGER;
  const limit = Number(text);
  return Number.isInteger(limit) && limit > 0 ? limit : null;
}
