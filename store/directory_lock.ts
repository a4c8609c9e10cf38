import { FILE_MODE } from "./files.ts";
import { StoreLockedError } from "./store.ts";

/**
 * Keeps a second broker out of a directory: a lock on a file that has no other
 * use. The system takes it back when the process ends, however it ends. The
 * file stays: removing it would let two hold locks on two files of one name.
 */
export class DirectoryLock {
  readonly #file: Deno.FsFile;

  /** @throws {StoreLockedError} If somebody has it, in this process or another. */
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

  /** Lets others in. */
  release(): void {
    // Closing alone is not enough: a child that is just being started has the file too.
    this.#file.unlockSync();
    this.#file.close();
  }
}
