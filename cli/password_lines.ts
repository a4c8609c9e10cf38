/**
 * Edits the lines of a password file. Comments and other users stay unchanged.
 *
 * @module
 */
import { FileFaultError, type LineFault } from "../auth/file_errors.ts";
import { formatPasswordHash, parsePasswordHash, type PasswordHash } from "../auth/password_hash.ts";

/** Only the owner can read a new file. */
const MODE = 0o600;

/** Adds a user, or replaces all its lines by one. */
export function setUser(lines: readonly string[], username: string, hash: PasswordHash): string[] {
  const line = `${username}:${formatPasswordHash(hash)}`;
  const first = lines.findIndex((line) => isOf(line, username));
  if (first < 0) return [...lines, line];
  const before = lines.slice(0, first);
  return [...before, line, ...deleteUser(lines.slice(first), username)];
}

/** Removes all lines of a user. */
export function deleteUser(lines: readonly string[], username: string): string[] {
  return lines.filter((line) => !isOf(line, username));
}

/**
 * Hashes all plain passwords.
 *
 * @throws {FileFaultError} If a line is not `user:password`.
 */
export async function hashAll(
  lines: readonly string[],
  path: string,
  hash: (password: string) => Promise<PasswordHash>,
): Promise<{ lines: string[]; hashed: number }> {
  const faults: LineFault[] = [];
  const done: string[] = [];
  let hashed = 0;
  for (const [index, line] of lines.entries()) {
    const colon = line.indexOf(":");
    if (isBlank(line) || typeof parsePasswordHash(line.slice(colon + 1).trim()) !== "string") {
      done.push(line);
    } else if (colon < 1 || colon === line.length - 1) {
      faults.push({ line: index + 1, text: "expected USER:PASSWORD" });
    } else {
      hashed++;
      const password = await hash(line.slice(colon + 1));
      done.push(`${line.slice(0, colon)}:${formatPasswordHash(password)}`);
    }
  }
  if (faults.length > 0) throw new FileFaultError(path, faults);
  return { lines: done, hashed };
}

/** The lines of a file. */
export async function readLines(path: string): Promise<string[]> {
  try {
    const text = await Deno.readTextFile(path);
    return text.replace(/\r?\n$/, "").split(/\r?\n/).filter((line, n) => line !== "" || n > 0);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`There is no file ${path} (-c begins one)`, { cause: error });
  }
}

/**
 * Replaces a file atomically: a reader sees the old lines or the new ones. Owner and mode stay the
 * same.
 */
export async function writeLines(path: string, lines: readonly string[]): Promise<void> {
  const old = await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  // A symbolic link stays a link.
  const target = old === null ? path : await Deno.realPath(path);
  const temporary = `${target}.${crypto.randomUUID()}`;
  try {
    using file = await Deno.open(temporary, { write: true, createNew: true, mode: MODE });
    const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    await file.sync();
    await keepOwner(temporary, old);
    await Deno.rename(temporary, target);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {
      // It does not exist, or cannot be removed: the first error says more.
    });
    throw error;
  }
}

async function keepOwner(path: string, old: Deno.FileInfo | null): Promise<void> {
  if (old === null || Deno.build.os === "windows") return;
  const { uid, gid } = await Deno.stat(path);
  if (uid !== old.uid || gid !== old.gid) await Deno.chown(path, old.uid, old.gid);
  await Deno.chmod(path, old.mode! & 0o777);
}

function isBlank(line: string): boolean {
  return line.trim() === "" || line.trim().startsWith("#");
}

function isOf(line: string, username: string): boolean {
  return !isBlank(line) && line.trimStart().startsWith(`${username}:`);
}
