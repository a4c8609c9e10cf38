/** Keeps a second process out of the directory of a store. */
import { FILE_MODE } from "./files.ts";
import { StoreLockedError } from "./store.ts";

/**
 * Keeps a second broker out of a directory, by a lock on a file without other use. The system
 * releases the lock when the process ends, however it ends. The file stays, because removing it
 * would allow two processes to lock two files of the same name.
 */
export class DirectoryLock {
  readonly #file: Deno.FsFile;

  /** @throws {StoreLockedError} If this process or another one has the lock. */
  constructor(directory: string) {
    this.#file = Deno.openSync(`${directory}/fairway.lock`, {
      create: true,
      write: true,
      mode: FILE_MODE,
    });
    if (this.#file.tryLockSync(true)) return;
    this.#file.close();
    throw new StoreLockedError(`Cannot open ${directory}: it is in use by another broker`);
  }

  /** Releases the lock. */
  release(): void {
    // Closing is not enough, because a child process that is being started has the file open too.
    this.#file.unlockSync();
    this.#file.close();
  }
}
