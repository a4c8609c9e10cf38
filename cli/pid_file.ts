/** The file that tells others the number of this process. */
export class PidFile {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Writes the file, which is its owner's alone. Needs `--allow-write` for it.
   *
   * @throws If it cannot be written.
   */
  static async write(path: string): Promise<PidFile> {
    await Deno.writeTextFile(path, `${Deno.pid}\n`, { mode: 0o600 });
    return new PidFile(path);
  }

  /** Removes the file; another one is left alone, and so is one that cannot be removed any more. */
  async remove(): Promise<void> {
    try {
      const text = await Deno.readTextFile(this.#path);
      if (text.trim() === String(Deno.pid)) await Deno.remove(this.#path);
    } catch {
      // It is gone, or not ours to remove since the user has changed.
    }
  }
}
