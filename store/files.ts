/** Makes the files of a store, with their permissions. */

/** Permissions of the directory of a store: only the owner can read it. */
export const DIRECTORY_MODE = 0o700;

/** Permissions of every file in it, whatever the umask is. */
export const FILE_MODE = 0o600;

/** Makes an empty file that only its owner may read. An existing file stays as it is. */
export function makeFile(path: string): void {
  Deno.openSync(path, { create: true, write: true, mode: FILE_MODE }).close();
}

/** Whether there is a file of that name. */
export function exists(path: string): boolean {
  return stat(path) !== null;
}

/** Bytes of a file; 0 if there is none. */
export function sizeOf(path: string): number {
  return stat(path)?.size ?? 0;
}

/** Removes a file if there is one of that name. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Gives a file another name, if there is one of that name. */
export function renameIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function stat(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
