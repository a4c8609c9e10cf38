/** The SCRAM credentials of users in a file. */
import { mapKey } from "../router/map_key.ts";
import { saslprep } from "./saslprep.ts";
import type { ScramStore } from "./scram.ts";
import { SCRAM_KEY_BYTES, SCRAM_SHA_256 } from "./salted_password.ts";
import { credentialFault, type ScramCredential } from "./scram_keys.ts";
import { fromBase64 } from "./base64.ts";

/** What separates the user name from the credential. */
const MARK = `:${SCRAM_SHA_256}$`;
const CREDENTIAL_REGEXP = /^([0-9]+):([^$:]*)\$([^$:]*):([^$:]*)$/;
/** The form of credentials, if the file has none. */
const USUAL = { iterations: 4096, saltBytes: 16 };

interface Users {
  readonly credentials: ReadonlyMap<string, ScramCredential>;
  readonly typical: { readonly iterations: number; readonly saltBytes: number };
}

/**
 * Credentials in a file, one user per line, with the parts in base64:
 *
 * ```text
 * user:SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey
 * ```
 *
 * Empty lines and lines that begin with `#` are ignored. Reading the file needs the permission
 * `--allow-read`.
 */
export class ScramFile implements ScramStore {
  readonly #path: string;
  #users: Users;

  private constructor(path: string, users: Users) {
    this.#path = path;
    this.#users = users;
  }

  /**
   * Reads a file.
   *
   * @throws {SyntaxError} If a line is not as it should be, with its number.
   */
  static async open(path: string): Promise<ScramFile> {
    return new ScramFile(path, await read(path));
  }

  /**
   * Reads the file again. If that fails, nothing changes.
   *
   * @throws {SyntaxError} If a line is not as it should be, with its number.
   */
  async reload(): Promise<void> {
    this.#users = await read(this.#path);
  }

  /** How many users there are. */
  get size(): number {
    return this.#users.credentials.size;
  }

  /** The form of most credentials. */
  get typical(): { readonly iterations: number; readonly saltBytes: number } {
    return this.#users.typical;
  }

  /** The credential of a user, or `null`. */
  find(username: string): ScramCredential | null {
    return this.#users.credentials.get(mapKey(username)) ?? null;
  }
}

/**
 * The line of a user in a {@linkcode ScramFile}, without its end.
 *
 * @throws {TypeError} If the user name cannot be written in such a line.
 */
export function formatScramLine(username: string, credential: ScramCredential): string {
  const prepared = saslprep(username);
  if (prepared === null || prepared === "" || prepared.startsWith("#")) {
    throw new TypeError(
      `Cannot write user ${
        JSON.stringify(username)
      }: it is empty, begins with #, or has a control character`,
    );
  }
  const { iterations, salt, storedKey, serverKey } = credential;
  const keys = `${storedKey.toBase64()}:${serverKey.toBase64()}`;
  return `${prepared}${MARK}${iterations}:${salt.toBase64()}$${keys}`;
}

async function read(path: string): Promise<Users> {
  return parse(await Deno.readTextFile(path), path);
}

function parse(text: string, path: string): Users {
  const credentials = new Map<string, ScramCredential>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const where = `${path}:${index + 1}`;
    // The last mark counts: a user name may contain colons, and the rest contains no mark.
    const at = line.lastIndexOf(MARK);
    if (at < 1) throw new SyntaxError(`${where}: not "user${MARK}…"`);
    const username = saslprep(line.slice(0, at));
    if (username === null || username === "") {
      throw new SyntaxError(`${where}: the user name has a control character, or nothing else`);
    }
    if (credentials.has(mapKey(username))) {
      throw new SyntaxError(`${where}: a second "${username}"`);
    }
    credentials.set(mapKey(username), parseCredential(line.slice(at + MARK.length), where));
  }
  return { credentials, typical: typicalOf([...credentials.values()]) };
}

function parseCredential(text: string, where: string): ScramCredential {
  const [, count, ...parts] = CREDENTIAL_REGEXP.exec(text) ?? [];
  const [salt, storedKey, serverKey] = parts.map(fromBase64);
  if (!salt || !storedKey || !serverKey) {
    throw new SyntaxError(`${where}: not "iterations:salt$StoredKey:ServerKey", in base 64`);
  }
  if (storedKey.length !== SCRAM_KEY_BYTES || serverKey.length !== SCRAM_KEY_BYTES) {
    throw new SyntaxError(`${where}: a key does not have ${SCRAM_KEY_BYTES} bytes`);
  }
  const iterations = Number(count);
  const fault = credentialFault(iterations, salt);
  if (fault !== null) throw new SyntaxError(`${where}: ${fault}`);
  return { iterations, salt, storedKey, serverKey };
}

/** The most frequent form. */
function typicalOf(credentials: readonly ScramCredential[]): Users["typical"] {
  const counts = new Map<string, number>();
  let most = 0;
  let typical = USUAL;
  for (const { iterations, salt } of credentials) {
    const shape = `${iterations} ${salt.length}`;
    const count = (counts.get(shape) ?? 0) + 1;
    counts.set(shape, count);
    if (count <= most) continue;
    most = count;
    typical = { iterations, saltBytes: salt.length };
  }
  return typical;
}
