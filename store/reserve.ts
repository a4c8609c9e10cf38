import { FILE_MODE } from "./files.ts";

/** Bytes that are written at a time while the reserve is filled. */
const FILL_BYTES = 64 * 1024;

/**
 * Bytes on the disk that nobody uses until the disk is full. Removing rows
 * takes room too, before it gives any back; the reserve is given up for that.
 */
export class Reserve {
  readonly #path: string;
  #bytes = 0;

  /** @param bytesMax How large it is when it is whole. */
  constructor(path: string, readonly bytesMax: number) {
    this.#path = path;
  }

  /** Bytes that it takes up now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether it was filled and not given up since. */
  get isWhole(): boolean {
    return this.#bytes >= this.bytesMax;
  }

  /**
   * Takes what it lacks. Where there is no room for all of it, it takes nothing:
   * the little there is helps the database more.
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
      // Whatever does not let it be written to would not let the database either.
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
      // Whoever removed the file has given its bytes back already.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
