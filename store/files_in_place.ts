/** Which file it is, whatever its name: two files never have both in common at one time. */
interface Identity {
  readonly dev: number;
  readonly ino: number | null;
}

/**
 * Tells whether the files that are open are still those that their paths lead
 * to. A file that was removed, moved away or replaced can be written to as long
 * as it is open; but nobody finds it any more, and what was written goes with
 * the process.
 */
export class FilesInPlace {
  readonly #directory: string;
  readonly #known = new Map<string, Identity | null>();

  /**
   * Takes note of the files, which are open.
   *
   * @param paths Of files in the directory. One that is not there yet is taken note of later.
   */
  constructor(directory: string, paths: readonly string[]) {
    this.#directory = directory;
    for (const path of paths) this.#known.set(path, identityOf(path));
  }

  /** What has become of a file that is not in its place, in a few words; `null` if all are. */
  fault(): string | null {
    for (const [path, known] of this.#known) {
      const fault = this.#faultOf(path, known);
      if (fault !== null) return fault;
    }
    return null;
  }

  #faultOf(path: string, known: Identity | null): string | null {
    try {
      const found = identityOf(path);
      if (known === null) this.#known.set(path, found);
      else if (found === null) return `${this.#missing(path)} was removed or moved away`;
      else if (!isSame(found, known)) return `${path} was replaced by another one`;
      return null;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return `${path} cannot be found any more (${reason})`;
    }
  }

  #missing(path: string): string {
    return identityOf(this.#directory) === null ? this.#directory : path;
  }
}

function identityOf(path: string): Identity | null {
  try {
    const { dev, ino } = Deno.statSync(path);
    return { dev, ino };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function isSame(one: Identity, other: Identity): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}
