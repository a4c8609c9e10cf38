/** Disk space that is kept for the moment when the disk is full. */
import { FILE_MODE } from "./files.ts";

/** Bytes that are written at a time while the reserve is filled. */
const FILL_BYTES = 64 * 1024;

/**
 * Bytes on the disk that are not used until the disk is full. Removing rows needs room, before it
 * gives any back. The reserve is released for that.
 */
export class Reserve {
  readonly #path: string;
  #bytes = 0;

  /** @param bytesMax Its size when it is whole, in bytes. */
  constructor(path: string, readonly bytesMax: number) {
    this.#path = path;
  }

  /** Bytes that it takes up now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether it was filled and not released since. */
  get isWhole(): boolean {
    return this.#bytes >= this.bytesMax;
  }

  /**
   * Fills the reserve. If there is no room for all of it, it takes nothing, because the database
   * needs the remaining room more.
   *
   * @returns Whether it is whole.
   */
  fill(): boolean {
    const file = Deno.openSync(this.#path, { create: true, append: true, mode: FILE_MODE });
    try {
      this.#bytes = file.statSync().size;
      while (!this.isWhole) this.#bytes += file.writeSync(new Uint8Array(FILL_BYTES));
      file.syncSync();
    } catch {
      // The cause is not checked: what prevents this write would also prevent writes of the
      // database.
      this.#bytes = 0;
      file.truncateSync(0);
      return false;
    } finally {
      file.close();
    }
    return true;
  }

  /** Gives all of it back to the disk. */
  giveUp(): void {
    this.#bytes = 0;
    try {
      Deno.truncateSync(this.#path, 0);
    } catch (error) {
      // The file was removed, so its bytes are free already.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
