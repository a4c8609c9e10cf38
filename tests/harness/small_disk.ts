/** A file system of a given size, in memory: for what happens when it is full. */
class SmallDisk implements Disposable {
  /** Where it is mounted. */
  readonly path: string;

  /** @throws {Error} If this process may not mount. */
  constructor(bytes: number) {
    this.path = Deno.makeTempDirSync();
    const failure = run("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "fairway-test", this.path);
    if (failure === null) return;
    Deno.removeSync(this.path);
    throw new Error(`Cannot mount a small disk: ${failure}`);
  }

  [Symbol.dispose](): void {
    const failure = run("umount", this.path);
    if (failure !== null) throw new Error(`Cannot unmount ${this.path}: ${failure}`);
    Deno.removeSync(this.path);
  }
}

/**
 * Registers a test that needs a small disk. Where none can be mounted, which
 * takes root, it is ignored and its name says why; with `CI=true` it fails.
 */
export function testWithSmallDisk(
  name: string,
  bytes: number,
  fn: (disk: SmallDisk) => void | Promise<void>,
): void {
  const ignore = Deno.env.get("CI") !== "true" && !isMountable();
  Deno.test({
    name: ignore ? `${name} (ignored: mounting is not permitted)` : name,
    ignore,
    fn: async () => {
      using disk = new SmallDisk(bytes);
      await fn(disk);
    },
  });
}

function isMountable(): boolean {
  try {
    new SmallDisk(64 * 1024)[Symbol.dispose]();
    return true;
  } catch {
    // Whatever the reason is, the test cannot be run here.
    return false;
  }
}

/** Runs a command to its end; what it complains of, `null` if it succeeds. */
function run(command: string, ...args: string[]): string | null {
  const { success, stderr } = new Deno.Command(command, { args, stdout: "null" }).outputSync();
  return success ? null : new TextDecoder().decode(stderr).trim();
}
