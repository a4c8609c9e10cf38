import { ReasonCode } from "../codec/mod.ts";
import type { Authenticator, ClientInfo, ConnectRequest, Decision } from "./authenticator.ts";
import { decodeFile } from "./file_errors.ts";
import { toEnd, toEndInTurns } from "./in_turns.ts";
import { hashPassword, isPassword, type PasswordHash } from "./password_hash.ts";
import { PasswordUsers } from "./password_users.ts";
import { WorkQueue } from "./work_queue.ts";

/** What a {@linkcode PasswordFile} may do at once. */
export interface PasswordLimits {
  /** Passwords that are checked at once; all processors but one by default, and one at least. */
  checksMax?: number;
  /** Logins that wait for theirs. Past it: refused as busy (0x89). 1,024 by default. */
  waitingMax?: number;
}

/** Logins that wait, unless told otherwise. */
const WAITING_MAX = 1024;
/** How mosquitto 2.0 hashes unless told otherwise; what is compared where there are no users. */
const USUAL_ITERATIONS = 101;

/**
 * Who may come in, from a file in the form of mosquitto's `password_file`: a
 * line `user:hash` for each, as `deno task passwd` and mosquitto_passwd write
 * it. Reading one takes the permission `--allow-read`.
 *
 * Passwords are checked beside the event loop, a few at a time. How long it
 * takes does not tell whether a user exists.
 *
 * @example Users from a file, and whoever has no user name
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { allowAnonymous, firstAuthenticator, PasswordFile } from "@fairway/mqtt/auth";
 *
 * const path = await Deno.makeTempFile();
 * const users = await PasswordFile.open(path);
 * await using broker = new Broker({ authenticator: firstAuthenticator(users, allowAnonymous) });
 * await Deno.remove(path);
 * ```
 */
export class PasswordFile implements Authenticator {
  /** Where the users come from. */
  readonly path: string;
  /** Logins that were refused because too many waited. */
  busy = 0;
  readonly #queue: WorkQueue;
  /** Makes it unpredictable with whose hash an unknown user's password is compared. */
  readonly #seed: number = crypto.getRandomValues(new Uint32Array(1))[0]!;
  #users: PasswordUsers;
  #decoy: Promise<PasswordHash> | null = null;
  #reading = 0;

  private constructor(path: string, users: PasswordUsers, limits: PasswordLimits) {
    this.path = path;
    this.#users = users;
    const { checksMax = Math.max(1, navigator.hardwareConcurrency - 1), waitingMax = WAITING_MAX } =
      limits;
    this.#queue = new WorkQueue(checksMax, waitingMax);
  }

  /**
   * Reads a file.
   *
   * @throws {FileFaultError} If a line of it is wrong.
   * @throws If it cannot be read.
   */
  static async open(path: string, limits: PasswordLimits = {}): Promise<PasswordFile> {
    return new PasswordFile(path, await read(path), limits);
  }

  /**
   * Takes the users from a text.
   *
   * @param name What it is called in messages.
   * @throws {FileFaultError} If a line of it is wrong.
   */
  static parse(text: string, name = "passwords", limits: PasswordLimits = {}): PasswordFile {
    return new PasswordFile(name, toEnd(PasswordUsers.read(text, name)), limits);
  }

  /** How many users there are. */
  get size(): number {
    return this.#users.size;
  }

  /** How many logins wait. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /**
   * Reads the file again. To have users disconnected that are gone, call
   * `Broker.reauthorize` then.
   *
   * @throws {FileFaultError} If a line of it is wrong; the users stay as they are.
   * @throws If it cannot be read; likewise.
   */
  async reload(): Promise<void> {
    const reading = ++this.#reading;
    const users = await read(this.path);
    // Who began to read later has read what is newer.
    if (reading === this.#reading) this.#users = users;
  }

  /** Lets in who gives the right password; refuses as busy when too many wait. */
  async authenticate({ username, password }: ConnectRequest): Promise<Decision> {
    if (username === null || password === null) return REFUSED;
    const known = this.#users.get(username);
    const checked = this.#queue.run(async () => {
      const hash = known ?? this.#users.any(this.#numberOf(username)) ?? await this.#usual();
      return await isPassword(password, hash);
    });
    if (checked === null) {
      this.busy++;
      return BUSY;
    }
    return await checked && known !== undefined ? WELCOME : REFUSED;
  }

  /** Whether a client may stay: not if the file has its user no more. */
  mayStay({ username }: ClientInfo): boolean {
    return username === null || this.#users.get(username) !== undefined;
  }

  /** What the password of an unknown user is compared with, if there are no users at all. */
  #usual(): Promise<PasswordHash> {
    return this.#decoy ??= hashPassword(new Uint8Array(), "sha512-pbkdf2", USUAL_ITERATIONS);
  }

  /** A number that a name has for as long as this lives, and nobody can foretell. */
  #numberOf(username: string): number {
    let hash = this.#seed;
    for (let i = 0; i < username.length; i++) {
      hash = Math.imul(hash ^ username.charCodeAt(i), 0x01000193);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }
}

const WELCOME: Decision = { reasonCode: ReasonCode.Success };
const REFUSED: Decision = { reasonCode: ReasonCode.BadUserNameOrPassword };
const BUSY: Decision = { reasonCode: ReasonCode.ServerBusy, reasonString: "Too many logins" };

async function read(path: string): Promise<PasswordUsers> {
  return await toEndInTurns(PasswordUsers.read(decodeFile(path, await Deno.readFile(path)), path));
}
