/** The users of a password file, with their hashes. */
import { FileFaultError, type LineFault, linesOf, PAGE_LINES } from "./file_errors.ts";
import { parsePasswordHash, type PasswordHash } from "./password_hash.ts";

/** The users of a password file. */
export class PasswordUsers {
  /**
   * By the user name with a slash in front, so that a peer cannot choose a key that is a numeral.
   */
  readonly #hashes = new Map<string, PasswordHash>();
  #list: readonly PasswordHash[] = [];

  /** How many there are. */
  get size(): number {
    return this.#hashes.size;
  }

  /** The hashed password of a user. */
  get(username: string): PasswordHash | undefined {
    return this.#hashes.get(`/${username}`);
  }

  /** The hash of some user: the same for the same number, and each user equally often. */
  any(number: number): PasswordHash | undefined {
    return this.#list[number % this.#list.length];
  }

  /**
   * Reads the lines of a file, in pieces.
   *
   * @param path The name of the text in messages.
   * @throws {FileFaultError} If any line is wrong.
   */
  static *read(text: string, path: string): Generator<void, PasswordUsers, void> {
    const users = new PasswordUsers();
    const faults: LineFault[] = [];
    for (const [index, whole] of linesOf(text).entries()) {
      if (index % PAGE_LINES === PAGE_LINES - 1) yield;
      const line = whole.trim();
      if (line === "" || line.startsWith("#")) continue;
      const fault = users.#add(line);
      if (fault !== null) faults.push({ line: index + 1, text: fault });
    }
    if (faults.length > 0) throw new FileFaultError(path, faults);
    users.#list = [...users.#hashes.values()];
    return users;
  }

  /**
   * Adds the user of a line. Returns what is wrong with the line, without text that may be a
   * password.
   */
  #add(line: string): string | null {
    const colon = line.indexOf(":");
    if (colon < 0) return "there is no colon: expected USER:HASH";
    const username = line.slice(0, colon);
    if (username === "") return "the user name is missing before the colon";
    const hash = parsePasswordHash(line.slice(colon + 1));
    if (typeof hash === "string") return `user "${username}": ${hash}`;
    // As in mosquitto, the last line of a user counts.
    this.#hashes.set(`/${username}`, hash);
    return null;
  }
}
