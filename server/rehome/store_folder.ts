/** The data folder of a server: which stores it has, and where they are. */
import { StartError } from "../start_error.ts";
import type { FolderFiles } from "./folder_files.ts";

/** The new stores while they are filled. An unfinished move begins again, so this is removed. */
export const DRAFT = "rehome.new";
/** The new stores are complete: from now on they count, and the old ones are removed. */
export const READY = "rehome.ready";
/** The old stores are removed, and the new ones move to their places. */
export const PLACING = "rehome.placing";

/** The file that says for how many workers the folder was made. */
const COUNT_FILE = "workers";
/** The database of a store. The second one is there while the first one is made. */
const DATABASES: readonly string[] = ["fairway.db", "fairway.db-new"];
/** All files of a store but its lock, which stays as long as its folder. */
const STORE_FILES: readonly string[] = [
  ...DATABASES,
  ...DATABASES.flatMap((name) => [`${name}-wal`, `${name}-shm`, `${name}-journal`]),
  "fairway.reserve",
  "fairway.suspect",
];
/** See `store/directory_lock.ts`. */
const LOCK_FILE = "fairway.lock";

/**
 * A data folder. The store of a server without workers is in the folder itself. With workers, each
 * one has a folder of its own in there, named by its number, and a file says how many there are.
 */
export class StoreFolder {
  readonly path: string;
  readonly files: FolderFiles;

  constructor(path: string, files: FolderFiles) {
    this.path = path;
    this.files = files;
  }

  /**
   * For how many workers the folder was made; 1 for none, `null` if it has no store.
   *
   * @throws {StartError} If the file that says so makes no sense.
   */
  async count(): Promise<number | null> {
    const count = await this.countIn(this.path);
    if (count !== null) return count;
    return await this.hasStore(this.path) ? 1 : null;
  }

  /** Whether stores began to move, and that has not been finished or given up. */
  async isMoving(): Promise<boolean> {
    for (const name of [DRAFT, READY, PLACING]) {
      if (await this.files.has(`${this.path}/${name}`)) return true;
    }
    return false;
  }

  /** What the file in a folder says; `null` if there is none. */
  async countIn(folder: string): Promise<number | null> {
    const text = await this.files.read(`${folder}/${COUNT_FILE}`);
    if (text === null) return null;
    const count = Number(text);
    if (Number.isInteger(count) && count >= 1) return count;
    throw new StartError(
      `${folder}/${COUNT_FILE} expects a number of workers, not "${text.trim()}"`,
    );
  }

  /** Says in a folder for how many workers it is made. */
  async writeCount(folder: string, count: number): Promise<void> {
    const draft = `${folder}/${COUNT_FILE}.new`;
    await this.files.write(draft, `${count}\n`);
    await this.files.rename(draft, `${folder}/${COUNT_FILE}`);
    await this.files.sync(folder);
  }

  /** Takes the file over from another folder, or has none for a single store. */
  async takeCount(from: string, count: number): Promise<void> {
    const path = `${this.path}/${COUNT_FILE}`;
    if (count === 1) await this.files.remove(path);
    else if (await this.files.has(`${from}/${COUNT_FILE}`)) {
      await this.files.rename(`${from}/${COUNT_FILE}`, path);
    }
    await this.files.sync(this.path);
  }

  /** The folders of the stores of so many workers. */
  places(count: number): string[] {
    if (count === 1) return [this.path];
    return Array.from({ length: count }, (_, i) => `${this.path}/${i}`);
  }

  /** Whether a folder has a store. */
  async hasStore(place: string): Promise<boolean> {
    for (const name of DATABASES) if (await this.files.has(`${place}/${name}`)) return true;
    return false;
  }

  /** Removes the store in a folder. Files that were set aside stay, and those of others. */
  async removeStore(place: string): Promise<void> {
    const names = new Set(await this.files.names(place));
    for (const name of STORE_FILES) {
      if (names.has(name)) await this.files.remove(`${place}/${name}`);
    }
  }

  /** Removes a folder that has no store any more, unless something else is in it. */
  async removePlace(place: string): Promise<void> {
    await this.files.remove(`${place}/${LOCK_FILE}`);
    await this.files.removeIfEmpty(place);
  }

  /** Moves the files of a closed store to a folder; those that are there already are left out. */
  async placeStore(from: string, place: string): Promise<void> {
    await this.files.makeFolder(place);
    const names = new Set(await this.files.names(from));
    for (const name of STORE_FILES) {
      if (names.has(name)) await this.files.rename(`${from}/${name}`, `${place}/${name}`);
    }
    await this.files.sync(place);
  }
}
