/** Warns about private files that other users of the machine can read. */

/** The permission bits of a file for all other users. */
const OTHERS = 0o007;

/**
 * A warning that other users of this machine can access a private file or directory, with the
 * solution.
 *
 * @returns `null` if nobody else can, or the permissions cannot be read.
 */
export async function exposureOf(path: string): Promise<string | null> {
  const info = await Deno.stat(path).catch(() => null);
  const mode = info?.mode ?? null;
  if (info === null || mode === null || (mode & OTHERS) === 0) return null;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  const cure = info.isDirectory ? "700" : "600";
  return `Other users of this machine can access ${path} (its mode is ${octal}): chmod ${cure} ${path}`;
}
