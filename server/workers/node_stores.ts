/** The directory with the stores of all nodes: how many they are must not change unnoticed. */
import { StartError } from "../start_error.ts";

/** The file that says for how many workers the directory was made. */
const COUNT_FILE = "workers";
/** The database of a store that belongs to a server without workers. */
const SINGLE_STORE = "fairway.db";

/**
 * Checks that a directory has the stores of so many workers, or is new. A session is stored where
 * its client lives, which depends on the number of workers: with another number it would not be
 * found.
 *
 * @throws {StartError} If it belongs to another number of workers.
 */
export async function checkNodeStores(directory: string, workers: number): Promise<void> {
  const count = await readText(`${directory}/${COUNT_FILE}`);
  if (count === null) {
    if (workers === 1) return;
    if (await exists(`${directory}/${SINGLE_STORE}`)) {
      throw new StartError(
        `${directory} has the state of a server without workers: start it without --workers, or choose another folder with --data`,
      );
    }
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    return await Deno.writeTextFile(`${directory}/${COUNT_FILE}`, `${workers}\n`);
  }
  if (Number(count) === workers) return;
  throw new StartError(
    `${directory} has the state of ${count.trim()} workers: start it with --workers ${count.trim()}, or choose another folder with --data`,
  );
}

async function readText(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** Whether there is no such file. The store says what is wrong with a folder that is none. */
function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}
