/** The locks of the folders of stores while the stores are moved. */
import { DirectoryLock } from "../../store/directory_lock.ts";

/** Holds the locks of folders, so that no server opens the stores in there. */
export class FolderLocks {
  readonly #held = new Map<string, DirectoryLock>();

  /**
   * Takes the lock of a folder, which exists.
   *
   * @throws {StoreLockedError} If somebody else has it.
   */
  take(folder: string): void {
    if (!this.#held.has(folder)) this.#held.set(folder, new DirectoryLock(folder));
  }

  /** Releases the lock of a folder, so that its store can be opened. */
  release(folder: string): void {
    this.#held.get(folder)?.release();
    this.#held.delete(folder);
  }

  /** Releases all locks but one. */
  releaseOthers(folder: string): void {
    for (const held of [...this.#held.keys()]) if (held !== folder) this.release(held);
  }

  /** Releases all locks. */
  [Symbol.dispose](): void {
    for (const folder of [...this.#held.keys()]) this.release(folder);
  }
}
