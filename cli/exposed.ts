/** What everybody on the machine may do, of the permissions of a file. */
const OTHERS = 0o007;

/**
 * Tells in a line that everybody on this machine can get at a file or directory
 * which is its owner's business, and how to mend that.
 *
 * @returns `null` if nobody else can, or nothing can be found out.
 */
export async function exposureOf(path: string): Promise<string | null> {
  const info = await Deno.stat(path).catch(() => null);
  const mode = info?.mode ?? null;
  if (info === null || mode === null || (mode & OTHERS) === 0) return null;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  const cure = info.isDirectory ? "700" : "600";
  return `Others on this machine can get at ${path} (its mode is ${octal}): chmod ${cure} ${path}`;
}
