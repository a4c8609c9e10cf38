/** The file with the process ID of the server. */

/** The file with the process ID of the server. */
export class PidFile {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Writes the file with mode 600. Needs `--allow-write` for it.
   *
   * @throws If it cannot be written.
   */
  static async write(path: string): Promise<PidFile> {
    await Deno.writeTextFile(path, `${Deno.pid}\n`, { mode: 0o600 });
    return new PidFile(path);
  }

  /** Removes the file, unless another process has replaced it. Errors are ignored. */
  async remove(): Promise<void> {
    try {
      const text = await Deno.readTextFile(this.#path);
      if (text.trim() === String(Deno.pid)) await Deno.remove(this.#path);
    } catch {
      // It does not exist any more, or the process may not remove it after a change of user.
    }
  }
}
