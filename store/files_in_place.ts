/** Notices when the files of a store were moved, removed or replaced. */

/**
 * Identifies a file, whatever its name. Two files never have the same two numbers at the same time.
 */
interface Identity {
  readonly dev: number;
  readonly ino: number | null;
}

/**
 * Checks whether the open files are still at their paths. A process can write to an open file after
 * it was removed, moved away or replaced. But no process can find that file again, so what was
 * written would be lost when the process ends.
 */
export class FilesInPlace {
  readonly #directory: string;
  readonly #known = new Map<string, Identity | null>();

  /**
   * Remembers the files, which must be open.
   *
   * @param paths Paths of files in the directory. A file that does not exist yet is remembered
   * later.
   */
  constructor(directory: string, paths: readonly string[]) {
    this.#directory = directory;
    for (const path of paths) this.#known.set(path, identityOf(path));
  }

  /** What happened to a file that is not at its path, in a few words; `null` if all are. */
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
