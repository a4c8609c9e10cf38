/** The operations on files and folders by which stores move: a test lets any of them be the last. */

/** Files and folders, by their paths. */
export interface FolderFiles {
  /** Whether there is something of that name. */
  has(path: string): Promise<boolean>;
  /** The names in a folder; none if there is no folder. */
  names(path: string): Promise<string[]>;
  /** The text of a file; `null` if there is none. */
  read(path: string): Promise<string | null>;
  /** Writes a file; it is on the disk afterwards. */
  write(path: string, text: string): Promise<void>;
  /** Makes a folder that only its owner can read, if there is none. */
  makeFolder(path: string): Promise<void>;
  /** Gives a file or folder another name, at once. A file of that name is replaced. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder with all that is in it, if it exists. */
  remove(path: string): Promise<void>;
  /** Removes a folder if it is empty. */
  removeIfEmpty(path: string): Promise<void>;
  /** What was renamed and removed in a folder until now survives a power failure. */
  sync(folder: string): Promise<void>;
}

/** Those of the disk. */
export const diskFiles: FolderFiles = {
  async has(path) {
    return await ifThere(() => Deno.stat(path)) !== null;
  },

  async names(path) {
    const names = await ifThere(() => Array.fromAsync(Deno.readDir(path), ({ name }) => name));
    return names ?? [];
  },

  read: (path) => ifThere(() => Deno.readTextFile(path)),

  async write(path, text) {
    using file = await Deno.open(path, { create: true, write: true, truncate: true, mode: 0o600 });
    await file.write(new TextEncoder().encode(text));
    await file.sync();
  },

  makeFolder: (path) => Deno.mkdir(path, { recursive: true, mode: 0o700 }),

  rename: (from, to) => Deno.rename(from, to),

  async remove(path) {
    await ifThere(() => Deno.remove(path, { recursive: true }));
  },

  async removeIfEmpty(path) {
    if ((await diskFiles.names(path)).length === 0) await ifThere(() => Deno.remove(path));
  },

  async sync(folder) {
    using open = await Deno.open(folder);
    await open.sync();
  },
};

/**
 * What an operation returns; `null` if there is no such file. The store says what is wrong with a
 * folder that is none.
 */
async function ifThere<T>(operation: () => Promise<T>): Promise<T | null> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}
