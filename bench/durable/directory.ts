/** A temporary directory, removed at the end of its scope. */
export class Directory implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<Directory> {
    return new Directory(await Deno.makeTempDir());
  }

  /** The disk space of its files, in bytes. */
  async bytes(): Promise<number> {
    let bytes = 0;
    for await (const { name } of Deno.readDir(this.path)) {
      bytes += ((await Deno.stat(`${this.path}/${name}`)).blocks ?? 0) * 512;
    }
    return bytes;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.path, { recursive: true });
  }
}
