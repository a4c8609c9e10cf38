import { mapKey } from "../router/map_key.ts";
import { saslprep } from "./saslprep.ts";
import type { ScramStore } from "./scram.ts";
import {
  credentialFault,
  SCRAM_KEY_BYTES,
  SCRAM_SHA_256,
  type ScramCredential,
} from "./scram_keys.ts";
import { parseBase64 } from "./scram_message.ts";

/** Between the user name and the credential. */
const MARK = `:${SCRAM_SHA_256}$`;
const CREDENTIAL_REGEXP = /^([0-9]+):([^$:]*)\$([^$:]*):([^$:]*)$/;
/** What most credentials of an empty file would look like. */
const USUAL = { iterations: 4096, saltBytes: 16 };

interface Users {
  readonly credentials: ReadonlyMap<string, ScramCredential>;
  readonly typical: { readonly iterations: number; readonly saltBytes: number };
}

/**
 * Credentials in a file, one user a line, the parts in base 64:
 *
 * ```text
 * user:SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey
 * ```
 *
 * Empty lines, and lines that begin with `#`, are left out. Reading it takes
 * the permission `--allow-read`.
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

  /** What most credentials look like. */
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
 * @throws {TypeError} If the user name cannot stand in such a line.
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
    // The last one: a user name may have colons, the rest has none of these.
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
  const [salt, storedKey, serverKey] = parts.map(parseBase64);
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

/** The shape that the most have. */
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
